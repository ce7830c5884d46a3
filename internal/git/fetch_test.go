package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// far is a repository with files, one that has none of its objects, and how the
// objects are brought from one to the other.
type far struct {
	server, client Runner
	tree           string

	fetches [][]string
	fail    error
}

func newFar(t *testing.T, files map[string]string) *far {
	t.Helper()
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com",
	}
	f := &far{server: Runner{Dir: t.TempDir(), Env: env}, client: Runner{Dir: t.TempDir(), Env: env, Group: true}}
	var in strings.Builder
	in.WriteString("commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 0\n")
	for name, data := range files {
		fmt.Fprintf(&in, "M 100644 inline %q\ndata %d\n%s\n", name, len(data), data)
	}
	for _, run := range []struct {
		r     Runner
		stdin string
		args  []string
	}{
		{f.server, "", []string{"init", "-q", "--bare"}},
		{f.client, "", []string{"init", "-q", "--bare"}},
		{f.server, in.String(), []string{"fast-import", "--quiet"}},
	} {
		if _, err := run.r.Run(t.Context(), []byte(run.stdin), run.args...); err != nil {
			t.Fatal(err)
		}
	}
	out, err := f.server.Run(t.Context(), nil, "rev-parse", "refs/heads/main^{tree}")
	if err != nil {
		t.Fatal(err)
	}
	f.tree = FirstLine(out)
	return f
}

// fetch brings objects in a pack, as a server does.
func (f *far) fetch(ctx context.Context, ids []string) error {
	f.fetches = append(f.fetches, ids)
	if f.fail != nil {
		return f.fail
	}
	pack, err := f.server.Run(ctx, []byte(strings.Join(ids, "\n")+"\n"), "pack-objects", "--stdout", "-q")
	if err != nil {
		return err
	}
	_, err = f.client.Run(ctx, pack, "index-pack", "--stdin")
	return err
}

