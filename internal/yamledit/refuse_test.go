package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// deep is a file of n nested lists.
func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) + "\n" }

// bomb is a file whose aliases multiply.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	return b.String()
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"invalid UTF-8", "a: 1\nb: \xff\n", "f.yaml:2: invalid UTF-8; "},
		{"UTF-16", "\xff\xfea\x00:\x00", "f.yaml:1: invalid UTF-8; "},
		{"lone CR", "a: 1\rb: 2\n", "f.yaml:1: a carriage return without a line feed; "},
		{"lone CR at the end", "a: 1\nb: 2\r", "f.yaml:2: a carriage return without a line feed; "},
		{"NEL", "a: x\u0085y\n", "f.yaml:1: a NEL character (U+0085), "},
		{"LS", "a: 1\n# x\u2028y\n", "f.yaml:2: a line separator (U+2028), "},
		{"PS", "a: \"x\u2029y\"\n", "f.yaml:1: a paragraph separator (U+2029), "},
		{"byte order mark inside", "a: 1\n\ufeffb: 2\n", "f.yaml:2: a byte order mark inside the file; "},
		{"control character", "a: x\x01\n", "f.yaml:1: not valid YAML: control characters are not allowed; "},
		{"duplicate key", "a: 1\nb:\n  c: 1\n  'c': 2\n", `f.yaml:4: duplicate key "c", already on line 3; `},
		{"duplicate key of many", "k0: 1\n" + manyKeys(40) + "k0: 2\n", `f.yaml:42: duplicate key "k0", already on line 1; `},
		{"duplicate merge key", "a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", `f.yaml:4: duplicate key "<<", `},
		{"complex key", "? [a, b]\n: 1\n", "f.yaml:1: a mapping's key is not a plain name; "},
		{"template value", "a: 1\nb: {{ .Values.b }}\n", "f.yaml:2: templated YAML: {{ }} outside of quotes; "},
		{"template control", "a: 1\n{{- if .b }}\nb: 1\n{{- end }}\n", "f.yaml:2: templated YAML: {{ }} outside of quotes; "},
		{"tab", "a:\n\tb: 1\n", "f.yaml:2: a tab in the indentation; "},
		{"tab in a list", "a:\n  - b\n \t- c\n", "f.yaml:3: a tab in the indentation; "},
		{"not YAML", "a: [1\nb: 2\n", "f.yaml:1: not valid YAML: did not find expected ',' or ']'; "},
		{"unknown anchor", "a: *b\n", "f.yaml:1: not valid YAML: unknown anchor 'b' referenced; "},
		{"anchor of another document", "a: &x 1\n---\nb: *x\n", "f.yaml:3: alias *x names an anchor of another document; "},
		{"alias cycle", "a: &x\n  - *x\n", "f.yaml:2: alias *x is inside of what it names; "},
		{"alias bomb", bomb(), "f.yaml:1: aliases repeat "},
		{"too deep", deep(600), "f.yaml:1: nested more than 500 deep; "},
		{"far too deep", deep(20000), "f.yaml:1: not valid YAML: exceeded max depth of 10000; "},
		{"merge of text", "a:\n  <<: x\n", "f.yaml:2: << merges something other than mappings; "},
		{"bare tag", "a: ! 5\n", "f.yaml:1: a bare tag (!), "},
		{"bare tag of nothing", "a: &x !\nb: 1\n", "f.yaml:1: a bare tag (!), "},
		{"bare tag after an anchor", "a: &x ! 5\n", "f.yaml:1: a bare tag (!), "},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse("f.yaml", []byte(c.file))
			var e *Error
			if !errors.As(err, &e) || f != nil {
				t.Fatalf("Parse = %v, %v; want an *Error", f, err)
			}
			if !strings.HasPrefix(err.Error(), c.want) || len(err.Error()) > 400 {
				t.Errorf("error %q, want %q...", err, c.want)
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "k%d: %d\n", i, i)
	}
	return b.String()
}

