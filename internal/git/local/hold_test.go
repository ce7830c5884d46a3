package local

import (
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/git"
)

// TestHoldsSeesSubmodules: a commit that moves a submodule changes more, though
// .gitmodules asks git not to tell.
func TestHoldsSeesSubmodules(t *testing.T) {
	r, dir := repository(t, map[string]string{
		"shop/web.yaml": "old\n", ".gitmodules": "[submodule \"sub\"]\npath = sub\nurl = ./sub\nignore = all\n",
	})
	run(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+run(t, dir, "rev-parse", "HEAD")+",sub")
	run(t, dir, "commit", "-q", "-m", "submodule")
	files := []git.File{{Path: "shop/web.yaml", After: []byte("new\n")}}
	c, err := r.Prepare(t.Context(), files, "Promote\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Holds(t.Context(), c, files); err != nil {
		t.Errorf("the commit itself: %v", err)
	}
	run(t, dir, "read-tree", c.ID)
	run(t, dir, "update-index", "--cacheinfo", "160000,"+c.Parent+",sub")
	c.ID = run(t, dir, "commit-tree", "-p", c.Parent, "-m", "forged", run(t, dir, "write-tree"))
	if err := r.Holds(t.Context(), c, files); err == nil || !strings.Contains(err.Error(), "changes sub too") {
		t.Errorf("one that moves a submodule: %v", err)
	}
}
