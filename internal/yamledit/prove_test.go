package yamledit

import (
	"fmt"
	"strings"
	"testing"
)

// spoil makes one edit, changes the text of its span, and proves the result.
func spoil(t *testing.T, file string, e Edit, text func(string) string) (whole, parts bool) {
	t.Helper()
	f, err := Parse("f.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	p := f.newPlan(f.docs[e.Document])
	plans := make([]*plan, len(f.docs))
	plans[e.Document] = p
	if err := p.edit(e); err != nil {
		t.Fatal(err)
	}
	if err := p.settle(); err != nil {
		t.Fatal(err)
	}
	spans, err := p.spans()
	if err != nil {
		t.Fatal(err)
	}
	spans[len(spans)-1].text = text(spans[len(spans)-1].text)
	out, spans, err := f.splice(spans)
	if err != nil {
		t.Fatal(err)
	}
	return f.prove(out, spans, plans) == nil, f.proveParts(out, spans, plans)
}

// A proof, whole or by parts, holds for what was planned and for nothing else.
func TestProve(t *testing.T) {
	const file = "a: 1\n# about b\nb:\n  c: old # note\n  d: [x]\n---\ne: 1\nf:\n  g: old\nh: 1\n"
	for _, c := range []struct {
		name string
		edit Edit
		text func(string) string
		want bool
	}{
		{"as planned", set(dotted("b.c"), "new"), func(s string) string { return s }, true},
		{"as planned in another document", in(1, set(dotted("f.g"), "new")), func(s string) string { return s }, true},
		{"in other words", set(dotted("b.c"), "new"), func(s string) string { return `"` + s + `"` }, true},
		{"another value", set(dotted("b.c"), "new"), func(string) string { return "other" }, false},
		{"another type", set(dotted("b.c"), "5"), func(s string) string { return strings.Trim(s, `"`) }, false},
		{"another reading in YAML 1.1", set(dotted("b.c"), "on"), func(s string) string { return strings.Trim(s, `"`) }, false},
		{"an anchor", set(dotted("b.c"), "new"), func(s string) string { return "&x " + s }, false},
		{"one more key", set(dotted("b.c"), "new"), func(s string) string { return s + "\n  k: 1" }, false},
		{"one more key at the root", set(dotted("b.c"), "new"), func(s string) string { return s + "\nk: 1" }, false},
		{"one more document", set(dotted("b.c"), "new"), func(s string) string { return s + "\n---\nb:" }, false},
		{"an open quote", set(dotted("b.c"), "new"), func(string) string { return `"new` }, false},
		{"an open bracket", set(dotted("b.c"), "new"), func(string) string { return "[new" }, false},
		{"a block scalar that swallows what follows", set(dotted("b.c"), "new"), func(s string) string { return "|-\n   " + s + "\n  k: >" }, false},
		{"a comment that swallows what follows", in(1, set(dotted("f.g"), "new")), func(s string) string { return s + "\nk: #" }, false},
		{"insert as planned", insert(dotted("b.k"), values{"l": 1}), func(s string) string { return s }, true},
		{"insert another key", insert(dotted("b.k"), 1), func(s string) string { return strings.Replace(s, "k", "l", 1) }, false},
		{"insert at the root as planned", insert(dotted("k"), 1), func(s string) string { return s }, true},
		{"insert nothing", insert(dotted("k"), 1), func(string) string { return "" }, false},
		{"delete as planned", remove(dotted("b.d")), func(s string) string { return s }, true},
		{"delete and add", remove(dotted("b.d")), func(string) string { return "  k: 1\n" }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole, parts := spoil(t, file, c.edit, c.text)
			if whole != c.want || parts != c.want {
				t.Errorf("proven whole %v, by parts %v; want %v", whole, parts, c.want)
			}
		})
	}
}

// Where aliases reach across entries, parts prove nothing.
func TestProvePartsAliases(t *testing.T) {
	for _, file := range []string{"a: &a 1\nb: old\nc: *a\n", "- b: old\n", "&x\nb: old\n"} {
		path := dotted("b")
		if strings.HasPrefix(file, "-") {
			path = Path{Index(0), Key("b")}
		}
		whole, parts := spoil(t, file, set(path, "new"), func(s string) string { return s })
		if !whole || parts {
			t.Errorf("%q: proven whole %v, by parts %v; want true, false", file, whole, parts)
		}
	}
}

func TestUntouched(t *testing.T) {
	spans := []span{{start: 2, end: 4, text: "xyz"}}
	for _, c := range []struct {
		after string
		want  bool
	}{
		{"abxyzef", true},
		{"Abxyzef", false},
		{"abxyzeF", false},
		{"abxyze", false},
		{"abxyzefg", false},
		{"ab", false},
		{"", false},
	} {
		if got := untouched([]byte("abcdef"), []byte(c.after), spans); got != c.want {
			t.Errorf("untouched(%q) = %v, want %v", c.after, got, c.want)
		}
	}
}

// A large file is proven by parts, with the same result.
func TestApplyLarge(t *testing.T) {
	var b strings.Builder
	for i := 0; b.Len() < largeFile; i++ {
		fmt.Fprintf(&b, "service%d: # é\n  image: {tag: v1}\n", i)
	}
	f, err := Parse("f.yaml", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Apply(set(dotted("service70.image.tag"), "v2"), remove(dotted("service71")), insert(dotted("new"), 1))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(b.String(), "service70: # é\n  image: {tag: v1}\nservice71: # é\n  image: {tag: v1}\n", "service70: # é\n  image: {tag: v2}\n", 1) + "new: 1\n"
	if string(out) != want {
		t.Error("the large file is not edited as a small one")
	}
}
