package yamledit

import (
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// Strings that some parser takes for something else, and strings that none does.
var (
	retypedStrings = []string{
		"", "~", "null", "Null", "NULL", "true", "False", "YES", "No", "on", "Off", "y", "N", "=", "<<",
		"0", "-1", "+12", "012", "0o17", "0x1F", "0b101", "1_000", "1e3", "1E+3", "12e03", ".5", "5.", "-.5", "+1.5", "1.5e10", "6.02_2",
		"1:30", "-190:20:30", "1:30.5", ".inf", "-.INF", "+.Inf", ".nan", ".NaN", "2001-01-01", "2001-1-1", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43",
		"9223372036854775808",
	}
	safeStrings = []string{
		"v1", "1.2.3", "1.25-alpine", "6.15.0", "nginx:1.25", "a b", "-x", "--port=80", "e3", "1e3x", "0x", "0xfg", "yess", "nullable", "x=y", "<", ".", "..", "1-2",
		"http://host:80/p?q=1", "a#b", "it's", "100m", "1Gi", "é", "2001-01", "sha256:0a1b", "a*", "C:\\x", "x,y", "+", "-",
	}
)

func TestRetyped(t *testing.T) {
	for _, s := range retypedStrings {
		if !retyped(s) {
			t.Errorf("retyped(%q) = false", s)
		}
		checkString(t, s)
	}
	for _, s := range safeStrings {
		if retyped(s) {
			t.Errorf("retyped(%q) = true", s)
		}
		checkString(t, s)
	}
	for _, s := range []string{"v1", "1.2.3", "nginx:1.25", "a b", "--port=80", "it's", "1Gi", "é"} {
		if !plainSafe(s, false) || !plainSafe(s, true) {
			t.Errorf("%q would be quoted", s)
		}
	}
}

// checkString writes a string in every way, and reads it back as YAML 1.1 and 1.2.
func checkString(t *testing.T, s string) {
	t.Helper()
	check := func(text string) {
		t.Helper()
		var one, two map[string]any
		if err := yaml.Unmarshal([]byte(text), &one); err != nil || one["a"] != s {
			t.Errorf("%q is written as %q, which YAML 1.2 reads as %q, %v", s, text, one["a"], err)
		}
		if err := sigsyaml.Unmarshal([]byte(text), &two); err != nil || two["a"] != s {
			t.Errorf("%q is written as %q, which YAML 1.1 reads as %q, %v", s, text, two["a"], err)
		}
	}
	for _, style := range []yaml.Style{0, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle} {
		check("a: " + inline(s, style, context{}) + "\n")
		check("{a: " + inline(s, style, context{flow: true}) + ", b: 1}\n")
		check("{\"a\": " + inline(s, style, context{flow: true, json: true}) + "}\n")
	}
	for _, folded := range []bool{false, true} {
		for _, width := range []int{0, 10} {
			if header, lines, ok := block(s, folded, width, 3, false); ok {
				var b strings.Builder
				for _, line := range lines {
					if line != "" {
						line = "   " + line
					}
					b.WriteString(line + "\n")
				}
				check("a: " + header + " # note\n" + b.String() + "b: 1\n")
			}
		}
	}
	checkAsKey(t, s)
}

func checkAsKey(t *testing.T, s string) {
	t.Helper()
	if checkKey(s) != nil {
		return
	}
	for _, text := range []string{
		inline(s, 0, context{}) + ": x\n",
		"{" + inline(s, 0, context{flow: true}) + ": x}\n",
	} {
		var one, two map[string]any
		if err := yaml.Unmarshal([]byte(text), &one); err != nil || one[s] != "x" {
			t.Errorf("the key %q is written as %q, which YAML 1.2 reads as %q, %v", s, text, one, err)
		}
		if err := sigsyaml.Unmarshal([]byte(text), &two); err != nil || two[s] != "x" {
			t.Errorf("the key %q is written as %q, which YAML 1.1 reads as %q, %v", s, text, two, err)
		}
	}
}

func FuzzString(f *testing.F) {
	for _, s := range append(append(words, retypedStrings...), safeStrings...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if utf8.ValidString(s) {
			checkString(t, s)
		}
	})
}
