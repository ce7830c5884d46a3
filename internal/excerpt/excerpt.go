// Package excerpt makes a text that others wrote fit for one line of ours: a
// message on a terminal, a trailer of a commit, a cell of a table. An error of the
// operating system loses the paths of this machine.
package excerpt

import (
	"fmt"
	"strings"
	"unicode"
)

const (
	ellipsis  = "..."
	mostNames = 8 // of a list in a message
)

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

// Line puts the text on one line: white space and control characters become one
// space, and characters that only turn the direction of others are dropped.
func Line(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r): // turns the direction of what follows
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	return strings.Join(strings.Fields(text), " ")
}

// List names the first of many, and how many more there are.
func List(names []string) string {
	if len(names) <= mostNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNames], ", "), len(names)-mostNames)
}