// Braces in quotes, comments and text are not templates where the file parses.
func TestParseBraces(t *testing.T) {
	file := "# {{ note }}\na: '{{ x }}'\nb: http://host/{{args.x}}\nc: |\n  {{ y }}\n"
	f, err := Parse("f.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Apply(set(dotted("a"), "{{ z }}"))
	if want := strings.Replace(file, "{{ x }}", "{{ z }}", 1); err != nil || string(out) != want {
		t.Errorf("Apply = %q, %v; want %q", out, err, want)
	}
}

func TestApplyRefuses(t *testing.T) {
	const anchors = "a: &a\n  x: 1\n  y: [1]\nb: *a\nc:\n  <<: *a\n  z: &z 2\n  x: 3\nd: [*a]\ne: &unused 5\n"
	for _, c := range []struct {
		name, file string
		edits      []Edit
		want       string
	}{
		{"insert what is merged", anchors, []Edit{insert(dotted("c.y"), 2)}, "f.yaml:6: c.y: a merge key (<<) sets the key already; "},
		{"delete what is merged", anchors, []Edit{remove(dotted("c.y"))}, "f.yaml:6: c.y: set by a merge key (<<) on line 3; "},
		{"delete what is merged too", anchors, []Edit{remove(dotted("c.x"))}, "f.yaml:8: c.x: a merge key (<<) would bring the key back; "},
		{"set what merges", anchors, []Edit{set(dotted("c"), values{"x": 3, "z": 2})}, "f.yaml:6: c.y: set by a merge key (<<) on line 3; "},
		{"a merge key", anchors, []Edit{remove(dotted("c.<<"))}, "f.yaml:6: c.<<: a merge key; "},
		{"new merge key", anchors, []Edit{insert(Path{Key("<<")}, values{})}, "f.yaml:1: the key << merges another mapping; "},
		{"below an anchor", anchors, []Edit{set(dotted("a.x"), 2)}, "f.yaml:1: a.x: part of the anchor &a, which line 4 repeats, "},
		{"into an anchor", anchors, []Edit{insert(dotted("a.n"), 2)}, "f.yaml:1: a: part of the anchor &a, which line 4 repeats, "},
		{"delete below an anchor", anchors, []Edit{remove(dotted("a.x"))}, "f.yaml:1: a: part of the anchor &a, which line 4 repeats, "},
		{"an anchor", anchors, []Edit{set(dotted("a"), 2)}, "f.yaml:1: a: part of the anchor &a, which line 4 repeats, "},
		{"delete an anchor", anchors, []Edit{remove(dotted("a"))}, "f.yaml:1: a: the anchor &a would go, which line 9 names; "},
		{"replace an anchor's parent", "p:\n  a: &a 1\nb: *a\n", []Edit{set(dotted("p"), "x")}, "f.yaml:2: p: the anchor &a would go, which line 3 names; "},
		{"an anchor that merges cannot be text", anchors, []Edit{shared(set(dotted("a"), "x"))}, "f.yaml:4: << merges something other than mappings; "},
		{"an anchor and its alias at once", "a: &a {x: 1}\nb: *a\n", []Edit{shared(set(nil, values{"a": values{"x": 2}, "b": values{"x": 1}}))}, "f.yaml:1: a.x: aliases repeat what changes here, "},
		{"missing key", "a: 1\n", []Edit{set(dotted("b"), 2)}, "f.yaml:1: b: there is no such key; "},
		{"missing item", "a: [1]\n", []Edit{set(dotted("a").item(1), 2)}, "f.yaml:1: a[1]: the list of 1 has no such item, or more than one; "},
		{"ambiguous item", "a:\n- n: x\n- n: x\n", []Edit{remove(dotted("a").with(Item("n", "x")))}, "f.yaml:2: a[n=x]: the list of 2 has no such item, or more than one; "},
		{"key of a list", "a:\n- 1\n", []Edit{set(dotted("a.b"), 2)}, "f.yaml:2: a.b: not a mapping but a list; "},
		{"item of text", "a: x\n", []Edit{set(dotted("a").item(0), 2)}, "f.yaml:1: a[0]: not a list but a single value; "},
		{"key of nothing", "a:\n", []Edit{remove(dotted("a.b"))}, "f.yaml:1: a.b: not a mapping but empty; "},
		{"insert over a key", "a: 1\nb: 2\n", []Edit{insert(dotted("b"), 2)}, "f.yaml:2: b: the key is already there; "},
		{"insert below text", "a: x\n", []Edit{insert(dotted("a.b"), 2)}, "f.yaml:1: a.b: nothing can be inserted here: the place is a single value; "},
		{"insert an item by name", "a: []\n", []Edit{insert(dotted("a").with(Item("n", "x")), 2)}, "f.yaml:1: a[n=x]: a new item has no name yet; "},
		{"insert past the end", "a: [1, 2]\n", []Edit{insert(dotted("a").item(3), 2)}, "f.yaml:1: a[3]: the list has 2 items, and a new last one goes to 2; "},
		{"insert past an empty list", "a: []\n", []Edit{insert(dotted("a").item(0), 1), insert(dotted("a").item(2), 2)}, "f.yaml:1: a[2]: the list is empty; "},
		{"explicit key", "? a\n: 1\n? b\n: 2\n", []Edit{set(dotted("a"), 2)}, `f.yaml:2: a: the entry is written with "?"; `},
		{"pair without braces", "a: [x: 1]\n", []Edit{insert(dotted("a").item(0).key("y"), 2)}, "f.yaml:1: a[0]: a pair without braces in a list; "},
		{"tag", "a: !!int \"5\"\n", []Edit{set(dotted("a"), 6)}, "f.yaml:1: a: the value has the tag !!int; "},
		{"own tag", "a: !vault x\n", []Edit{set(dotted("a"), "y")}, "f.yaml:1: a: the value has the tag !vault; "},
		{"no document", "a: 1\n", []Edit{in(1, set(dotted("a"), 2))}, "f.yaml: a: there is no document 1, the file has 1; "},
		{"no path", "a: 1\n", []Edit{remove(nil)}, "f.yaml:1: the path is empty; "},
		{"no operation", "a: 1\n", []Edit{{Op: 7, Path: dotted("a")}}, "f.yaml: a: there is no such operation; "},
		{"type", "a: 1\n", []Edit{set(dotted("a"), []string{"x"})}, "f.yaml: a: a value of type []string has no YAML form here; "},
		{"value in bad UTF-8", "a: 1\n", []Edit{set(dotted("a"), []any{"\xff"})}, "f.yaml: a: the value is not valid UTF-8"},
		{"key in bad UTF-8", "a: 1\n", []Edit{insert(Path{Key("\xff")}, 1)}, "f.yaml:1: the key is not valid UTF-8"},
		{"long key", "a: 1\n", []Edit{set(dotted("a"), values{strings.Repeat("é", 600): 1})}, "f.yaml: a: the key \"ééé"},
		{"deep value", "a: 1\n", []Edit{set(dotted("a"), nest(400))}, "f.yaml: a: the value nests more than 250 deep"},
		{"set twice", "a: 1\n", []Edit{set(dotted("a"), 2), set(dotted("a"), 3)}, "f.yaml:1: a: two edits change the same place; "},
		{"set above", "a: {b: 1}\n", []Edit{set(dotted("a.b"), 2), set(dotted("a"), 3)}, "f.yaml:1: a.b: two edits change the same place; "},
		{"delete above", "a: {b: 1}\nc: 1\n", []Edit{set(dotted("a.b"), 2), remove(dotted("a"))}, "f.yaml:1: a.b: two edits change the same place; "},
		{"delete twice", "a: 1\nb: 2\n", []Edit{remove(dotted("a")), remove(dotted("a"))}, "f.yaml:1: a: two edits change the same place; "},
		{"insert twice", "a: 1\n", []Edit{insert(dotted("b"), 2), insert(dotted("b"), 2)}, "f.yaml:1: two edits change the same place; "},
		{"insert two kinds", "a:\n", []Edit{insert(dotted("a.b"), 2), insert(dotted("a").item(0), 2)}, "f.yaml:1: a: two edits change the same place; "},
		{"set and insert below", "a: {b: 1}\n", []Edit{set(dotted("a"), values{"b": 2}), insert(dotted("a.c"), 2)}, "f.yaml:1: a: two edits change the same place; "},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse("f.yaml", []byte(c.file))
			if err != nil {
				t.Fatal(err)
			}
			out, err := f.Apply(c.edits...)
			var e *Error
			if !errors.As(err, &e) || out != nil {
				t.Fatalf("Apply = %q, %v; want an *Error", out, err)
			}
			if !strings.HasPrefix(err.Error(), c.want) || len(err.Error()) > 400 {
				t.Errorf("error %q, want %q...", err, c.want)
			}
		})
	}
}

func nest(n int) any {
	var v any
	for range n {
		v = []any{v}
	}
	return v
}

// Apply without edits, and a Set of what is there, return the same bytes.
func TestApplyNothing(t *testing.T) {
	for _, s := range seeds {
		for _, data := range variants(s) {
			f, err := Parse("f.yaml", []byte(data))
			if err != nil {
				t.Fatal(err)
			}
			out, err := f.Apply()
			if err != nil || !bytes.Equal(out, []byte(data)) {
				t.Errorf("Apply() = %q, %v; want %q", out, err, data)
			}
		}
	}
}
