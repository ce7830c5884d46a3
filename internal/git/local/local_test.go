package local

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/git"
)

// here is this process, as git gets it.
func here() git.Process { return git.Process{Env: os.Environ(), TempDir: os.TempDir()} }

// repository is a new one with the files committed, and its directory.
func repository(t *testing.T, files map[string]string) (*Repo, string) {
	t.Helper()
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com",
		"GIT_COMMITTER_NAME": "C", "GIT_COMMITTER_EMAIL": "c@example.com", "GIT_INDEX_FILE": "", "GIT_DIR": "",
	} {
		t.Setenv(name, value)
		if value == "" {
			_ = os.Unsetenv(name)
		}
	}
	dir := t.TempDir()
	run(t, dir, "init", "-q", "-b", "main")
	for name, text := range files {
		write(t, dir, name, text)
	}
	if len(files) > 0 {
		run(t, dir, "add", "-A")
		run(t, dir, "commit", "-q", "-m", "start")
	}
	r, err := Open(t.Context(), dir, here())
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestCommitHoldsTheseFilesAlone(t *testing.T) {
	r, dir := repository(t, map[string]string{"shop/web.yaml": "old\n", "shop/candidate.yaml": "marker\n", "other.yaml": "old\n", "shop/run.sh": "x"})
	run(t, dir, "update-index", "--chmod=+x", "shop/run.sh")
	run(t, dir, "commit", "-q", "-m", "mode")
	write(t, dir, "other.yaml", "staged\n")
	run(t, dir, "add", "other.yaml")
	head := run(t, dir, "rev-parse", "HEAD")

	files := []git.File{{Path: "shop/web.yaml", After: []byte("new\n")}, {Path: "shop/run.sh", After: []byte("y")}, {Path: "next/candidate.yaml", After: []byte("next\n")}, {Path: "shop/candidate.yaml", After: nil}}
	c, err := r.Prepare(t.Context(), files, "Promote\n\nAssay-Outcome: promote\n")
	if err != nil {
		t.Fatal(err)
	}
	if now := run(t, dir, "rev-parse", "HEAD"); now != head || c.Parent != head {
		t.Fatalf("Prepare moved the branch from %s to %s", head, now)
	}
	for range 2 { // the second time changes nothing
		if err := r.Land(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := r.UpdateIndex(t.Context(), paths(files)); err != nil {
			t.Fatal(err)
		}
	}
	if now := run(t, dir, "rev-parse", "main"); now != c.ID {
		t.Errorf("main is %s, not %s", now, c.ID)
	}
	want := "A\tnext/candidate.yaml\nD\tshop/candidate.yaml\nM\tshop/run.sh\nM\tshop/web.yaml"
	if diff := cmp.Diff(want, run(t, dir, "diff", "--name-status", "HEAD^", "HEAD")); diff != "" {
		t.Error(diff)
	}
	if got := run(t, dir, "ls-tree", "HEAD", "shop/run.sh"); !strings.HasPrefix(got, "100755 ") {
		t.Errorf("the mode is lost: %s", got)
	}
	if got := run(t, dir, "diff", "--cached", "--name-only"); got != "other.yaml" {
		t.Errorf("staged is %q, not what the user has staged", got)
	}
}

func TestLandRefusesABranchThatMoved(t *testing.T) {
	r, dir := repository(t, map[string]string{"web.yaml": "old\n"})
	c, err := r.Prepare(t.Context(), []git.File{{Path: "web.yaml", After: []byte("new\n")}}, "Promote\n")
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, "commit", "-q", "--allow-empty", "-m", "meanwhile")
	head := run(t, dir, "rev-parse", "HEAD")
	if err := r.Land(t.Context(), c); err == nil || run(t, dir, "rev-parse", "HEAD") != head {
		t.Errorf("landed on another tip: %v", err)
	}
}

func TestDirty(t *testing.T) {
	_, dir := repository(t, map[string]string{"shop/a b.yaml": "1\n", "shop/candidate.yaml": "1\n", "shop/c.yaml": "1\n", "other.yaml": "1\n"})
	r, err := Open(t.Context(), filepath.Join(dir, "shop"), here())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"shop/a b.yaml", "shop/candidate.yaml", "shop/new.yaml", "other.yaml"} {
		write(t, dir, name, "2\n")
	}
	run(t, dir, "rm", "-q", "--cached", "shop/c.yaml")
	got, err := r.Dirty(t.Context(), ".", func(name string) bool { return name == "candidate.yaml" })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a b.yaml", "c.yaml", "c.yaml", "new.yaml"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefusals(t *testing.T) {
	if _, err := Open(t.Context(), t.TempDir(), here()); !errors.Is(err, ErrNoRepo) {
		t.Errorf("no repository: %v", err)
	}
	r, dir := repository(t, nil)
	if _, err := r.Prepare(t.Context(), nil, "x"); err == nil || !strings.Contains(err.Error(), "no commit yet") {
		t.Errorf("no commit: %v", err)
	}
	write(t, dir, ".git/index.lock", "")
	if _, err := r.Prepare(t.Context(), nil, "x"); err == nil || !strings.Contains(err.Error(), "index.lock") {
		t.Errorf("a locked index: %v", err)
	}
	for _, revision := range []string{"nowhere", "--all", "HEAD"} {
		if _, err := r.Resolve(t.Context(), revision); err == nil || !strings.Contains(err.Error(), "is not a revision") {
			t.Errorf("%s: %v", revision, err)
		}
	}
	branch, err := r.Branch(t.Context())
	if err != nil || branch != "main" {
		t.Errorf("branch %q, %v", branch, err)
	}
}

// TestDirtyWritesNothing: git status would refresh the index, and leave its
// lock behind where it is killed.
func TestDirtyWritesNothing(t *testing.T) {
	r, dir := repository(t, map[string]string{"a.yaml": "a\n"})
	before, err := os.ReadFile(filepath.Join(dir, ".git/index"))
	if err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "a.yaml"), then, then); err != nil {
		t.Fatal(err)
	}
	if names, err := r.Dirty(t.Context(), "", func(string) bool { return false }); err != nil || len(names) > 0 {
		t.Fatal(names, err)
	}
	if after, err := os.ReadFile(filepath.Join(dir, ".git/index")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the index has changed: %v", err)
	}
}
