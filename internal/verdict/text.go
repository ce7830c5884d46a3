package verdict

import (
	"strings"
	"unicode"
)

const (
	longestWord = 120 // bytes of a name or value that a message repeats
	longestLine = 600 // bytes of a message or of evidence
	mostNames   = 5
)

// oneLine makes a text of the cluster fit for a terminal and for a commit: no
// line of it can be taken for a trailer, and no control character gets through.
func oneLine(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	return clipTo(strings.Join(strings.Fields(s), " "), most)
}

func clip(word string) string { return oneLine(word, longestWord) }

func clipTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// few names the first of many.
func few(names []string) string {
	var out []string
	for _, name := range names[:min(len(names), mostNames)] {
		out = append(out, clip(name))
	}
	if len(names) > mostNames {
		out = append(out, "and more")
	}
	return strings.Join(out, ", ")
}
