package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/git"
)

func TestDiff(t *testing.T) {
	r, dir := repository(t, map[string]string{
		"shop/web.yaml": "old\n", "shop/same.yaml": "same\n", "shop/gone.yaml": "x", "shop/swap": "file", "shop/turn/a": "1",
		"shop/run.sh": "x", "base/deep/er/a b": "x", "same/a": "1",
	})
	if err := os.Symlink("web.yaml", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "add", "-A")
	run(t, dir, "commit", "-q", "-m", "before")
	for _, name := range []string{"shop/gone.yaml", "shop/swap", "shop/turn", "link"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"shop/web.yaml": "new\n", "shop/swap/b": "1", "shop/turn": "1", "base/deep/er/a b": "y", "new/x": "1"} {
		write(t, dir, name, text)
	}
	if err := os.Symlink("other.yaml", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "add", "-A")
	run(t, dir, "update-index", "--chmod=+x", "shop/run.sh")
	run(t, dir, "commit", "-q", "-m", "after")

	open := func(r *Repo, revision string) *git.Tree {
		tree, err := r.Tree(t.Context(), revision)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tree.Close() })
		return tree
	}
	const want = "base/deep/er/a b,link,new/x,shop/gone.yaml,shop/swap,shop/swap/b,shop/turn,shop/turn/a,shop/web.yaml"
	for _, pair := range [][2]string{{"HEAD^", "HEAD"}, {"HEAD", "HEAD^"}} {
		got, err := git.Diff(open(r, pair[0]), open(r, pair[1]))
		if err != nil || strings.Join(got, ",") != want {
			t.Errorf("%v: %q, %v", pair, got, err)
		}
	}
	if got, err := git.Diff(open(r, "HEAD"), open(r, "HEAD")); err != nil || got != nil {
		t.Errorf("a tree differs from itself in %q, %v", got, err)
	}
	shop, err := Open(t.Context(), filepath.Join(dir, "shop"), here())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := git.Diff(open(shop, "HEAD^"), open(shop, "HEAD")); err != nil || strings.Join(got, ",") != "gone.yaml,swap,swap/b,turn,turn/a,web.yaml" {
		t.Errorf("from below: %q, %v", got, err)
	}
}
