package yamledit

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValue(t *testing.T) {
	file := `a: [1, 1.5, 0x10, 012, true, ~, on, "2", '3', 2001-01-01, 18446744073709551615]
b: |
  x
c: &c {d: 1, e: 2}
f:
  e: 3
  <<: [*c, {g: 4, d: 5}]
h: [*c, !!str 5, !!float 5, !own x]
8080: port
---
- text
---
`
	want := []any{
		values{
			"a": []any{int64(1), 1.5, int64(16), int64(10), true, nil, "on", "2", "3", "2001-01-01", 18446744073709551615.0},
			"b": "x\n", "c": values{"d": int64(1), "e": int64(2)},
			"f":    values{"d": int64(1), "e": int64(3), "g": int64(4)},
			"h":    []any{values{"d": int64(1), "e": int64(2)}, "5", 5.0, "x"},
			"8080": "port",
		},
		[]any{"text"},
		nil,
	}
	f, err := Parse("f.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if f.Documents() != len(want) {
		t.Fatalf("Documents() = %d, want %d", f.Documents(), len(want))
	}
	for i, w := range want {
		if diff := cmp.Diff(w, f.Value(i)); diff != "" {
			t.Errorf("document %d: %s", i, diff)
		}
	}
	if v := f.Value(3); v != nil {
		t.Errorf("Value(3) = %v, want nil", v)
	}
	if first, ok := f.Value(0).(values); ok {
		first["b"] = "changed"
	}
	if diff := cmp.Diff(want[0], f.Value(0)); diff != "" {
		t.Errorf("the value changed with the caller's: %s", diff)
	}
}

func TestLine(t *testing.T) {
	f, err := Parse("f.yaml", []byte("# é\na:\n  - name: x\n    v: &v\n      w: 1\n  - name: y\n    v: *v\nb:\n  <<: {c: 1}\n---\nd: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		doc  int
		path Path
		want int
	}{
		{0, nil, 2},
		{0, dotted("a"), 2},
		{0, dotted("a").item(1), 6},
		{0, dotted("a").with(Item("name", "x")).key("v"), 4},
		{0, dotted("a").with(Item("name", "y")).key("v").key("w"), 5},
		{0, dotted("b.c"), 9},
		{1, dotted("d"), 11},
		{0, dotted("d"), 0},
		{0, dotted("a.b"), 0},
		{0, dotted("a").item(2), 0},
		{0, dotted("b").item(0), 0},
		{2, nil, 0},
		{-1, nil, 0},
	} {
		if line, ok := f.Line(c.doc, c.path); line != c.want || ok != (c.want > 0) {
			t.Errorf("Line(%d, %s) = %d, %v; want %d", c.doc, c.path, line, ok, c.want)
		}
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct {
		text string
		want Path
	}{
		{"", nil},
		{"a", Path{Key("a")}},
		{"a.b.c", Path{Key("a"), Key("b"), Key("c")}},
		{`a\.b.c`, Path{Key("a.b"), Key("c")}},
		{"a.", Path{Key("a"), Key("")}},
	} {
		if c.want.String() != c.text {
			t.Errorf("%#v.String() = %q, want %q", c.want, c.want, c.text)
		}
	}
	p := Path{Key("a"), Item("name", "x"), Index(2), Key("b")}
	if want := "a[name=x][2].b"; p.String() != want {
		t.Errorf("String() = %q, want %q", p, want)
	}
}
