package yamledit

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// blockScalar is a literal or folded scalar in the text.
type blockScalar struct {
	start, header int  // the indicators: "|2-"
	chomp         byte // '-', '+' or 0
	explicit      bool // the header gives the indentation
	indent        int  // of the content, in spaces
	parent        int  // the column of the collection around it, -1 at the root
	body          int  // where the line after the header starts
	last          int  // after the last line with anything on it, before its break
	end           int  // after the last line that counts, before its break
}

// blockScalar finds the parts of a literal or folded scalar.
func (l *layout) blockScalar(n *yaml.Node, parent int) (blockScalar, error) {
	b := blockScalar{start: l.content(n), parent: parent}
	if c := l.byteAt(b.start); c != '|' && c != '>' {
		return b, errLayout
	}
	for b.header = b.start + 1; ; b.header++ {
		c := l.byteAt(b.header)
		if c == '-' || c == '+' {
			b.chomp = c
		} else if c >= '1' && c <= '9' {
			b.explicit, b.indent = true, max(parent, 0)+int(c-'0')
		} else {
			break
		}
	}
	b.body = l.next(b.header)
	b.last = l.finish(b.header)
	content := b.last
	for i := b.body; i < len(l.data); {
		next := l.next(i)
		spaces, c := l.indent(i)
		switch {
		case c == 0 && (b.indent == 0 || spaces <= b.indent):
			if finish := l.finish(i); finish < next {
				content = finish
			}
		case b.indent == 0 && spaces > parent && spaces > 0:
			b.indent = spaces
			fallthrough
		case b.indent > 0 && spaces >= b.indent:
			content = l.finish(i)
			b.last = content
		default:
			next = len(l.data)
		}
		i = next
	}
	if b.end = b.last; b.chomp == '+' || b.last == l.finish(b.header) {
		b.end = content
	}
	return b, nil
}

// rewrite writes a string in the style of the block scalar that holds it now,
// from the header to the end of the last line. It says false when that style
// cannot hold the string.
func (l *layout) rewrite(b blockScalar, s string) (string, bool) {
	indent := b.indent
	if indent == 0 {
		indent = max(b.parent, 0) + 2
	}
	folded := l.data[b.start] == '>'
	width := 0
	if folded {
		width = l.width(b)
	}
	header, lines, ok := block(s, folded, width, indent-max(b.parent, 0), b.explicit)
	if !ok || header[len(header)-1] == '+' && l.blank(l.next(b.end)) && l.next(b.end) < len(l.data) {
		return "", false
	}
	var out strings.Builder
	out.WriteString(header)
	out.Write(l.data[b.header:l.finish(b.header)])
	for _, line := range lines {
		out.WriteString(l.nl)
		if line != "" {
			out.WriteString(strings.Repeat(" ", indent) + line)
		}
	}
	return out.String(), true
}

// width is where a folded scalar wraps its lines; 0 when it does not.
func (l *layout) width(b blockScalar) int {
	longest, wraps, before := 0, false, true
	for i := b.body; i < b.end; i = l.next(i) {
		line := bytes.TrimPrefix(l.data[i:l.finish(i)], bytes.Repeat([]byte(" "), b.indent))
		blank := len(line) == 0 || line[0] == ' ' || line[0] == '\t'
		wraps = wraps || !blank && !before
		before = blank
		longest = max(longest, utf8.RuneCount(line))
	}
	if !wraps {
		return 0
	}
	return max(longest, 72)
}

// block writes a string as a literal or folded scalar: its header and its
// lines without their indentation. It says false when it has no such form.
func block(s string, folded bool, width, indent int, explicit bool) (header string, lines []string, ok bool) {
	body := strings.TrimRight(s, "\n")
	if body == "" || indent < 1 || !blockable(body) {
		return "", nil, false
	}
	header = "|"
	lines = strings.Split(body, "\n")
	if folded {
		header = ">"
		lines = fold(lines, width)
	}
	if c := strings.TrimLeft(body, "\n")[0]; explicit || c == ' ' || c == '\t' {
		if indent > 9 {
			return "", nil, false
		}
		header += strconv.Itoa(indent)
	}
	switch breaks := len(s) - len(body); breaks {
	case 0:
		header += "-"
	case 1:
	default:
		header += "+"
		lines = append(lines, make([]string, breaks-1)...)
	}
	return header, lines, true
}

// blockable reports whether every character can stand for itself in a block
// scalar.
func blockable(s string) bool {
	for _, r := range s {
		if r != '\n' && !printable(r) {
			return false
		}
	}
	return true
}

// fold writes lines so that folding restores them: a break between two lines
// that start with text takes an empty line. Lines longer than width wrap at
// single spaces.
func fold(lines []string, width int) []string {
	var out []string
	text := false // the last line with anything on it starts with text
	blanks := 0
	for _, line := range lines {
		if line == "" {
			blanks++
			continue
		}
		starts := line[0] != ' ' && line[0] != '\t'
		if starts && text {
			blanks++
		}
		out = append(out, make([]string, blanks)...)
		blanks, text = 0, starts
		if starts {
			out = append(out, wrap(line, width)...)
		} else {
			out = append(out, line)
		}
	}
	return out
}

// wrap breaks a line at single spaces, so that each part has at most width
// characters where that is possible.
func wrap(line string, width int) []string {
	if width <= 0 {
		return []string{line}
	}
	var out []string
	words := strings.Split(line, " ")
	part := words[0]
	for i, word := range words[1:] {
		// A part may not end or begin with white space.
		safe := word != "" && words[i] != "" && word[0] != '\t' && part[len(part)-1] != '\t'
		if safe && utf8.RuneCountInString(part)+1+utf8.RuneCountInString(word) > width {
			out = append(out, part)
			part = word
		} else {
			part += " " + word
		}
	}
	return append(out, part)
}
