package visible

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"plain\n\ttext":             "plain\n\ttext",
		"ends\r\n":                  "ends\r\n",
		"ok\rall good":              `ok\x0dall good`,
		"\x1b[2J\x1b]0;owned\a":     `\x1b[2J\x1b]0;owned\x07`,
		"\u009b2J":                  `\u009b2J`,
		"\x9b2J":                    `\x9b2J`,
		"a\u202eb\u2066c\u200fd":    `a\u202eb\u2066c\u200fd`,
		"del\x7f nul\x00 vt\v bs\b": `del\x7f nul\x00 vt\x0b bs\x08`,
		"a\u2028b":                  `a\u2028b`,
		"\U000e0041":                `\udb40\udc41`,
		"naïve 日本 👩‍💻":              "naïve 日本 👩‍💻",
		"\xff":                      `\xff`,
	} {
		if got := Text(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if got := Painted("\x1bMARK[1mbold\x1bMARK[0m \x1b[1m \x1bMAR[1m", "MARK"); got != "\x1b[1mbold\x1b[0m \\x1b[1m \\x1bMAR[1m" {
		t.Errorf("painted: %q", got)
	}
}

func TestName(t *testing.T) {
	for name, want := range map[string][2]string{
		"env/app.yaml":          {"env/app.yaml", "env/app.yaml"},
		"a\nok      b\t\r":      {`a\nok      b\t\x0d`, `"a\nok      b\t\015"`},
		"\x1b[2J":               {`\x1b[2J`, `"\033[2J"`},
		`say "hi" \ naïve.yaml`: {`say "hi" \ naïve.yaml`, `"say \"hi\" \\ naïve.yaml"`},
	} {
		if got := [2]string{Name(name), Quoted(name)}; got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// FuzzVisible holds that nothing which steers is left, and that JSON says the same.
func FuzzVisible(f *testing.F) {
	f.Add("a\x1b[2J\u202e\x9b\r\n\r")
	f.Fuzz(func(t *testing.T, text string) {
		got := Text(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(strings.ReplaceAll(got, "\r\n", ""), steers) {
			t.Errorf("%q is %q", text, got)
		}
		data, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var before, after string
		if json.Unmarshal(data, &before) != nil || json.Unmarshal(JSON(data), &after) != nil || before != after || strings.ContainsFunc(string(JSON(data)), steers) {
			t.Errorf("%s is %s", data, JSON(data))
		}
	})
}
