//go:build e2e

package e2e_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// repo is a Git repository that the repo-server reads by its file URL.
type repo struct {
	dir     string
	url     string
	base    string // the commit of the tree as it was given
	commits int
}

// newRepo commits the files of a tree.
func newRepo(t *testing.T, files fs.FS) *repo {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	r := &repo{dir: dir, url: "file://" + dir}
	r.git(t, "init", "-q", "-b", "main")
	r.base = r.commit(t)
	return r
}

// edit commits files on top of the tree as it was given, on a branch of their
// own, and returns the commit.
func (r *repo) edit(t *testing.T, files map[string]string) string {
	t.Helper()
	r.commits++
	r.git(t, "checkout", "-q", "-B", "edit-"+strconv.Itoa(r.commits), r.base)
	for name, content := range files {
		file := filepath.Join(r.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return r.commit(t)
}

func (r *repo) commit(t *testing.T) string {
	t.Helper()
	r.git(t, "add", "--all", "--force")
	r.git(t, "commit", "-q", "-m", "Change the environment")
	return strings.TrimSpace(r.git(t, "rev-parse", "HEAD"))
}

// git runs without the settings of the machine and of its user.
func (r *repo) git(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", append([]string{"-C", r.dir}, args...)...)
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com",
		"GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com",
	}
	var out, messages bytes.Buffer
	c.Stdout, c.Stderr = &out, &messages
	if err := c.Run(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, messages.String())
	}
	return out.String()
}
