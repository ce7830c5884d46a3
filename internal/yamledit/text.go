package yamledit

import (
	"bytes"
	"unicode/utf8"
)

const byteOrderMark = "\ufeff"

// text is a file's bytes with the start of each line.
type text struct {
	data  []byte
	lines []int // where each line starts; the first is after a byte order mark
	ascii bool
	nl    string // the first line's break

	// The last position found, so that a walk along one long line is linear.
	line, column, offset int
}

func newText(data []byte) *text {
	t := &text{data: data, ascii: true, nl: "\n"}
	start := 0
	if bytes.HasPrefix(data, []byte(byteOrderMark)) {
		start = len(byteOrderMark)
	}
	t.lines = append(make([]int, 0, bytes.Count(data, []byte("\n"))+1), start)
	for i := start; i < len(data); {
		n := bytes.IndexByte(data[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
		t.lines = append(t.lines, i)
	}
	for _, c := range data[start:] {
		if c >= utf8.RuneSelf {
			t.ascii = false
			break
		}
	}
	if len(t.lines) > 1 && t.lines[1] > start+1 && data[t.lines[1]-2] == '\r' {
		t.nl = "\r\n"
	}
	return t
}

// at is the offset of a line and column as the parser counts them: both from
// 1, columns in characters.
func (t *text) at(line, column int) int {
	if line < 1 || line > len(t.lines) {
		return len(t.data)
	}
	i, n := t.lines[line-1], column-1
	if t.ascii {
		return min(i+n, len(t.data))
	}
	if line == t.line && n >= t.column {
		i, n = t.offset, n-t.column
	}
	for ; n > 0 && i < len(t.data); n-- {
		_, size := utf8.DecodeRune(t.data[i:])
		i += size
	}
	t.line, t.column, t.offset = line, column-1, i
	return i
}

// number is the line that holds offset i, from 1.
func (t *text) number(i int) int {
	low, high := 0, len(t.lines)
	for low+1 < high {
		if mid := (low + high) / 2; t.lines[mid] <= i {
			low = mid
		} else {
			high = mid
		}
	}
	return low + 1
}

// begin is where the line that holds offset i starts.
func (t *text) begin(i int) int { return t.lines[t.number(i)-1] }

// next is where the line after offset i starts; the end of the file if none does.
func (t *text) next(i int) int {
	if n := t.number(i); n < len(t.lines) {
		return t.lines[n]
	}
	return len(t.data)
}

// finish is where the line that holds offset i ends, before its break.
func (t *text) finish(i int) int {
	end := t.next(i)
	if end > i && t.data[end-1] == '\n' {
		end--
		if end > i && t.data[end-1] == '\r' {
			end--
		}
	}
	return end
}

// column is the number of characters before offset i in its line.
func (t *text) columnOf(i int) int { return utf8.RuneCount(t.data[t.begin(i):i]) }

// leads reports whether only spaces come before offset i in its line.
func (t *text) leads(i int) bool {
	return len(bytes.Trim(t.data[t.begin(i):i], " ")) == 0
}

// indent is the number of spaces that start the line at offset i, and the byte after them; 0 at the line's end.
func (t *text) indent(i int) (int, byte) {
	for n := i; n < len(t.data); n++ {
		switch c := t.data[n]; c {
		case ' ':
		case '\n', '\r':
			return n - i, 0
		default:
			return n - i, c
		}
	}
	return len(t.data) - i, 0
}

// blank reports whether the line that starts at offset i holds nothing but
// spaces and tabs.
func (t *text) blank(i int) bool {
	return len(bytes.TrimLeft(t.data[i:t.finish(i)], " \t")) == 0
}

// ends reports whether the file ends with a line break.
func (t *text) ends() bool { return len(t.data) > 0 && t.data[len(t.data)-1] == '\n' }

// gap skips spaces, line breaks and comments from offset i.
func (t *text) gap(i int) int {
	for i < len(t.data) {
		switch t.data[i] {
		case ' ', '\t', '\n', '\r':
			i++
		case '#':
			i = t.finish(i)
		default:
			return i
		}
	}
	return i
}

// spaces skips spaces and tabs from offset i.
func (t *text) spaces(i int) int {
	for i < len(t.data) && (t.data[i] == ' ' || t.data[i] == '\t') {
		i++
	}
	return i
}

// comment is the line comment that follows offset i, from its #; empty when there is none.
func (t *text) comment(i int) string {
	if j := t.spaces(i); j < len(t.data) && t.data[j] == '#' {
		return string(t.data[j:t.finish(j)])
	}
	return ""
}

// byteAt is the byte at offset i; 0 at the end of the file.
func (t *text) byteAt(i int) byte {
	if i < 0 || i >= len(t.data) {
		return 0
	}
	return t.data[i]
}
