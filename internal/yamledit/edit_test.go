package yamledit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type values = map[string]any

// dotted is a path of mapping keys, none of which has a dot.
func dotted(s string) Path {
	var p Path
	for key := range strings.SplitSeq(s, ".") {
		p = append(p, Key(key))
	}
	return p
}

func set(path Path, v any) Edit     { return Edit{Op: Set, Path: path, Value: v} }
func insert(path Path, v any) Edit  { return Edit{Op: Insert, Path: path, Value: v} }
func remove(path Path) Edit         { return Edit{Op: Delete, Path: path} }
func in(doc int, e Edit) Edit       { e.Document = doc; return e }
func shared(e Edit) Edit            { e.Shared = true; return e }
func (p Path) item(i int) Path      { return p.with(Index(i)) }
func (p Path) key(name string) Path { return p.with(Key(name)) }

var editCases = []struct {
	name, file string
	edits      []Edit
	want       string
}{
	// Insert.
	{
		"insert into a block mapping", "a:\n    b: 1 # note\n    # foot\nc: 2\n",
		[]Edit{insert(dotted("a.d"), values{"e": values{"f": 1}, "g": []any{"x", values{"h": true, "name": "m"}}})},
		"a:\n    b: 1 # note\n    d:\n        e:\n            f: 1\n        g:\n        - x\n        - name: m\n          h: true\n    # foot\nc: 2\n",
	},
	{"insert with the file's own lists", "a:\n  - 1\nb: 2\n", []Edit{insert(dotted("c"), []any{"x"})}, "a:\n  - 1\nb: 2\nc:\n  - x\n"},
	{"insert into an empty mapping keeps the comment", "a: {} # note\nb: 1\n", []Edit{insert(dotted("a.c"), 1)}, "a: # note\n  c: 1\nb: 1\n"},
	{"insert into an empty list", "a: []\nb: 1\n", []Edit{insert(dotted("a").item(0), values{"name": "x", "image": "y"})}, "a:\n- name: x\n  image: \"y\"\nb: 1\n"},
	{"insert into null", "a:\nb: 1\n", []Edit{insert(dotted("a.c"), "x")}, "a:\n  c: x\nb: 1\n"},
	{"insert two into null", "a: ~\nb: 1\n", []Edit{insert(dotted("a.d"), "x"), insert(dotted("a.c"), nil)}, "a:\n  c: null\n  d: x\nb: 1\n"},
	{"insert into an empty file", "", []Edit{insert(dotted("a"), values{"b": "1"})}, "a:\n  b: \"1\"\n"},
	{"insert into comments alone", "# é", []Edit{insert(dotted("a"), 1)}, "# é\na: 1"},
	{"insert into an empty document", "---\n---\na: 1\n", []Edit{insert(dotted("b"), 1)}, "---\nb: 1\n---\na: 1\n"},
	{"insert in an item that is a mapping", "- a: 1\n  b: 2\n- c: 3\n", []Edit{insert(Path{Index(0), Key("d")}, "x")}, "- a: 1\n  b: 2\n  d: x\n- c: 3\n"},
	{"append", "a:\n- x # note\nb: 1\n", []Edit{insert(dotted("a").item(1), "y z"), insert(dotted("a").item(2), values{"k": "v"})}, "a:\n- x # note\n- y z\n- k: v\nb: 1\n"},
	{"insert before items", "a:\n# about x\n- x # note\n- z\nb: 1\n", []Edit{insert(dotted("a").item(1), "y z"), insert(dotted("a").item(0), "w"), insert(dotted("a").item(1), "y y")}, "a:\n- w\n# about x\n- x # note\n- y z\n- y y\n- z\nb: 1\n"},
	{"insert before items in flow", "a: [x, z]\n", []Edit{insert(dotted("a").item(2), "last"), insert(dotted("a").item(0), "w"), insert(dotted("a").item(1), "w w")}, "a: [w, x, w w, z, last]\n"},
	{"insert where an item goes", "a:\n- w\n- x\n- z\n", []Edit{remove(dotted("a").item(1)), insert(dotted("a").item(1), "v")}, "a:\n- w\n- v\n- z\n"},
	{"append to nested lists", "- - a\n  - b\n", []Edit{insert(Path{Index(0), Index(2)}, []any{"c"})}, "- - a\n  - b\n  - - c\n"},
	{"insert into flow", "a: {b: 1}\n", []Edit{insert(dotted("a.c"), values{"d": []any{1, "on", ""}})}, "a: {b: 1, c: {d: [1, \"on\", \"\"]}}\n"},
	{"insert into spaced flow", "a: { b: 1 }\n", []Edit{insert(dotted("a.c"), 2)}, "a: { b: 1, c: 2 }\n"},
	{"insert into flow of several lines", "a: [\n  x, # one\n  y # two\n]\n", []Edit{insert(dotted("a").item(2), "z")}, "a: [\n  x, # one\n  y, # two\n  z\n]\n"},
	{"insert keeps a trailing comma", "a: {\n  x: 1,\n}\n", []Edit{insert(dotted("a.z"), 2)}, "a: {\n  x: 1,\n  z: 2,\n}\n"},
	{"insert into empty flow within flow", "a: [{}]\n", []Edit{insert(dotted("a").item(0).key("b"), 1)}, "a: [{b: 1}]\n"},
	{"insert after a value that is missing in flow", "{a: }\n", []Edit{insert(dotted("b"), 1)}, "{a: , b: 1 }\n"},
	{"insert into JSON", "{\n  \"a\": 1,\n  \"b\": []\n}\n", []Edit{insert(dotted("c"), values{"d": "e"}), insert(dotted("b").item(0), "x")}, "{\n  \"a\": 1,\n  \"b\": [\"x\"],\n  \"c\": {\"d\": \"e\"}\n}\n"},
	{"insert where the last line break is missing", "a:\n  b: 1", []Edit{insert(dotted("a.c"), 2), insert(dotted("d"), 3)}, "a:\n  b: 1\n  c: 2\nd: 3"},
	{"insert after a literal that the end of the file cuts short", "a: |\n  x", []Edit{insert(dotted("b"), 1)}, "a: |-\n  x\nb: 1"},
	{"insert after a literal that keeps blank lines", "a:\n  b: |+\n    x\n\nc: 1\n", []Edit{insert(dotted("a.d"), 1)}, "a:\n  b: |+\n    x\n\n  d: 1\nc: 1\n"},
	{"insert a literal before deep comments", "a:\n  b: 1\n      # deep\nc: 1\n", []Edit{insert(dotted("a.d"), "x\ny\n")}, "a:\n  b: 1\n      # deep\n  d: |\n    x\n    y\nc: 1\n"},
	{"insert strings that need quotes", "a: 1\n", []Edit{insert(dotted("on"), "012"), insert(Path{Key("8080")}, "a: b"), insert(Path{Key("x y")}, "2001-01-01")}, "a: 1\n\"on\": \"012\"\n\"8080\": \"a: b\"\nx y: \"2001-01-01\"\n"},
	{"insert with CRLF", "a:\r\n  b: 1\r\n", []Edit{insert(dotted("a.c"), values{"d": "x\ny\n"})}, "a:\r\n  b: 1\r\n  c:\r\n    d: |\r\n      x\r\n      y\r\n"},
	{"insert beside a merge key", "a: &a {x: 1}\nb:\n  <<: *a\n", []Edit{insert(dotted("b.z"), 2)}, "a: &a {x: 1}\nb:\n  <<: *a\n  z: 2\n"},
	{"insert in another document", "a: 1\n---\nb: 2\n...\n---\nc: 3\n", []Edit{in(1, insert(dotted("d"), 4)), in(2, insert(dotted("e"), 5))}, "a: 1\n---\nb: 2\nd: 4\n...\n---\nc: 3\ne: 5\n"},

	// Delete.
	{"delete with comments", "# top\n\n# about a\na: 1 # one\n\n# about b\nb: 2\n", []Edit{remove(dotted("a"))}, "# top\n\n# about b\nb: 2\n"},
	{"delete leaves the comment at the top", "# top\na: 1\nb: 2\n", []Edit{remove(dotted("a"))}, "# top\nb: 2\n"},
	{"delete between blank lines", "a: 1\n\nb: 2\n\nc: 3\n", []Edit{remove(dotted("b"))}, "a: 1\n\nc: 3\n"},
	{"delete the first key and its blank line", "m:\n  a: 1\n\n  b: 2\n", []Edit{remove(dotted("m.a"))}, "m:\n  b: 2\n"},
	{"delete at the end of the file", "a: 1\n\n# about b\nb: 2\n", []Edit{remove(dotted("b"))}, "a: 1\n"},
	{"delete at the end without line break", "a: 1\n\nb: 2", []Edit{remove(dotted("b"))}, "a: 1"},
	{"delete after a literal at the end without line break", "a: |\n  x\nb: 2", []Edit{remove(dotted("b"))}, "a: |\n  x\n"},
	{"delete a block with comments within", "a:\n  b:\n    # one\n    c: 1\n    # two\n  # about d\n  d: 1\n", []Edit{remove(dotted("a.b"))}, "a:\n  # about d\n  d: 1\n"},
	{"delete the last key", "a:\n  # about b\n  b: 1 # note\nc: 1\n", []Edit{remove(dotted("a.b"))}, "a: {}\nc: 1\n"},
	{"delete the last key and keep its parent's comment", "a: # note\n  b: 1\n", []Edit{remove(dotted("a.b"))}, "a: {} # note\n"},
	{"delete the last item", "a:\n- b\nc: 1\n", []Edit{remove(dotted("a").item(0))}, "a: []\nc: 1\n"},
	{"delete every key", "# top\n\na: 1\nb: 2\n", []Edit{remove(dotted("a")), remove(dotted("b"))}, "# top\n\n{}\n"},
	{"delete every key of an item", "- a: 1\n  b: 2\n- c\n", []Edit{remove(Path{Index(0), Key("a")}), remove(Path{Index(0), Key("b")})}, "- {}\n- c\n"},
	{"delete an item", "a:\n- x\n# about y\n- name: y\n  z: 1\n- z\n", []Edit{remove(dotted("a").with(Item("name", "y")))}, "a:\n- x\n- z\n"},
	{"delete the first key of an item", "- a: 1\n  # about b\n  b: 2\n", []Edit{remove(Path{Index(0), Key("a")})}, "- # about b\n  b: 2\n"},
	{"delete the first item of a nested list", "- - a\n  - b\n", []Edit{remove(Path{Index(0), Index(0)})}, "- - b\n"},
	{"delete in flow", "a: [1, 2, 3, 4]\n", []Edit{remove(dotted("a").item(0)), remove(dotted("a").item(2)), remove(dotted("a").item(3))}, "a: [2]\n"},
	{"delete all in flow", "a: {b: 1, c: 2} # note\n", []Edit{remove(dotted("a.b")), remove(dotted("a.c"))}, "a: {} # note\n"},
	{"delete in flow of several lines", "a: {\n  x: 1, # one\n  # about y\n  y: 2, # two\n  z: 3\n}\n", []Edit{remove(dotted("a.y"))}, "a: {\n  x: 1, # one\n  z: 3\n}\n"},
	{"delete the end of JSON", "{\n\t\"a\": 1,\n\t\"b\": 2\n}\n", []Edit{remove(dotted("b"))}, "{\n\t\"a\": 1\n}\n"},
	{"delete before a value that is missing", "{a: , b: 1}\n", []Edit{remove(dotted("b"))}, "{a: }\n"},
	{"delete what follows a literal that keeps blank lines", "a: |+\n  x\n\nb: 1\n\nc: 2\n", []Edit{remove(dotted("b"))}, "a: |+\n  x\n\nc: 2\n"},
	{"delete next to text that looks like a comment", "a: \"x\n# y\"\nb: 1\nc: 2\n", []Edit{remove(dotted("b"))}, "a: \"x\n# y\"\nc: 2\n"},
	{"delete an alias", "a: &a 1\nb: *a\nc: *a\n", []Edit{remove(dotted("b"))}, "a: &a 1\nc: *a\n"},
	{"delete an anchor with its alias", "a:\n  b: &b 1\n  c: *b\nd: 1\n", []Edit{remove(dotted("a"))}, "d: 1\n"},
	{"delete the last key of another document", "a: 1\n---\nb: 2\n---\nc: 3\n", []Edit{in(1, remove(dotted("b")))}, "a: 1\n---\n{}\n---\nc: 3\n"},

	// Set.
	{"set a mapping changes what differs", "a:\n  # about b\n  b: 'x' # note\n  c: 1\n  d: [1, 2]\n", []Edit{set(dotted("a"), values{"b": "y", "d": []any{1, 3}, "e": "z"})}, "a:\n  # about b\n  b: 'y' # note\n  d: [1, 3]\n  e: z\n"},
	{"set a list changes what differs", "a:\n- name: x\n  v: 1 # one\n- name: z\n", []Edit{set(dotted("a"), []any{values{"name": "x", "v": 2}, "new", values{"name": "z"}})}, "a:\n- name: x\n  v: 2 # one\n- new\n- name: z\n"},
	{"set a list to fewer items", "a:\n- w\n- x # note\n- y\n", []Edit{set(dotted("a"), []any{"w", "y"})}, "a:\n- w\n- \"y\"\n"},
	{"set an item before the first", "- - b\n", []Edit{set(nil, []any{[]any{"a", "b"}})}, "- - a\n  - b\n"},
	{"set a value to a mapping", "a: 1 # note\nb: 2\n", []Edit{set(dotted("a"), values{"c": 1})}, "a: # note\n  c: 1\nb: 2\n"},
	{"set an item to a mapping", "- a\n- b # note\n- c\n", []Edit{set(Path{Index(0)}, values{"k": 1, "l": 2}), set(Path{Index(1)}, values{"k": 1})}, "- k: 1\n  l: 2\n- # note\n  k: 1\n- c\n"},
	{"set a mapping to a value", "a: # note\n  b: 1\n  # foot\nc: 2\n", []Edit{set(dotted("a"), "x")}, "a: x # note\nc: 2\n"},
	{"set a mapping to a list", "a:\n  b: 1\nc: 2\n", []Edit{set(dotted("a"), []any{"x"})}, "a:\n- x\nc: 2\n"},
	{"set an item from mapping to text", "- a: 1\n  b: 2\n- c\n", []Edit{set(Path{Index(0)}, "x")}, "- x\n- c\n"},
	{"set in flow to a mapping", "a: [x, y]\n", []Edit{set(dotted("a").item(0), values{"b": "c"})}, "a: [{b: c}, y]\n"},
	{"set a value that is missing in flow", "{a, b: }\n", []Edit{set(dotted("a"), 1), set(dotted("b"), 2)}, "{a: 1, b: 2 }\n"},
	{"set plain text to lines", "a: x # note\nb: 1\n", []Edit{set(dotted("a"), "one\ntwo")}, "a: |- # note\n  one\n  two\nb: 1\n"},
	{"set a literal to a mapping", "a: |  # note\n  x\nb: 1\n", []Edit{set(dotted("a"), values{"c": 1})}, "a:  # note\n  c: 1\nb: 1\n"},
	{"set a value on its own line", "a:\n  \"x\"\nb:\n  {c: 1}\n", []Edit{set(dotted("a"), "y"), set(dotted("b"), []any{1})}, "a:\n  \"y\"\nb:\n  - 1\n"},
	{"set a literal with a comment that touches it", "a: >#x\nb: 1\n", []Edit{set(dotted("a"), nil)}, "a: null #x\nb: 1\n"},
	{"set a literal of blank lines", "a: |-\n      \nb: 1\n", []Edit{set(dotted("a"), "x")}, "a: |-\n  x\nb: 1\n"},
	{"set a literal to lines at its end", "a: |\n  x\n\nb: 1\n", []Edit{set(dotted("a"), "x\n\n")}, "a: \"x\\n\\n\"\n\nb: 1\n"},
	{"set a literal that keeps blank lines", "a: |+\n  x\n\nb: 1\n", []Edit{set(dotted("a"), "y\n\n\n")}, "a: |+\n  y\n\n\nb: 1\n"},
	{"set the document", "--- # note\nx\n", []Edit{set(nil, values{"a": 1})}, "--- # note\na: 1\n"},
	{"set the document after its marker", "--- x # note\n", []Edit{set(nil, values{"a": 1})}, "--- # note\na: 1\n"},
	{"set on tag str", "a: !!str 5\n", []Edit{set(dotted("a"), "6")}, "a: !!str \"6\"\n"},
	{"set keeps an anchor that nothing names", "a: &a 1\n", []Edit{set(dotted("a"), values{"b": 1})}, "a: &a\n  b: 1\n"},
	{"set the anchor itself", "a: &a 1 # note\nb: *a\n", []Edit{shared(set(dotted("a"), 2))}, "a: &a 2 # note\nb: *a\n"},
	{"set below the anchor itself", "a: &a\n  x: 1\nb:\n  <<: *a\n", []Edit{shared(set(dotted("a.x"), 2))}, "a: &a\n  x: 2\nb:\n  <<: *a\n"},
	{"set to the same value", "a: 'x'\nb: 0.50\nc: {d: [1]}\n", []Edit{set(dotted("a"), "x"), set(dotted("b"), 0.5), set(dotted("c"), values{"d": []any{1.0}})}, "a: 'x'\nb: 0.50\nc: {d: [1]}\n"},
	{"set what an alias has already", "a: &a x\nb: *a\n", []Edit{set(dotted("b"), "x")}, "a: &a x\nb: *a\n"},
	{"set quotes what parsers read differently", "a: on\nb: 012\nc: 1e3\n", []Edit{set(dotted("a"), "on"), set(dotted("b"), 10), set(dotted("c"), "1e3")}, "a: \"on\"\nb: 10\nc: \"1e3\"\n"},
	{"set numbers", "a: 1\nb: 1\nc: 1\nd: 1\n", []Edit{set(dotted("a"), 1.0), set(dotted("b"), 0.5), set(dotted("c"), 1e21), set(dotted("d"), -3.0)}, "a: 1\nb: 0.5\nc: 1.0e+21\nd: -3\n"},
	{
		"several edits in one file", "a: 1\nb:\n  c: [x]\n  d: old # é\ne: {f: 1}\n",
		[]Edit{set(dotted("e.f"), 2), remove(dotted("a")), insert(dotted("b.c").item(1), "y"), set(dotted("b.d"), "new"), insert(dotted("g"), true)},
		"b:\n  c: [x, \"y\"]\n  d: new # é\ne: {f: 2}\ng: true\n",
	},
}

func TestApply(t *testing.T) {
	for _, c := range editCases {
		t.Run(c.name, func(t *testing.T) {
			out, err := checkEdit([]byte(c.file), c.edits...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
