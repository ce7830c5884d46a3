package manifest

import (
	"bytes"
	"regexp"
	"sort"
	"strings"

	yaml2 "go.yaml.in/yaml/v2"
)

// CheckText says why the text of a YAML file does not decode, with the line,
// the cause and what to do, and without the file's content. It is nil for text
// that is fine: then the fault is in what it says.
func CheckText(file string, data []byte) error {
	if err := CheckAliases(file, data); err != nil {
		return err
	}
	data, err := text(file, data)
	if err != nil {
		return err
	}
	docs, splitErr := split(file, data)
	for _, doc := range docs {
		if _, err := decodeValue(doc.data); err != nil {
			return yamlError(file, doc, err)
		}
	}
	return splitErr
}

// tabbed reports whether the line, counted from 1, has a tab in its indentation.
func tabbed(data []byte, line int) bool {
	for range line - 1 {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	text, _, _ := bytes.Cut(data, []byte("\n"))
	indent := text[:len(text)-len(bytes.TrimLeft(text, " \t-"))]
	return bytes.IndexByte(indent, '\t') >= 0
}

// aliasFault explains the parser's error about an alias, which holds the
// alias's name and no line.
func aliasFault(data []byte, reason string) (line int, ok bool) {
	m := regexp.MustCompile(`^unknown anchor '([^']*)' referenced`).FindStringSubmatch(reason)
	if m == nil {
		return 0, false
	}
	var ends, lines []int // of the lines that may hold the alias
	for at, n := 0, 1; at < len(data); n++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if bytes.Contains(data[at:end], []byte("*"+m[1])) {
			ends, lines = append(ends, end), append(lines, n)
		}
		at = end
	}
	// The parser stops at the first alias without an anchor: so the shortest
	// beginning of the file that it stops in ends with the alias's line.
	first := sort.Search(len(ends)-1, func(i int) bool {
		var v any
		err := yaml2.Unmarshal(data[:ends[i]:ends[i]], &v)
		return err != nil && strings.HasSuffix(err.Error(), reason)
	})
	if len(lines) == 0 {
		return 1, true
	}
	return lines[first], true
}

// explained is the fault of a document in words of our own, if it is one that
// the parser explains badly. line is the parser's, in the file.
func explained(file string, doc document, reason string, line int) error {
	if n, ok := aliasFault(doc.data, reason); ok {
		return &Error{File: file, Line: doc.line + n - 1, Reason: "an alias that has no anchor; define the anchor above it, or quote the value"}
	}
	if !strings.Contains(reason, "cannot start any token") && !strings.Contains(reason, "a tab character") {
		return nil
	}
	if tabbed(doc.data, line-doc.line+1) {
		return &Error{File: file, Line: line, Reason: "a tab in the indentation; indent with spaces"}
	}
	return &Error{File: file, Line: line, Reason: "invalid YAML: " + reason + "; quote the value"}
}
