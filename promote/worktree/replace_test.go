package worktree

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
)

// prepare makes the edit of a decision about prod in a work tree.
func prepare(t *testing.T, dir string, outcome decision.Outcome) (*promote.Edit, error) {
	t.Helper()
	req, err := envrepo.Request(dir, "prod")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = req.FS.Close() })
	return promote.Prepare(t.Context(), req, promote.Options{Outcome: outcome})
}

// decided decides about prod in a work tree.
func decided(t *testing.T, dir string, outcome decision.Outcome) {
	t.Helper()
	e, err := prepare(t, dir, outcome)
	if err != nil {
		t.Fatal(err)
	}
	if err := at(dir).write(t.Context(), newRecord(e), e.Files, nil); err != nil {
		t.Fatal(err)
	}
}

// TestReplaceIsAllOrNothing writes what a command makes that decides nothing.
func TestReplaceIsAllOrNothing(t *testing.T) {
	tree := envrepo.Files{"prod/a": "old"}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	a := git.File{Path: "prod/a", Before: []byte("old"), After: []byte("new")}
	added := func(name string) git.File { return git.File{Path: name, After: []byte("b")} }
	for _, test := range []struct {
		name  string
		ctx   context.Context
		files []git.File
	}{
		{"out of the repository", t.Context(), []git.File{a, added("prod/new/b"), added("../z")}},
		{"through a link", t.Context(), []git.File{a, added("prod/link/b")}},
		{"under a file", t.Context(), []git.File{added("prod/a/b")}},
		{"too late", cancelled, []git.File{a, added("prod/new/b")}},
		{"what exists", t.Context(), []git.File{added("prod/new/b"), added("prod/a")}},
	} {
		dir := tree.On(t)
		link := filepath.Join(dir, "prod", "link")
		if err := os.Symlink(os.TempDir(), link); err != nil {
			t.Fatal(err)
		}
		if err := at(dir).Replace(test.ctx, "init", test.files...); err == nil || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: error %v", test.name, err)
		}
		if entries, err := os.ReadDir(filepath.Join(dir, "prod")); err != nil || len(entries) != 2 {
			t.Errorf("%s: it left %v, %v", test.name, entries, err)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
		envrepo.Same(t, test.name, tree, envrepo.Read(t, os.DirFS(dir)))
	}
	dir := tree.On(t)
	if err := at(dir).Replace(t.Context(), "init", a, added("prod/new/below/b")); err != nil {
		t.Fatal(err)
	}
	envrepo.Same(t, "written", envrepo.Files{"prod/a": "new", "prod/new/below/b": "b"}, envrepo.Read(t, os.DirFS(dir)))
}

// TestReplaceSurvivesACrash finishes what a command wrote in part, and leaves it
// to that command.
func TestReplaceSurvivesACrash(t *testing.T) {
	dir := envrepo.Files{"prod/a": "old"}.On(t)
	files := []git.File{{Path: "prod/a", Before: []byte("old"), After: []byte("new")}, {Path: "prod/new/b", After: []byte("b")}}
	func() {
		defer func() { _ = recover() }()
		_ = stepping(dir, func(step string) {
			if step == "replace prod/new/b" {
				panic("killed")
			}
		}).Replace(t.Context(), "init", files...)
	}()
	if _, err := at(dir).Resume(t.Context(), decision.Promote); err == nil || !strings.Contains(err.Error(), "assay init was interrupted while it was written: run assay init") {
		t.Errorf("a promotion finished it: %v", err)
	}
	if _, err := at(dir).Resume(t.Context(), "init"); err != nil {
		t.Fatal(err)
	}
	envrepo.Same(t, "finished", envrepo.Files{"prod/a": "new", "prod/new/b": "b"}, envrepo.Read(t, os.DirFS(dir)))
}
