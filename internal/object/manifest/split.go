package manifest

import (
	"bytes"
	"slices"
)

// document is one chunk of a YAML file.
type document struct {
	line int // of its first byte, 1-based
	data []byte
}

// split cuts a file at lines that begin with "---", as
// k8s.io/apimachinery/pkg/util/yaml's reader does: line ends become "\n", the
// last line gets one, and only space or a comment may follow the dashes. The
// documents before a faulty separator are returned with the error.
func split(file string, data []byte) ([]document, error) {
	data = normalise(data)
	var docs []document
	start, startLine := 0, 1
	keep := func(end int) {
		if start < end {
			docs = append(docs, document{startLine, data[start:end:end]})
		}
	}
	line := 0
	for at := 0; at < len(data); {
		line++
		end := at + bytes.IndexByte(data[at:], '\n') + 1
		if rest, ok := bytes.CutPrefix(data[at:end], []byte("---")); ok {
			if rest = bytes.TrimSpace(rest); len(rest) > 0 && rest[0] != '#' {
				return docs, &Error{File: file, Line: line, Reason: "text after the document separator ---; put it on a line of its own"}
			}
			if start < at {
				keep(at)
				start, startLine = end, line+1
			}
		}
		at = end
	}
	keep(len(data))
	return docs, nil
}

// normalise ends every line with "\n". It copies only when it must.
func normalise(data []byte) []byte {
	if bytes.Contains(data, []byte("\r\n")) {
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(slices.Clip(data), '\n')
	}
	return data
}
