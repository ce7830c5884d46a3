package yamledit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scalarCase is a scalar in one style, before and after a Set.
type scalarCase struct {
	style     string
	old, text string // in the file, before and after
	value     any
}

var scalarCases = []scalarCase{
	{"plain", "v1.0.0", "v2.0.0", "v2.0.0"},
	{"plain of several words", "one two", "né drei", "né drei"},
	{"plain to quoted", "v1", `"1e3"`, "1e3"},
	{"plain to number", "3", "4", 4},
	{"plain to bool", "yes", "true", true},
	{"plain to null", "x", "null", nil},
	{"null to plain", "~", "x", "x"},
	{"single", "'it''s'", "'that''s'", "that's"},
	{"single with what plain cannot hold", "'a'", "'on'", "on"},
	{"double", `"v\u0031"`, `"v2"`, "v2"},
	{"double with escapes", `"a"`, `"say \"hi\"\t\u0007"`, "say \"hi\"\t\a"},
	{"quoted to number", `"3"`, "3", 3},
	{"quoted to bool", "'true'", "true", true},
}

var blockCases = []scalarCase{
	{"literal", "|\n    one\n    two", "|\n    one\n    three", "one\nthree\n"},
	{"literal stripped", "|-\n    one", "|-\n    two\n\n    three", "two\n\nthree"},
	{"literal to stripped", "|\n    one", "|-\n    two", "two"},
	{"literal with indentation", "|4\n      one", "|4\n        two\n      three", "  two\nthree\n"},
	{"literal that needs indentation", "|\n    one", "|2\n     two", " two\n"},
	{"folded", ">\n    one\n    two\n\n    three", ">\n    one two four\n\n    five", "one two four\nfive\n"},
	{"folded with indented lines", ">-\n    one", ">-\n    one\n     two\n    three", "one\n two\nthree"},
	{"literal to what it cannot hold", "|\n    one", `"\u0007"`, "\a"},
	{"literal to number", "|\n    one", "5", 5},
	{"plain of several lines", "one\n    two\n\n    three", "four", "four"},
	{"double of several lines", "\"one\n    two\"", `"three"`, "three"},
	{"single of several lines", "'one\n\n    two'", `'three'`, "three"},
}

// place is where the scalar stands.
type place struct {
	name, before, after string
	path                Path
}

var places = []place{
	{"mapping", "# head\nzé: 1\nmap:\n  key: ", "\n  next: 'y'\n# foot\nlast: [1]\n", Path{Key("map"), Key("key")}},
	{"list", "list:\n  - a\n  - ", "\n  - c\n", Path{Key("list"), Index(1)}},
	{"list of named", "list:\n- name: wé\n  key: ", "\n# about b\n- name: b\n", Path{Key("list"), Item("name", "wé"), Key("key")}},
	{"end of document", "---\na:\n  key: ", "\n---\nb: 1\n...\n", Path{Key("a"), Key("key")}},
}

var flowPlaces = []place{
	{"flow mapping", "é: {a: ü, key: ", ", z: [x]} # end\n", Path{Key("é"), Key("key")}},
	{"flow list", "é: [a, ", "\n  , {b: c}]\n", Path{Key("é"), Index(1)}},
	{"end of flow", "{a: 1, key: ", "}\n", Path{Key("key")}},
}

// TestSetMatrix sets a scalar of each style in each place, with and without a
// comment, an anchor, other documents, CRLF, a byte order mark and a last
// line break.
func TestSetMatrix(t *testing.T) {
	for _, c := range scalarCases {
		for _, p := range append(places, flowPlaces...) {
			matrix(t, c, p)
		}
	}
	for _, c := range blockCases {
		for _, p := range places {
			matrix(t, c, p)
		}
	}
}

func matrix(t *testing.T, c scalarCase, p place) {
	t.Helper()
	for bits := range 32 {
		on := func(bit int) bool { return bits&(1<<bit) != 0 }
		write := func(text string) string {
			if on(0) && !strings.HasPrefix(p.after, ",") && !strings.HasPrefix(p.after, "}") {
				first, rest, _ := strings.Cut(text, "\n")
				if header := strings.HasPrefix(first, "|") || strings.HasPrefix(first, ">"); header && rest != "" {
					text = first + "  # é note\n" + rest
				} else {
					text += "  # é note"
				}
			}
			if on(1) {
				text = "&anchor " + text
			}
			text = p.before + text + p.after
			if on(2) {
				text = "a: &anchor 1\nb: *anchor\n---\n" + strings.TrimPrefix(text, "---\n")
			}
			if on(3) {
				text = strings.ReplaceAll(text, "\n", "\r\n")
			}
			if on(4) {
				text = byteOrderMark + strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
			}
			return text
		}
		doc := 0
		if on(2) {
			doc = 1
		}
		t.Run(fmt.Sprintf("%s in %s %05b", c.style, p.name, bits), func(t *testing.T) {
			out, err := checkEdit([]byte(write(c.old)), Edit{Document: doc, Path: p.path, Value: c.value})
			if err != nil {
				t.Fatalf("%v\nof %q", err, write(c.old))
			}
			if diff := cmp.Diff(write(c.text), string(out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