func (f *far) open(t *testing.T) *Tree {
	t.Helper()
	tree, err := OpenTree(t.Context(), f.client, f.tree, t.TempDir(), f.fetch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	return tree
}

func TestReadingFetchesDirectoriesWhole(t *testing.T) {
	f := newFar(t, map[string]string{"env/web.yaml": "1", "env/assay.yaml": "2", "env/charts/x/values.yaml": "3", "other/a": "4", "README.md": "5"})
	tree := f.open(t)
	for name, want := range map[string]string{"env/web.yaml": "1", "env/assay.yaml": "2"} {
		if data, err := fs.ReadFile(tree, name); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	// The root, env, and the two files in env.
	if len(f.fetches) != 3 || len(f.fetches[2]) != 2 {
		t.Errorf("the fetches are %v", f.fetches)
	}
	if _, err := tree.Open("env/nothing"); !errors.Is(err, fs.ErrNotExist) || len(f.fetches) != 3 {
		t.Errorf("%v after %d fetches", err, len(f.fetches))
	}
	if err := fs.WalkDir(tree, ".", func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil || len(f.fetches) != 6 {
		t.Errorf("%v after %d fetches, not one for each of three more directories", err, len(f.fetches))
	}
}

// TestReadingAheadFromTheRoot: what a plan at the root makes of other directories
// is not known, and most of a repository is not fetched for it.
func TestReadingAheadFromTheRoot(t *testing.T) {
	files := map[string]string{"assay.yaml": "plan", "web.yaml": "web", "apps/prod/assay.yaml": "plan 2", "apps/prod/charts/web.yaml": "web 2"}
	for i := range 300 {
		files[fmt.Sprintf("docs/%d/page.md", i)] = fmt.Sprint("page ", i)
	}
	f := newFar(t, files)
	tree := f.open(t)
	if err := tree.Ahead(".", func(_ string, files []string) bool { return slices.Contains(files, "assay.yaml") }); err != nil {
		t.Fatal(err)
	}
	if last := f.fetches[len(f.fetches)-1]; len(last) != 4 {
		t.Errorf("%d files were fetched, not the 2 at the root and the 2 of the environment below", len(last))
	}
	// What it reads there nevertheless is fetched then.
	if data, err := fs.ReadFile(tree, "docs/7/page.md"); err != nil || string(data) != "page 7" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestReadingAhead(t *testing.T) {
	files := map[string]string{"README.md": "r", "a/docs/x": "x"}
	for i := range 30 {
		files[fmt.Sprintf("a/%d/assay.yaml", i)] = fmt.Sprint("plan", i)
		files[fmt.Sprintf("a/%d/charts/web.yaml", i)] = fmt.Sprint("web", i)
	}
	f := newFar(t, files)
	tree := f.open(t)
	if err := tree.Ahead("a", func(_ string, files []string) bool { return slices.Contains(files, "assay.yaml") }); err != nil {
		t.Fatal(err)
	}
	// The root, the directory, those below it, those below these, and all files.
	if len(f.fetches) != 5 || len(f.fetches[4]) != 60 {
		t.Errorf("the fetches are %v", f.fetches)
	}
	for name, want := range files {
		if strings.HasPrefix(name, "a/") && !strings.HasPrefix(name, "a/docs") {
			if data, err := fs.ReadFile(tree, name); err != nil || string(data) != want {
				t.Errorf("%s: %q, %v", name, data, err)
			}
		}
	}
	if len(f.fetches) != 5 {
		t.Errorf("%d fetches", len(f.fetches))
	}
	if err := tree.Ahead("b", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if err := tree.Ahead("README.md", nil); err != nil {
		t.Error(err)
	}
	other := f.open(t)
	f.fail = errors.New("the line is dead")
	if err := other.Ahead("a", nil); !errors.Is(err, f.fail) {
		t.Errorf("error %v", err)
	}
}

func TestReadingAVeryLargeDirectory(t *testing.T) {
	files := map[string]string{}
	const n = 3000
	for i := range n {
		files[fmt.Sprintf("apps/%04d.yaml", i)] = fmt.Sprint(i)
	}
	f := newFar(t, files)
	tree := f.open(t)
	if _, err := fs.ReadFile(tree, "apps/1500.yaml"); err != nil {
		t.Fatal(err)
	}
	if last := f.fetches[len(f.fetches)-1]; len(last) != 1 {
		t.Errorf("one file came with %d", len(last))
	}
	for i := range n {
		name := fmt.Sprintf("apps/%04d.yaml", i)
		if data, err := fs.ReadFile(tree, name); err != nil || string(data) != files[name] {
			t.Fatalf("%s: %q, %v", name, data, err)
		}
	}
	if len(f.fetches) > 14 {
		t.Errorf("%d fetches for %d files", len(f.fetches), n)
	}
}

func TestConcurrentReadsFetchOnce(t *testing.T) {
	f := newFar(t, map[string]string{"env/a": "1", "env/b": "2", "env/c": "3"})
	tree := f.open(t)
	var all sync.WaitGroup
	for range 8 {
		for _, name := range []string{"env/a", "env/b", "env/c"} {
			all.Go(func() {
				if _, err := fs.ReadFile(tree, name); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if len(f.fetches) != 3 {
		t.Errorf("%d fetches", len(f.fetches))
	}
}

func TestAFetchThatFails(t *testing.T) {
	f := newFar(t, map[string]string{"env/a": "1"})
	tree := f.open(t)
	f.fail = errors.New("the line is dead")
	if _, err := fs.ReadFile(tree, "env/a"); !errors.Is(err, f.fail) {
		t.Errorf("error %v", err)
	}
	f.fail = nil
	if data, err := fs.ReadFile(tree, "env/a"); err != nil || string(data) != "1" {
		t.Errorf("once the line is back: %q, %v", data, err)
	}
	f.fail = errors.New("the line is dead")
	if _, err := OpenTree(t.Context(), f.client, strings.Repeat("1", 40), t.TempDir(), f.fetch); !errors.Is(err, f.fail) {
		t.Errorf("error %v", err)
	}
}

func TestRunner(t *testing.T) {
	r := Runner{Dir: t.TempDir(), Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=/nowhere", "SECRET=hunter2"}, Config: [][2]string{{"alias.say", "!echo \"$SECRET $HOME\"; echo \"$SECRET\" >&2"}, {"alias.fail", "!echo \"no $SECRET\" >&2; exit 3"}}}
	r.Scrub = func(s string) string { return strings.ReplaceAll(s, "hunter2", "***") }
	var said string
	r.Said = func(s string) { said = s }
	out, err := r.Run(t.Context(), nil, "say")
	if err != nil || string(out) != "hunter2 /nowhere\n" || said != "***\n" {
		t.Errorf("%q, %q, %v", out, said, err)
	}
	var failed *Error
	if _, err := r.Run(t.Context(), nil, "fail"); !errors.As(err, &failed) || failed.Code != 3 || failed.Stderr != "no ***\n" || err.Error() != "git fail: no ***" {
		t.Errorf("error %#v", err)
	}
}

// TestTheEndOfAContextEndsWhatGitStarted waits for the end of a pipe that git's
// child holds: it would hang where the child lived on.
func TestTheEndOfAContextEndsWhatGitStarted(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("no /proc: the child cannot be given a pipe")
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	late := errors.New("too late")
	r := Runner{
		Dir: t.TempDir(), Env: []string{"PATH=" + os.Getenv("PATH")}, Group: true,
		Config: [][2]string{{"alias.hang", fmt.Sprintf("!exec 3>/proc/%d/fd/%d; echo started >&3; sleep 1000", os.Getpid(), out.Fd())}},
	}
	go func() {
		_, _ = in.Read(make([]byte, len("started\n")))
		cancel(late)
	}()
	if _, err := r.Run(ctx, nil, "hang"); !errors.Is(err, late) {
		t.Errorf("error %v", err)
	}
	_ = out.Close()
	if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}
