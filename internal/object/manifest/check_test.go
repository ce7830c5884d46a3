package manifest

import (
	"strings"
	"testing"
)

func TestCheckText(t *testing.T) {
	const tab, alias = "a tab in the indentation; indent with spaces", "an alias that has no anchor; define the anchor above it, or quote the value"
	for name, c := range map[string]struct{ data, want string }{
		"fine":                     {"a: &x b\nc: *x\nd: |\n  x\n  \ty\n", ""},
		"a list":                   {"- a\n", ""},
		"UTF-8":                    {"a: b\nc: \"caf\xe9\"\n", "f.yaml:2: invalid UTF-8; save the file as UTF-8"},
		"tab":                      {"a:\n\tb: c\n", "f.yaml:2: " + tab},
		"tab, first line":          {"\ta: b\n", "f.yaml:1: " + tab},
		"tab, after a sibling":     {"a:\n  b: s3cret\n\tc: d\n", "f.yaml:3: " + tab},
		"tab, after spaces":        {"a:\n  b: c\n  \td: e\n", "f.yaml:3: " + tab},
		"tab in a list":            {"a:\n- b\n\t- c: d\n", "f.yaml:3: " + tab},
		"tab, later document":      {"a: b\n---\n\n\ta: b\n", "f.yaml:4: " + tab},
		"tab that is not a fault":  {"a: |\n  x\n  \ty\nb: @s3cret\n", "f.yaml:4: invalid YAML: found character that cannot start any token; quote the value"},
		"alias":                    {"a: b\npw: *s3cret\n", "f.yaml:2: " + alias},
		"alias, later document":    {"a: &x b\n---\na: b\n\npw: *x\n", "f.yaml:5: " + alias},
		"alias, named before":      {"# *s3cret\na: '*s3cret'\nb: |\n  *s3cret\npw: [1, *s3cret]\nx: *s3cret\n", "f.yaml:5: " + alias},
		"alias before its anchor":  {"a: *s3cret\nb: &s3cret c\n", "f.yaml:1: " + alias},
		"alias, no last newline":   {"a: b\npw: *s3cret", "f.yaml:2: " + alias},
		"alias, Windows line ends": {"a: b\r\npw: *s3cret\r\n", "f.yaml:2: " + alias},
		"syntax":                   {"a: b\nc: [s3cret\n", "f.yaml:3: invalid YAML: did not find expected ',' or ']'"},
		"alias bomb":               {"a: &a [" + strings.Repeat("x,", 200) + "]\nb: &b [" + strings.Repeat("*a,", 200) + "]\nc: [" + strings.Repeat("*b,", 200) + "]\n", "f.yaml:1: aliases expand to more than"},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckText("f.yaml", []byte(c.data))
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// The objects of a flat directory say the same.
func TestDecodeExplainsTabsAndAliases(t *testing.T) {
	for data, want := range map[string]string{
		head + "data:\n\ta: b\n":                               "a.yaml:5: a tab in the indentation; indent with spaces",
		head + "---\n" + head + "data: {pw: *HUNTER2SECRET}\n": "a.yaml:8: an alias that has no anchor; define the anchor above it, or quote the value",
	} {
		if _, err := Decode("a.yaml", []byte(data), Limits{}); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func FuzzCheckText(f *testing.F) {
	for _, data := range seeds {
		f.Add([]byte(data))
	}
	f.Add([]byte("a: *b\n"))
	f.Add([]byte("\t- *b\n*b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := CheckText("a.yaml", data); err != nil && len(err.Error()) > 500 {
			t.Errorf("a message of %d bytes", len(err.Error()))
		}
	})
}
