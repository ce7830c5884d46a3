package envfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/dotgit"
	"github.com/assaydev/assay/internal/envfs"
)

// repo writes files into a new directory; "-> x" as content makes a link to x.
func repo(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(to, file)
		} else {
			err = os.WriteFile(file, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func open(t *testing.T, root string) *envfs.FS {
	t.Helper()
	fsys, err := envfs.OpenDir(root, envfs.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fsys.Close(); err != nil {
			t.Error(err)
		}
	})
	return fsys
}

func read(t *testing.T, fsys *envfs.FS, name string) string {
	t.Helper()
	data, err := fsys.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// names walks the whole view.
func names(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(fsys, ".", func(name string, _ fs.DirEntry, err error) error {
		out = append(out, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestIsAnOrdinaryFileSystem(t *testing.T) {
	fsys := open(t, repo(t, map[string]string{
		"a/b/c.yaml":   "c: 1\n",
		"a/link.yaml":  "-> b/c.yaml",
		"a/up.yaml":    "-> ../top.yaml",
		"a/dir":        "-> b",
		"top.yaml":     "top: 1\n",
		"empty.yaml":   "",
		".hidden/x.md": "x",
	}))
	edited := fsys.With(map[string][]byte{"new/deep/n.yaml": []byte("n: 1\n"), "top.yaml": []byte("longer\n")})
	for name, v := range map[string]*envfs.FS{"plain": fsys, "edited": edited} {
		t.Run(name, func(t *testing.T) {
			if err := fstest.TestFS(v, "a/b/c.yaml", "a/link.yaml", "a/dir", "top.yaml", "empty.yaml", ".hidden/x.md"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSymlinks(t *testing.T) {
	outside := repo(t, map[string]string{"other.yaml": "other"})
	root := repo(t, map[string]string{
		"a/in.yaml":       "-> ../b/real.yaml",
		"a/dir":           "-> ../b",
		"a/chain.yaml":    "-> in.yaml",
		"a/up.yaml":       "-> ../../other.yaml",
		"a/absolute.yaml": "-> " + filepath.Join(outside, "other.yaml"),
		"a/outdir":        "-> " + outside,
		"a/circle.yaml":   "-> circle.yaml",
		"a/gone.yaml":     "-> nothing.yaml",
		"b/real.yaml":     "real",
	})
	fsys := open(t, root)
	for _, name := range []string{"a/in.yaml", "a/dir/real.yaml", "a/chain.yaml"} {
		if got := read(t, fsys, name); got != "real" {
			t.Errorf("%s = %q", name, got)
		}
		if info, err := fsys.Stat(name); err != nil || info.Name() != path.Base(name) || info.Size() != 4 {
			t.Errorf("Stat(%s) = %v, %v", name, info, err)
		}
		if at, err := fsys.Locate(name); at != "b/real.yaml" || err != nil {
			t.Errorf("Locate(%s) = %q, %v", name, at, err)
		}
	}
	for name, want := range map[string]string{
		"a/up.yaml":           "read a/up.yaml: the symlink a/up.yaml leaves the repository: replace it",
		"a/absolute.yaml":     "read a/absolute.yaml: the symlink a/absolute.yaml leaves the repository: replace it",
		"a/outdir/other.yaml": "read a/outdir/other.yaml: the symlink a/outdir leaves the repository: replace it",
		"a/circle.yaml":       "the symlink a/circle.yaml leads in a circle",
		"a/gone.yaml":         "read a/gone.yaml: the symlink a/gone.yaml leads to a/nothing.yaml, which does not exist: ",
		"b/real.yaml/x":       "file does not exist",
		"../other.yaml":       "invalid argument",
		"/etc/hostname":       "invalid argument",
	} {
		data, err := fsys.ReadFile(name)
		if err == nil {
			t.Errorf("read %s: got %q", name, data)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), root) || strings.Contains(err.Error(), outside) {
			t.Errorf("read %s: %v; want %q and no path of the machine", name, err, want)
		}
	}
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	root := repo(t, map[string]string{"a/x.yaml": "x"})
	if err := syscall.Mkfifo(filepath.Join(root, "a/fifo.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	fsys := open(t, root)
	for name, want := range map[string]string{"a/fifo.yaml": "not a regular file", "a": "is a directory"} {
		if _, err := fsys.ReadFile(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("read %s: %v, want %q", name, err, want)
		}
	}
}

func TestOpenDirErrorsHideTheMachine(t *testing.T) {
	root := filepath.Join(t.TempDir(), "nothing")
	_, err := envfs.OpenDir(root, envfs.Limits{})
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), root) {
		t.Errorf("got %v", err)
	}
}

func TestChangingWhatWasReadChangesNothing(t *testing.T) {
	fsys := open(t, repo(t, map[string]string{"a.yaml": "abc"}))
	for range 2 {
		data, err := fsys.ReadFile("a.yaml")
		if err != nil || string(data) != "abc" {
			t.Fatalf("got %q, %v", data, err)
		}
		data[0] = 'X'
	}
}

func TestOverlay(t *testing.T) {
	fsys := open(t, repo(t, map[string]string{
		"env/keep.yaml":      "keep",
		"env/edit.yaml":      "edit",
		"env/candidate.yaml": "marker",
		"env/link.yaml":      "-> ../shared/real.yaml",
		"env/lib":            "-> ../shared",
		"shared/real.yaml":   "real",
	}))
	edited := fsys.With(map[string][]byte{
		"env/edit.yaml":      []byte("edited"),
		"env/candidate.yaml": nil,
		"env/new/n.yaml":     []byte("new"),
		"env/link.yaml":      []byte("through the link"),
		"env/lib/more.yaml":  []byte("more"),
	}).With(map[string][]byte{"env/.dot/x": []byte("x")})

	want := []string{
		".", "env", "env/.dot", "env/.dot/x", "env/edit.yaml", "env/keep.yaml", "env/lib", "env/link.yaml",
		"env/new", "env/new/n.yaml", "shared", "shared/more.yaml", "shared/real.yaml",
	}
	if diff := cmp.Diff(want, names(t, edited)); diff != "" {
		t.Error(diff)
	}
	for name, content := range map[string]string{
		"env/keep.yaml": "keep", "env/edit.yaml": "edited", "env/new/n.yaml": "new", "env/.dot/x": "x",
		"env/link.yaml": "through the link", "shared/real.yaml": "through the link", "env/lib/real.yaml": "through the link",
		"shared/more.yaml": "more",
	} {
		if got := read(t, edited, name); got != content {
			t.Errorf("%s = %q, want %q", name, got, content)
		}
		if info, err := edited.Stat(name); err != nil || info.Size() != int64(len(content)) {
			t.Errorf("stat %s: %v, %v", name, info, err)
		}
	}
	if _, err := edited.ReadFile("env/candidate.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed file: %v", err)
	}
	if got := read(t, fsys, "env/edit.yaml") + read(t, fsys, "env/candidate.yaml") + read(t, fsys, "shared/real.yaml"); got != "editmarkerreal" {
		t.Errorf("the view under the edits changed: %q", got)
	}
}

func TestOverlayLeavesOutInvalidNames(t *testing.T) {
	fsys := open(t, repo(t, map[string]string{"a.yaml": "a"}))
	edited := fsys.With(map[string][]byte{"/etc/x": []byte("x"), "../x": []byte("x"), "": nil, ".": nil, "a//b": nil, "b/": nil})
	if diff := cmp.Diff([]string{".", "a.yaml"}, names(t, edited)); diff != "" {
		t.Error(diff)
	}
}

func TestOverlayRemovesADirectory(t *testing.T) {
	fsys := open(t, repo(t, map[string]string{"a/b/c.yaml": "c", "a/d.yaml": "d"}))
	edited := fsys.With(map[string][]byte{"a/b": nil})
	if diff := cmp.Diff([]string{".", "a", "a/d.yaml"}, names(t, edited)); diff != "" {
		t.Error(diff)
	}
	if _, err := edited.ReadFile("a/b/c.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestOverlayRemovesALinkAlone(t *testing.T) {
	fsys := open(t, repo(t, map[string]string{"a.yaml": "-> b.yaml", "b.yaml": "b"}))
	edited := fsys.With(map[string][]byte{"a.yaml": nil})
	if diff := cmp.Diff([]string{".", "b.yaml"}, names(t, edited)); diff != "" {
		t.Error(diff)
	}
}

func TestResolve(t *testing.T) {
	for _, tt := range []struct{ dir, rel, want, err string }{
		{dir: "env", rel: "values.yaml", want: "env/values.yaml"},
		{dir: "env", rel: "./a//b.yaml", want: "env/a/b.yaml"},
		{dir: "env/prod", rel: "../base", want: "env/base"},
		{dir: ".", rel: "x.yaml", want: "x.yaml"},
		{dir: "env", rel: "..", want: "."},
		{dir: "env", rel: "a@b:c", want: "env/a@b:c"},
		{dir: "env", rel: "../../x.yaml", err: "../../x.yaml leaves the repository: copy"},
		{dir: ".", rel: "..", err: "leaves the repository"},
		{dir: "env", rel: "/etc/passwd", err: "/etc/passwd is an absolute path: name it relative to env"},
		{dir: "env", rel: "", err: "empty"},
		{dir: "env", rel: "https://u:hidden" + "@example.com/v.yaml?x=hidden", err: "https://example.com/v.yaml is a URL"},
		{dir: "env", rel: "file:///etc/passwd", err: "is a URL"},
		{dir: "env", rel: "\xff.yaml", err: "leaves"},
	} {
		got, err := envfs.Resolve(tt.dir, tt.rel)
		if tt.err == "" && err != nil || got != tt.want {
			t.Errorf("Resolve(%q, %q) = %q, %v; want %q", tt.dir, tt.rel, got, err, tt.want)
		}
		if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "hidden")) {
			t.Errorf("Resolve(%q, %q): %v, want %q", tt.dir, tt.rel, err, tt.err)
		}
	}
}

// TestGitUnderAnotherName: .git may be a file that names a directory of the tree.
func TestGitUnderAnotherName(t *testing.T) {
	for _, pointer := range []string{"gitdir: data/git\n", "gitdir: ./data/../data/git", "gitdir: ABSOLUTE/data/git\n"} {
		root := repo(t, map[string]string{"data/git/config": "secret", "data/a.yaml": "plain", "link": "-> data/git/config", "dir": "-> data", "x/y": "x"})
		if err := os.WriteFile(filepath.Join(root, ".git"), []byte(strings.Replace(pointer, "ABSOLUTE", root, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		fsys := open(t, root)
		for _, v := range []*envfs.FS{fsys, fsys.With(map[string][]byte{"x/y": []byte("edit"), "data/git/config": []byte("edit")})} {
			for _, file := range []string{"data/git", "data/git/config", "link", "dir/git/config"} {
				if data, err := v.ReadFile(file); !errors.Is(err, dotgit.ErrInside) {
					t.Errorf("%q: read %s: %q, %v", pointer, file, data, err)
				}
			}
			if diff := cmp.Diff([]string{".", "data", "data/a.yaml", "dir", "x", "x/y"}, names(t, v)); diff != "" {
				t.Errorf("%q: %s", pointer, diff)
			}
		}
	}
}

// TestGitBehindAnotherName: .git may be a link to a directory of the tree, or name a linked
// work tree's, which names the one that holds the configuration.
func TestGitBehindAnotherName(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"a link":             {".git": "-> data/git"},
		"a link to a link":   {".git": "-> other", "other": "-> data/git"},
		"a linked work tree": {".git": "gitdir: data/git/worktrees/w\n", "data/git/worktrees/w/commondir": "../..\n"},
		"a common directory": {".git": "gitdir: away\n", "away/commondir": "../data/git\n"},
	} {
		t.Run(name, func(t *testing.T) {
			files["data/git/config"], files["data/a.yaml"] = "secret", "plain"
			fsys := open(t, repo(t, files))
			if data, err := fsys.ReadFile("data/git/config"); !errors.Is(err, dotgit.ErrInside) {
				t.Errorf("%q, %v", data, err)
			}
			if _, err := fsys.ReadFile("data/a.yaml"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestGitIsNotPartOfTheTree: at any depth, by any spelling, through links and "..".
func TestGitIsNotPartOfTheTree(t *testing.T) {
	root := repo(t, map[string]string{
		".git/config": "secret", "a/.git/config": "secret", "a/.GIT./x": "secret", "a/git~1": "secret", "b/.git": "secret",
		"a/link": "-> ../.git/config", "a/dir": "-> ../.git", "a/chain": "-> dir/config", "a/far": "-> ../c/../.git/config", "c/plain.yaml": "plain",
		".github/x": "x", ".gitignore": "x",
	})
	fsys := open(t, root)
	edited := fsys.With(map[string][]byte{".git/config": []byte("edit"), "a/.git/hooks/new": []byte("edit"), "a/dir/config": []byte("edit"), "a/link": []byte("edit")})
	for name, v := range map[string]*envfs.FS{"plain": fsys, "edited": edited} {
		for _, file := range []string{
			".git", ".git/config", "a/.git", "a/.git/config", "a/.GIT./x", "a/git~1", "b/.git", "a/link", "a/dir", "a/dir/config", "a/chain", "a/far", ".git /config", ".git/hooks/new",
		} {
			if data, err := v.ReadFile(file); !errors.Is(err, dotgit.ErrInside) {
				t.Errorf("%s: read %s: %q, %v", name, file, data, err)
			}
			if _, err := v.ReadDir(file); !errors.Is(err, dotgit.ErrInside) {
				t.Errorf("%s: list %s: %v", name, file, err)
			}
			if _, err := v.Locate(file); !errors.Is(err, dotgit.ErrInside) {
				t.Errorf("%s: locate %s: %v", name, file, err)
			}
			if _, err := v.Open(file); err == nil {
				t.Errorf("%s: open %s", name, file)
			}
		}
		for _, file := range []string{".git/config", "a/.git", "a/git~1"} {
			if _, err := v.Lstat(file); !errors.Is(err, dotgit.ErrInside) {
				t.Errorf("%s: lstat %s: %v", name, file, err)
			}
			if _, err := v.ReadLink(file); !errors.Is(err, dotgit.ErrInside) {
				t.Errorf("%s: readlink %s: %v", name, file, err)
			}
		}
		if diff := cmp.Diff([]string{".", ".github", ".github/x", ".gitignore", "a", "b", "c", "c/plain.yaml"}, names(t, v)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, dir := range []string{".git", "a/.git", "a/dir"} {
		if _, err := envfs.OpenDir(filepath.Join(root, dir), envfs.Limits{}); !errors.Is(err, dotgit.ErrInside) {
			t.Errorf("%s is a repository: %v", dir, err)
		}
	}
	for _, rel := range []string{"../.git/stg", ".GIT/x", "x/.git", "git~1"} {
		if _, err := envfs.Resolve("a", rel); !errors.Is(err, dotgit.ErrInside) {
			t.Errorf("resolve %s: %v", rel, err)
		}
	}
	for dir, want := range map[string]bool{".": true, "a": true, "b": true, "c": false} {
		if got, err := fsys.IsRepository(dir); got != want || err != nil {
			t.Errorf("%s is a repository: %v, %v", dir, got, err)
		}
	}
}

// TestDirectoriesWithoutEnd: what lists directory after directory ends, however little
// each holds.
func TestDirectoriesWithoutEnd(t *testing.T) {
	many := func(dirs, files int) fstest.MapFS {
		out := fstest.MapFS{}
		for i := range dirs {
			for j := range files {
				out[fmt.Sprintf("d%d/e/f%d", i%9, i)+fmt.Sprintf("/g%d", j)] = &fstest.MapFile{}
			}
		}
		return out
	}
	for name, files := range map[string]fstest.MapFS{"directories": many(60, 1), "entries": many(20, 10)} {
		fsys := envfs.New(files, envfs.Limits{Files: 10})
		var limit *envfs.LimitError
		if err := fs.WalkDir(fsys, ".", func(_ string, _ fs.DirEntry, err error) error { return err }); !errors.As(err, &limit) || limit.Kind != envfs.FileCount {
			t.Errorf("%s: %v", name, err)
		}
	}
	fsys := envfs.New(many(9, 1), envfs.Limits{Files: 10})
	for range 100 {
		if err := fs.WalkDir(fsys, ".", func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fsys.Stat(strings.Repeat("d/", 2500) + "d"); err == nil || !strings.Contains(err.Error(), "its path has more than 4096 bytes") {
		t.Errorf("a long path: %v", err)
	}
}
