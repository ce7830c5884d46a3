package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/git"
)

func TestOpenTellsNoneFromUnreadable(t *testing.T) {
	garbage := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { write(t, dir, name, "garbage\n") }
	}
	withoutGit := func(t *testing.T, _ string) { t.Setenv("PATH", t.TempDir()) }
	for name, c := range map[string]struct {
		plain bool // outside of a repository
		spoil func(t *testing.T, dir string)
		want  string // of the error; empty: there is no repository
	}{
		"no repository":         {plain: true},
		"an empty .git":         {plain: true, spoil: func(t *testing.T, dir string) { mkdir(t, dir, ".git") }},
		"a .git of others":      {plain: true, spoil: func(t *testing.T, dir string) { write(t, dir, ".git/keep", "") }},
		"no repository, no git": {plain: true, spoil: withoutGit},
		"files that look like one": {plain: true, spoil: func(t *testing.T, dir string) {
			write(t, dir, "shop/HEAD", "ref: refs/heads/main\n")
			write(t, dir, "shop/refs/keep", "")
			write(t, dir, "shop/objects/keep", "")
			write(t, dir, "shop/config", "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n")
		}},
		"files in it that look like one": {want: "cannot use bare repository", spoil: func(t *testing.T, dir string) {
			write(t, dir, "shop/HEAD", "ref: refs/heads/main\n")
			write(t, dir, "shop/refs/keep", "")
			write(t, dir, "shop/objects/keep", "")
			write(t, dir, "shop/config", "[core]\n\tworktree = ..\n")
		}},
		"no git":                    {spoil: withoutGit, want: "is it installed?"},
		"broken configuration":      {spoil: func(t *testing.T, dir string) { write(t, dir, ".git/config", "[bad\n") }, want: "bad config"},
		"no HEAD":                   {spoil: func(t *testing.T, dir string) { remove(t, dir, ".git/HEAD") }, want: "not a git repository"},
		"no objects":                {spoil: func(t *testing.T, dir string) { remove(t, dir, ".git/objects") }, want: "not a git repository"},
		"a link to nowhere":         {plain: true, spoil: func(t *testing.T, dir string) { write(t, dir, ".git", "gitdir: /nowhere\n") }, want: "not a git repository: /nowhere"},
		"a file that is not a link": {plain: true, spoil: garbage(".git"), want: "invalid gitfile format"},
	} {
		t.Run(name, func(t *testing.T) {
			_, dir := repository(t, map[string]string{"shop/web.yaml": "x\n"})
			if c.plain {
				dir = t.TempDir()
				write(t, dir, "shop/web.yaml", "x\n")
			}
			if c.spoil != nil {
				c.spoil(t, dir)
			}
			_, err := Open(t.Context(), filepath.Join(dir, "shop"), here())
			if c.want == "" {
				if !errors.Is(err, ErrNoRepo) {
					t.Fatalf("want ErrNoRepo, got %v", err)
				}
				return
			}
			if err == nil || errors.Is(err, ErrNoRepo) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want an error with %q, got %v", c.want, err)
			}
		})
	}
}

func TestHeadTellsNoCommitFromUnreadable(t *testing.T) {
	r, _ := repository(t, nil)
	if head, err := r.Head(t.Context()); head != "" || err != nil {
		t.Errorf("without a commit: %q, %v", head, err)
	}
	for name, file := range map[string]func(dir string) string{
		"a broken branch": func(string) string { return ".git/refs/heads/main" },
		"a missing commit": func(dir string) string {
			id := run(t, dir, "rev-parse", "HEAD")
			return ".git/objects/" + id[:2] + "/" + id[2:]
		},
	} {
		r, dir := repository(t, map[string]string{"web.yaml": "x\n"})
		at := file(dir)
		remove(t, dir, at)
		if name == "a broken branch" {
			write(t, dir, at, "garbage\n")
		}
		var failed *git.Error
		if head, err := r.Head(t.Context()); !errors.As(err, &failed) {
			t.Errorf("%s: %q, %v", name, head, err)
		}
		if past, err := r.Recent(t.Context(), 10); !errors.As(err, &failed) {
			t.Errorf("%s: %d commits, %v", name, len(past), err)
		}
	}
}

// Objects of a partial clone that are still on the server are not fetched in secret.
func TestPartialCloneSaysToFetch(t *testing.T) {
	_, dir := repository(t, map[string]string{"web.yaml": "old\n"})
	write(t, dir, "web.yaml", "new\n")
	run(t, dir, "commit", "-q", "-a", "-m", "more")
	run(t, dir, "config", "uploadpack.allowFilter", "true")
	for _, filter := range []string{"blob:none", "tree:0"} {
		clone := filepath.Join(t.TempDir(), "clone")
		run(t, dir, "clone", "-q", "--filter="+filter, "file://"+dir, clone)
		r, err := Open(t.Context(), clone, here())
		if err != nil {
			t.Fatal(err)
		}
		tree, err := r.Tree(t.Context(), "HEAD^")
		if err == nil {
			_, err = fs.ReadFile(tree, "web.yaml")
			_ = tree.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "get it with git fetch") {
			t.Errorf("%s: %v", filter, err)
		}
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
		t.Fatal(err)
	}
}
