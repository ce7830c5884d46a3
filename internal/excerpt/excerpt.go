// Package excerpt makes untrusted text fit for one line of output: a message on a
// terminal, a trailer of a commit, a cell of a table. An error of the operating
// system loses the paths of this machine, and for an unknown word there are those
// that may have been meant.
package excerpt

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

const (
	ellipsis    = "..."
	mostNames   = 8   // of a list in a message
	longestName = 120 // bytes of one of them
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
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + ellipsis
}

// Joined puts the lines of a message on one: Argo CD percent-encodes newlines.
func Joined(message string) string {
	var out string
	for line := range strings.Lines(message) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || out == "":
			out += line
		case strings.HasSuffix(out, ":"):
			out += " " + line
		default:
			out += "; " + line
		}
	}
	return out
}

// Column cuts a text to a width in characters.
func Column(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:max(0, width-len(ellipsis))]) + ellipsis
	}
	return text
}

// Word is a word of a file, cut, and in quotes where it would not stand out in a line.
func Word(word string, most int) string {
	word = Cut(word, most)
	if quoted := strconv.Quote(word); quoted != `"`+word+`"` || word == "" {
		return quoted
	}
	return word
}

// FirstLine is what an error of a library says, without what it quotes below, in at most
// so many bytes.
func FirstLine(err error, most int) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return Cut(line, most)
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
func List(names []string) string { return few(names, ", ", " and ") }

// Or is List of what could be meant.
func Or(names []string) string { return few(names, " or ", " or ") }

func few(names []string, between, last string) string {
	var out []string
	for _, name := range names[:min(len(names), mostNames)] {
		out = append(out, Of(name, longestName))
	}
	text := strings.Join(out, between)
	if more := len(names) - len(out); more > 0 {
		text += fmt.Sprintf("%s%d more", last, more)
	}
	return text
}
