package envfs

import (
	"testing"
	"testing/fstest"
)

func TestContent(t *testing.T) {
	tree := fstest.MapFS{"a": {Data: []byte("1")}, "d/b": {Data: []byte("2")}}
	f := New(tree, Limits{})
	type edits = map[string][]byte
	same := []*FS{f, f.With(nil), f.With(edits{"c": nil}), f.With(edits{"c": []byte("3")}).With(edits{"c": nil})}
	for i, other := range same {
		if other.Content() != f.Content() {
			t.Errorf("%d is another content", i)
		}
	}
	if f.With(edits{"a": []byte("2"), "c": {}}).Content() != f.With(edits{"c": {}}).With(edits{"a": []byte("2")}).Content() {
		t.Error("the order of edits counts")
	}
	seen := map[Content]int{f.Content(): -1}
	for i, other := range []*FS{
		New(tree, Limits{}), f.With(edits{"a": nil}), f.With(edits{"a": []byte("2")}), f.With(edits{"c": {}}), f.With(edits{"a": {}}),
		f.With(edits{"d/b": nil}), f.With(edits{"a": []byte("2"), "c": {}}),
	} {
		if before, ok := seen[other.Content()]; ok {
			t.Errorf("%d is the same as %d", i, before)
		}
		seen[other.Content()] = i
	}
}
