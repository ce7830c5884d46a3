package git

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// bomb is a tree of ten billion files in a few objects, or of few with long paths.
func bomb(t *testing.T, r Runner, content, name string, width, depth int) string {
	t.Helper()
	out, err := r.Run(t.Context(), []byte(content), "hash-object", "-w", "--stdin")
	if err != nil {
		t.Fatal(err)
	}
	list := "100644 blob " + FirstLine(out) + "\tassay.yaml\n"
	for range depth {
		if out, err = r.Run(t.Context(), []byte(list), "mktree"); err != nil {
			t.Fatal(err)
		}
		list = ""
		for i := range width {
			list += fmt.Sprintf("040000 tree %s\t%s%d\n", FirstLine(out), name, i)
		}
	}
	return FirstLine(out)
}

// TestTreesWithoutEnd: what walks a tree gives up in time.
func TestTreesWithoutEnd(t *testing.T) {
	far := newFar(t, nil)
	for name, shape := range map[string]struct {
		name         string
		width, depth int
	}{"wide": {"d", 10, 11}, "deep": {strings.Repeat("d", 240), 1, 30}} {
		open := func(content string) *Tree {
			id := bomb(t, far.server, content, shape.name, shape.width, shape.depth)
			tree, err := OpenTree(t.Context(), far.server, id, t.TempDir(), func(context.Context, []string) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = tree.Close() })
			return tree
		}
		a, b := open("a"), open("b")
		if err := a.Ahead(".", func(string, []string) bool { return true }); !errors.Is(err, errBomb) {
			t.Errorf("%s: ahead: %v", name, err)
		}
		if _, err := Diff(a, b); !errors.Is(err, errBomb) {
			t.Errorf("%s: diff: %v", name, err)
		}
	}
}
