package marker

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/assaydev/assay/internal/spec"
)

// Shift returns the marker less its first document: nil when none is left. The
// bytes of the others, and the line that Argo CD looks for, stay as they are.
func Shift(f File) ([]byte, error) { return Remove(f, 0) }

// Remove returns the marker less document i, counted from 0, as Shift does.
func Remove(f File, i int) ([]byte, error) {
	if i < 0 || i >= len(f.Candidates) {
		return nil, fmt.Errorf("%s has %d documents, and none to take out at %d", f.Path, len(f.Candidates), i)
	}
	if len(f.Candidates) == 1 {
		return nil, nil
	}
	if out, ok := cutDocument(f.Data, i, len(f.Candidates)); ok {
		rest, err := spec.DecodeCandidates(f.Path, out)
		if err == nil && sameAll(rest, slices.Delete(slices.Clone(f.Candidates), i, i+1)) {
			return out, nil
		}
	}
	return nil, fmt.Errorf("%s: document %d cannot be taken out in place: separate the documents with lines that hold --- alone", f.Path, i+1)
}

// cutDocument takes one of n documents out, with the line that separates it from
// the one before; the first, with the line that separates it from the next.
func cutDocument(data []byte, i, n int) ([]byte, bool) {
	starts := separations(data)
	if len(starts) != n-1 {
		return nil, false
	}
	if i == 0 {
		return append(head(data), data[starts[0].after:]...), true
	}
	end := len(data)
	if i < n-1 {
		end = starts[i].at
	}
	return slices.Concat(data[:starts[i-1].at], data[end:]), true
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

// separation is a line between two documents. What it holds beside --- belongs
// to the second.
type separation struct{ at, after int }

// separations finds the lines between documents that hold something. A line
// that starts with --- separates documents wherever it stands, also within a
// scalar. Where several stand together, the first counts.
func separations(data []byte) (list []separation) {
	var last *separation // after content, and before the next
	content := false
	for at := 0; at < len(data); {
		text, next := cutLine(data[at:])
		rest, separates := separator(text)
		if separates && content {
			last, content = &separation{at, at}, false
			if len(rest) == 0 {
				last.after = at + next
			}
		}
		if separates && len(rest) > 0 && rest[0] != '#' || !separates && holdsContent(text) {
			if content = true; last != nil {
				list, last = append(list, *last), nil
			}
		}
		at += next
	}
	return list
}

func cutLine(data []byte) (line []byte, length int) {
	n := bytes.IndexByte(data, '\n') + 1
	if n == 0 {
		n = len(data)
	}
	return data[:n], n
}

// separator tells a line that separates documents, and what else it holds.
func separator(line []byte) (rest []byte, ok bool) {
	rest, found := bytes.CutPrefix(line, []byte("---"))
	if !found || len(rest) > 0 && !bytes.ContainsAny(rest[:1], " \t\r\n") {
		return nil, false
	}
	return bytes.TrimSpace(rest), true
}

func holdsContent(line []byte) bool {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")))
	return len(line) > 0 && line[0] != '#' && line[0] != '%'
}
