package manifest

import (
	"errors"
	"regexp"
	"strconv"

	yaml3 "go.yaml.in/yaml/v3"
)

// twice is how the library says it. It names the key, which is not repeated.
var twice = regexp.MustCompile(`^line (\d+): mapping key .* already defined at line (\d+)$`)

// CheckKeys refuses a YAML or JSON file in which a mapping holds a key twice:
// decoders take one of them, and which one differs. Other faults pass.
func CheckKeys(file string, data []byte) error {
	docs, _ := split(file, data)
	for _, doc := range docs {
		var value any
		var fault *yaml3.TypeError
		if !errors.As(yaml3.Unmarshal(doc.data, &value), &fault) {
			continue
		}
		for _, text := range fault.Errors {
			if found := twice.FindStringSubmatch(text); found != nil {
				line, first := atLine(doc, found[1]), atLine(doc, found[2])
				return &Error{File: file, Line: line, Reason: "a key is there twice, and on line " + strconv.Itoa(first) + " already: pass the object as the cluster has it"}
			}
		}
	}
	return nil
}

// atLine is a line of the document as one of the file.
func atLine(doc document, text string) int {
	line, _ := strconv.Atoi(text)
	return doc.line + line - 1
}
