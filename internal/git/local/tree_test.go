package local

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestTreeIsWhatTheCommitHas(t *testing.T) {
	r, dir := repository(t, map[string]string{"shop/web.yaml": "old\n", "shop/deep/er/a b": "x", "empty": "", "bin": "\x00\n\xff"})
	if err := os.Symlink("web.yaml", filepath.Join(dir, "shop/link.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "add", "-A")
	run(t, dir, "commit", "-q", "-m", "more")
	run(t, dir, "tag", "v1")
	write(t, dir, "shop/web.yaml", "new\n")
	write(t, dir, "shop/new.yaml", "new\n")
	run(t, dir, "add", "-A")
	run(t, dir, "commit", "-q", "-m", "newer")

	tree, err := r.Tree(t.Context(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if d.Type() == fs.ModeSymlink {
			got[name], err = tree.ReadLink(name)
			return err
		}
		data, err := fs.ReadFile(tree, name)
		got[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"shop/web.yaml": "old\n", "shop/deep/er/a b": "x", "empty": "", "bin": "\x00\n\xff", "shop/link.yaml": "web.yaml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if info, err := tree.Lstat("bin"); err != nil || info.Mode() != 0o755 || info.Size() != 3 {
		t.Errorf("bin: %v, %v", info, err)
	}
	for _, name := range []string{"shop/new.yaml", "shop/web.yaml/x", "nowhere", "shop/deep\nHEAD"} {
		if _, err := tree.Open(name); err == nil {
			t.Errorf("%s is there", name)
		}
	}
	if err := tree.Close(); err != nil {
		t.Error(err)
	}
	if _, err := tree.Open("bin"); err == nil {
		t.Error("a closed tree can be read")
	}
}

func TestTreeObeysFS(t *testing.T) {
	r, _ := repository(t, map[string]string{"a": "1", "b/c": "2", "b/d/e": "3"})
	tree, err := r.Tree(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	if err := fstest.TestFS(tree, "a", "b/c", "b/d/e"); err != nil {
		t.Error(err)
	}
}

func TestTreeOfASubdirectory(t *testing.T) {
	_, dir := repository(t, map[string]string{"shop/web.yaml": "old\n", "other": "x"})
	r, err := Open(t.Context(), filepath.Join(dir, "shop"), here())
	if err != nil {
		t.Fatal(err)
	}
	tree, err := r.Tree(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	if data, err := fs.ReadFile(tree, "web.yaml"); err != nil || string(data) != "old\n" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := r.Tree(t.Context(), "nowhere"); err == nil || !strings.Contains(err.Error(), `"nowhere" is not a revision`) {
		t.Errorf("error %v", err)
	}
}
