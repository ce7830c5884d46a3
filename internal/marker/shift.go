package marker

import (
	"bytes"
	"fmt"

	"github.com/assaydev/assay/internal/spec"
)

// Shift returns the marker less its first document: nil when none is left. The
// bytes of the others, and the line that Argo CD looks for, stay as they are.
func Shift(f File) ([]byte, error) {
	if len(f.Candidates) <= 1 {
		return nil, nil
	}
	at, ok := secondDocument(f.Data)
	if ok {
		out := append(head(f.Data), f.Data[at:]...)
		rest, err := spec.DecodeCandidates(f.Path, out)
		if err == nil && sameAll(rest, f.Candidates[1:]) {
			return out, nil
		}
	}
	return nil, fmt.Errorf("%s: its first document cannot be taken out in place: separate the documents with lines that hold --- alone", f.Path)
}

func sameAll(a, b []spec.Candidate) bool {
	x, errX := Encode(a)
	y, errY := Encode(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// head is the byte order mark and the skip line, where the file starts with them.
func head(data []byte) []byte {
	bom := []byte("\xef\xbb\xbf")
	n := 0
	if bytes.HasPrefix(data, bom) {
		n = len(bom)
	}
	line, _ := cutLine(data[n:])
	if bytes.Equal(bytes.TrimSpace(line), []byte(spec.SkipLine)) {
		n += len(line)
	}
	return bytes.Clone(data[:n])
}

// secondDocument is where the second document starts. A line that starts with
// --- separates documents wherever it stands, also within a scalar.
func secondDocument(data []byte) (int, bool) {
	content := false
	for at := 0; at < len(data); {
		line, next := cutLine(data[at:])
		separator, bare := isSeparator(line)
		switch {
		case separator && content && bare:
			return at + next, true
		case separator && content:
			return at, true
		case separator && !bare, !separator && holdsContent(line):
			content = true
		}
		at += next
	}
	return 0, false
}

func cutLine(data []byte) (line []byte, length int) {
	n := bytes.IndexByte(data, '\n') + 1
	if n == 0 {
		n = len(data)
	}
	return data[:n], n
}

// isSeparator also says whether the line holds nothing else.
func isSeparator(line []byte) (separator, bare bool) {
	rest, found := bytes.CutPrefix(line, []byte("---"))
	if !found || len(rest) > 0 && !bytes.ContainsAny(rest[:1], " \t\r\n") {
		return false, false
	}
	return true, len(bytes.TrimSpace(rest)) == 0
}

func holdsContent(line []byte) bool {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")))
	return len(line) > 0 && line[0] != '#' && line[0] != '%'
}
