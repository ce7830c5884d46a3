package excerpt_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/assaydev/assay/internal/excerpt"
)

func TestOf(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"plain":                   "plain",
		" two\nlines\r\n\tof it ": "two lines of it",
		"line\u2028and\u0085line": "line and line",
		"red\x1b[31m\u202e\x00":   "red[31m",
		"0123456789abcdef":        "0123456789abcdef",
		"0123456789abcdefg":       "0123456789abcdef...",
		"0123456789abcdeüg":       "0123456789abcde...",
		"broken \xff":             "broken \uFFFD",
	} {
		if got := excerpt.Of(text, 16); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestWord(t *testing.T) {
	for word, want := range map[string]string{
		"":           `""`,
		"prod":       "prod",
		"two\nlines": `"two\nlines"`,
		"a\"b":       `"a\"b"`,
		"0123456789": "012345678...",
		"\xff":       "\uFFFD",
	} {
		if got := excerpt.Word(word, 9); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

func TestList(t *testing.T) {
	many := strings.Split("abcdefghij", "")
	for want, got := range map[string]string{
		"":                                  excerpt.List(nil),
		"a":                                 excerpt.List(many[:1]),
		"a, b":                              excerpt.List(many[:2]),
		"a, b, c, d, e, f, g, h and 2 more": excerpt.List(many),
		"a or b":                            excerpt.Or(many[:2]),
		"a or b or c or d or e or f or g or h or 2 more": excerpt.Or(many),
		"two lines": excerpt.List([]string{"two\nlines"}),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add("a\nb", 3)
	f.Add("\xff\xfeü", 1)
	f.Fuzz(func(t *testing.T, text string, most int) {
		if most < 0 || most > 1<<10 {
			return
		}
		got := excerpt.Of(text, most)
		if !utf8.ValidString(got) || len(got) > most+len("...") {
			t.Errorf("%q", got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", got)
		}
	})
}

func TestJoined(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "",
		"one":                  "one",
		"two:\n  things\nhere": "two: things; here",
		"\n a \n\n b\r\n":      "a; b",
	} {
		if got := excerpt.Joined(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestColumn(t *testing.T) {
	for text, want := range map[string]string{"äöü": "äöü", "äöüäöü": "äö...", "": ""} {
		if got := excerpt.Column(text, 5); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
