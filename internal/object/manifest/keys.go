package manifest

import (
	"errors"
	"regexp"
	"strconv"

	yaml3 "go.yaml.in/yaml/v3"
)

// twice is how the library says it.
var twice = regexp.MustCompile(`^line (\d+): mapping key "(.*)" already defined at line (\d+)$`)

// Repeated is a key that a mapping of a file holds twice.
type Repeated struct {
	Key         string
	Line, First int
}

// FindRepeated is the first such key of a YAML or JSON file: decoders take one of the
// two, and which one differs.
func FindRepeated(file string, data []byte) (Repeated, bool) {
	docs, _ := split(file, data)
	for _, doc := range docs {
		var value any
		var fault *yaml3.TypeError
		if !errors.As(yaml3.Unmarshal(doc.data, &value), &fault) {
			continue
		}
		for _, text := range fault.Errors {
			if found := twice.FindStringSubmatch(text); found != nil {
				return Repeated{found[2], atLine(doc, found[1]), atLine(doc, found[3])}, true
			}
		}
	}
	return Repeated{}, false
}

// CheckKeys refuses a file in which a mapping holds a key twice. Other faults pass.
func CheckKeys(file string, data []byte) error {
	r, found := FindRepeated(file, data)
	if !found {
		return nil
	}
	return &Error{File: file, Line: r.Line, Reason: "a key is there twice, and on line " + strconv.Itoa(r.First) + " already: pass the object as the cluster has it"}
}

// atLine is a line of the document as one of the file.
func atLine(doc document, text string) int {
	line, _ := strconv.Atoi(text)
	return doc.line + line - 1
}
