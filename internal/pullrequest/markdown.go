package pullrequest

import (
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/assaydev/assay/internal/excerpt"
)

const longestText = 1000 // bytes of one text on a line

// code is a text as a code span; other is what stands for an empty one.
func code(text, other string) string { return span(excerpt.Of(text, longestText), other) }

func span(text, other string) string {
	if text == "" {
		return other
	}
	marks, pad := strings.Repeat("`", longestRun(text)+1), ""
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		pad = " "
	}
	return marks + pad + text + pad + marks
}

// cell is code in a table. A backslash before a pipe would undo its escape, in
// a way that parsers do not agree on: they are kept apart.
func cell(text string) string {
	text = strings.ReplaceAll(excerpt.Of(text, longestText), `\|`, `\ |`)
	return strings.ReplaceAll(span(text, ""), "|", `\|`)
}

func longestRun(text string) int {
	longest, run := 0, 0
	for i := range len(text) {
		if text[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// fenceMark is longer than any run of backticks in the text.
func fenceMark(text string) string { return strings.Repeat("`", max(3, longestRun(text)+1)) }

// visible keeps lines and tabs, and writes other characters that do not show, or
// that turn text around, as escapes.
func visible(text string) string {
	plain := func(r rune) bool { return r == '\n' || r == '\t' || unicode.IsPrint(r) }
	if strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	var out strings.Builder
	for _, r := range text {
		if plain(r) {
			out.WriteRune(r)
		} else {
			_, _ = fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// summary is the visible line of a block that opens. It is HTML as a whole.
func summary(name, rest string) string {
	return "<details>\n<summary><code>" + html.EscapeString(excerpt.Of(name, longestText)) + "</code> " + rest + "</summary>\n\n"
}

// plainURL is what of a URL needs no escape in a link's destination.
const plainURL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&*+,=%"

// destination is a URL as a link's destination; empty for one that is refused.
func destination(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(text) > longestText {
		return ""
	}
	u.User = nil
	var out strings.Builder
	for _, b := range []byte(u.String()) {
		if strings.IndexByte(plainURL, b) >= 0 {
			out.WriteByte(b)
		} else {
			_, _ = fmt.Fprintf(&out, "%%%02X", b)
		}
	}
	return "<" + out.String() + ">"
}

// joined leaves out what is empty.
func joined(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator)
}
