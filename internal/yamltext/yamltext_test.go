package yamltext_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	yaml12 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/yamltext"
)

func write(t *testing.T, v any) string {
	t.Helper()
	out, err := yamltext.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestAppend(t *testing.T) {
	got := write(t, map[string]any{
		"b": []any{map[string]any{"name": "x", "list": []any{int64(1), []any{"a", []any{}}}}, "plain", map[string]any{}},
		"a": map[string]any{"text": "one\ntwo\n", "strip": "one\n  two", "keep": "one\n\n", "empty": map[string]any{}},
		"c": yamltext.Mapping{{"z", nil}, {"a", true}, {"none", yamltext.Mapping{}}},
		"y": "yes",
		"n": []any{yamltext.Mapping{{"k", "line\nline"}, {"f", 0.5}}},
	})
	want := `a:
  empty: {}
  keep: |+
    one

  strip: |-
    one
      two
  text: |
    one
    two
b:
- list:
  - 1
  - - a
    - []
  name: x
- plain
- {}
c:
  z: null
  a: true
  none: {}
"n":
- k: |-
    line
    line
  f: 0.5
"y": "yes"
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Each text is read back by a reader of YAML 1.1 and one of 1.2, and has the
// style that people expect.
func TestTextKeepsItsType(t *testing.T) {
	plain := []string{
		"web", "nginx:1.25", "100m", "128Mi", "--port=80", "-c", "/etc/x", "a b", "$(VAR)", "v1.2.3", "a=b,c", ".spec.x", "1h30m",
		"http://x/y?z=1", "Null0", "_x", "(a)", "5Gi",
	}
	quoted := []string{
		"", "yes", "No", "ON", "off", "y", "N", "true", "null", "~", "NaN:", "1", "-1", "+1", "1.5", ".5", "1e3", "1_000", "0x1F", "0o17", "0b1", "017", "1:30",
		"2001-01-01", "2001-12-14t21:59:43Z", ".inf", ".NaN", "-.Inf", "=", "<<", "-", "---", "...", "- a", "? a", "a: b", "a #b", "#a", "!a", "&a", "*a", "%a", "@a", "`a",
		"{a}", "[a]", "'a'", `"a"`, `a\b`, " a", "a ", "a:", "|", ">", "\t", "a\tb", "\x00", "\u0085", "\u2028", "\ufeff", "é", "😀", "\r\n", "\n", " \n", "1,000", "0.0.0",
		"-1e3", "--1", "12e03", "0", "1T", "2001-01-01T00:00:00Z",
	}
	for _, s := range plain {
		check(t, s, s)
	}
	for _, s := range quoted {
		check(t, s, `"`)
	}
	for _, s := range []string{"a\nb", "a\nb\n", "a\n\n\n", "\na\n", "a\n \nb\n", "a \nb\t\n", "- a\n- b\n", "#!/bin/sh\n\techo\n", "---\na\n", "é\n"} {
		check(t, s, "|")
	}
	for _, s := range []string{" a\nb", "\n a\n", "\ta\nb", "a\n ", "a\n\t\n", "a\r\nb\n", "\n\n", "a\u0085\nb", "\ufeffa\n"} {
		check(t, s, `"`)
	}
}

func check(t *testing.T, s, start string) {
	t.Helper()
	text := write(t, map[string]any{"k": s})
	if !strings.HasPrefix(text, "k: "+start) {
		t.Errorf("%q is written as %q", s, text)
	}
	same(t, map[string]any{"k": s, "list": []any{s, []any{s}, map[string]any{s: s}}})
}

// same reads v back with both readers.
func same(t *testing.T, v map[string]any) {
	t.Helper()
	text := write(t, v)
	var old map[string]any
	if err := yaml.Unmarshal([]byte(text), &old); err != nil {
		t.Fatalf("YAML 1.1: %v\n%s", err, text)
	}
	var now map[string]any
	if err := yaml12.Unmarshal([]byte(text), &now); err != nil {
		t.Fatalf("YAML 1.2: %v\n%s", err, text)
	}
	if diff := cmp.Diff(floats(v), floats(old)); diff != "" {
		t.Errorf("YAML 1.1: %s\n%s", diff, text)
	}
	if diff := cmp.Diff(floats(v), floats(now)); diff != "" {
		t.Errorf("YAML 1.2: %s\n%s", diff, text)
	}
}

// floats makes all numbers float64, the one number that JSON has.
func floats(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = floats(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = floats(e)
		}
		return out
	case int:
		return float64(v)
	case int64:
		return float64(v)
	}
	return v
}

func TestNumbers(t *testing.T) {
	for v, want := range map[any]string{
		int64(5): "5", int64(math.MaxInt64): "9223372036854775807", int64(math.MinInt64): "-9223372036854775808",
		1.0: "1", 0.1: "0.1", -2.5: "-2.5", 1e21: "1.0e+21", 1e-7: "1.0e-07", 1.5e300: "1.5e+300", 1e17: "1.0e+17",
		float64(1 << 53): "9.007199254740992e+15", 123456789.25: "123456789.25", 1e-6: "0.000001",
	} {
		if got := write(t, map[string]any{"k": v}); got != "k: "+want+"\n" {
			t.Errorf("%v (%T) is written as %q, want %q", v, v, got, want)
		}
		same(t, map[string]any{"k": v})
	}
}

func TestLongKeys(t *testing.T) {
	for _, n := range []int{999, 1000, 1001, 2000} {
		for _, c := range []string{"k", "\x01"} {
			key := strings.Repeat(c, n)
			same(t, map[string]any{key: "v", "list": []any{map[string]any{key: map[string]any{key: []any{"a"}}}}, "text": map[string]any{key: "a\nb\n"}})
		}
	}
}

func TestRefuses(t *testing.T) {
	for want, v := range map[string]any{
		"a: [1]: the text is not valid UTF-8": map[string]any{"a": []any{"x", "\xff"}},
		"a: NaN is no JSON number":            map[string]any{"a": math.NaN()},
		"a: +Inf is no JSON number":           map[string]any{"a": math.Inf(1)},
		"a: a []string is no JSON value":      map[string]any{"a": []string{"x"}},
	} {
		if _, err := yamltext.Append(nil, v); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func FuzzAppend(f *testing.F) {
	for _, s := range []string{"a", "yes", "a\nb", "1e3", "a: b", "\ttab\n", "0x1", "-.5", "\u2028", "?", "a\n\n \n"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, key, text string) {
		v := map[string]any{key: text, "nested": map[string]any{"k" + key: []any{text, map[string]any{key: text, "b": text}}}, "z": "end"}
		if _, err := yamltext.Append(nil, v); err != nil {
			if !strings.HasSuffix(err.Error(), "not valid UTF-8") {
				t.Fatal(err)
			}
			return
		}
		same(t, v)
	})
}
