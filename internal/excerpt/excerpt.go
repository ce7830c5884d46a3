// Package excerpt makes a text that others wrote fit for one line of ours: a
// message on a terminal, a trailer of a commit, a cell of a table.
package excerpt

import (
	"strings"
	"unicode"
)

const ellipsis = "..."

// Of puts the text on one line, without control and formatting characters, and
// cuts it after most bytes, never within a character. What is cut ends in "...".
func Of(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	return Cut(strings.Join(strings.Fields(text), " "), most)
}

// Cut is Of for a text that is one line already.
func Cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + ellipsis
}
