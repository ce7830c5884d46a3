package worktree_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaydev/assay/promote/worktree"
)

func TestFill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "out")
	files := map[string][]byte{"a.yaml": []byte("a"), "b.yaml": []byte("b")}
	if err := worktree.Fill(t.Context(), dir, files); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got := names(t, dir); len(got) != 2 {
		t.Errorf("the directory holds %q", got)
	}
	if err := worktree.Fill(t.Context(), dir, files); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("once more: %v", err)
	}
}

// TestFillIsWhole: where one file cannot be written, none is.
func TestFillIsWhole(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx   context.Context
		files map[string][]byte
	}{
		"a name that is too long": {t.Context(), map[string][]byte{"a.yaml": {}, strings.Repeat("b", 300): {}}},
		"a name that leads out":   {t.Context(), map[string][]byte{"a.yaml": {}, "../b.yaml": {}}},
		"no time":                 {over, map[string][]byte{"a.yaml": {}}},
	} {
		top := t.TempDir()
		dir := filepath.Join(top, "out")
		if err := worktree.Fill(test.ctx, dir, test.files); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := names(t, dir); len(got) != 0 {
			t.Errorf("%s: the directory holds %q", name, got)
		}
		if got := names(t, top); len(got) != 1 {
			t.Errorf("%s: beside it is %q", name, got)
		}
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}
