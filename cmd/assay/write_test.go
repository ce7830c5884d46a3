package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/promote"
)

func list(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	fsys := os.DirFS(dir)
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			found[name] = entry.Type().String()
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		found[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestStaged: what is left behind by a kill is known for what it is.
func TestStaged(t *testing.T) {
	for _, name := range []string{"candidate.yaml", "prod/candidate.yaml"} {
		if at := staged(name); !promote.IsStaged(at) || filepath.Dir(at) != filepath.Dir(name) {
			t.Errorf("%s is staged as %s", name, at)
		}
	}
}

func TestWriteFilesIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.TempDir(), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	before := list(t, dir)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name  string
		ctx   context.Context
		files map[string][]byte
	}{
		{"out of the directory", t.Context(), map[string][]byte{"a": []byte("new"), "new/b": nil, "../z": nil}},
		{"through a link", t.Context(), map[string][]byte{"a": []byte("new"), "link/b": nil}},
		{"under a file", t.Context(), map[string][]byte{"a/b": nil}},
		{"too late", cancelled, map[string][]byte{"a": []byte("new"), "new/b": nil}},
	} {
		if err := writeFiles(test.ctx, dir, test.files); err == nil {
			t.Errorf("%s: written", test.name)
		}
		if diff := cmp.Diff(before, list(t, dir)); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
	}
	if err := writeFiles(t.Context(), dir, map[string][]byte{"a": []byte("new"), "new/b": []byte("b")}); err != nil {
		t.Fatal(err)
	}
	got := list(t, dir)
	if got["a"] != "new" || got["new/b"] != "b" || len(got) != 5 {
		t.Errorf("written: %v", got)
	}
}
