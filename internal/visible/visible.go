// Package visible shows untrusted text on a terminal: what would steer the
// terminal, or turn the direction of what follows, is escaped as in a Go string.
package visible

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Text escapes a text. Tabs and line ends stay, those of Windows too.
func Text(text string) string { return escape(text, "", goEscape) }

// Name is Text for what has one line: a file's name may hold line ends, after which it
// would look like a line of its own.
func Name(text string) string {
	return Text(strings.NewReplacer("\n", `\n`, "\r", `\x0d`, "\t", `\t`).Replace(text))
}

// Quoted is a name as git writes it in a diff, in quotes where it has to be.
func Quoted(name string) string {
	var out strings.Builder
	for _, c := range []byte(name) {
		switch {
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\t':
			out.WriteString(`\t`)
		case c == '"' || c == '\\':
			out.WriteString(`\` + string(c))
		case c < ' ' || c == 0x7f:
			_, _ = fmt.Fprintf(&out, `\%03o`, c)
		default:
			out.WriteByte(c)
		}
	}
	if out.Len() == len(name) {
		return name
	}
	return `"` + out.String() + `"`
}

// Painted is Text for one that has escapes of our own in it: each is followed by a
// mark that others cannot know, and that is left out.
func Painted(text, mark string) string { return escape(text, mark, goEscape) }

// JSON escapes what is left in a JSON document after its own rules. It says the same.
func JSON(data []byte) []byte {
	if i := bytes.IndexFunc(data, steers); i < 0 {
		return data
	}
	return []byte(escape(string(data), "", jsonEscape))
}

func escape(text, mark string, with func(rune) string) string {
	if strings.IndexFunc(text, func(r rune) bool { return steers(r) || r == utf8.RuneError }) < 0 {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		rest := text[i+n:]
		switch {
		case r == utf8.RuneError && n == 1: // a terminal may take the byte for a control character
			_, _ = fmt.Fprintf(&out, `\x%02x`, text[i])
		case r == 0x1b && mark != "" && strings.HasPrefix(rest, mark):
			out.WriteByte(0x1b)
			n += len(mark)
		case !steers(r) || r == '\r' && strings.HasPrefix(rest, "\n"):
			out.WriteString(text[i : i+n])
		default:
			out.WriteString(with(r))
		}
		i += n
	}
	return out.String()
}

// steers reports whether a character does more than being seen.
func steers(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r < ' ', r >= 0x7f && r <= 0x9f: // control characters, also those of eight bits
		return true
	case r == 0x61c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // direction
		return true
	}
	return r == 0x2028 || r == 0x2029 || r >= 0xe0000 && r <= 0xe007f // line ends and tags that nobody sees
}

func goEscape(r rune) string {
	if r < 0x80 {
		return fmt.Sprintf(`\x%02x`, r)
	}
	return jsonEscape(r)
}

func jsonEscape(r rune) string {
	if r > 0xffff {
		r -= 0x10000
		return fmt.Sprintf(`\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// Writer escapes what is written to it. A character must not be split over two calls.
type Writer struct{ Out io.Writer }

func (w Writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.Out, Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
