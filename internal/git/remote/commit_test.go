package remote

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/test/gitserver"
)

const submodule = "1234567890123456789012345678901234567890"

var kinds = []gitserver.File{
	{Path: "env/run.sh", Mode: "100755", Data: "#!/bin/sh\n"},
	{Path: "env/link.yaml", Mode: "120000", Data: "web.yaml"},
	{Path: "env/web.yaml", Data: "old\n"},
	{Path: "linked", Mode: "120000", Data: "env"},
	{Path: "vendor/sub", Mode: "160000", Data: submodule},
	{Path: "only/here/marker", Data: "x"},
}

func TestCommitKeepsModes(t *testing.T) {
	_, repo := gitserver.Serve(t, kinds...)
	r := open(t, repo.URL)
	tip := must(r.Tip(t.Context(), "main"))(t)
	commit := must(r.Commit(t.Context(), tip, []git.File{
		{Path: "env/run.sh", After: []byte("#!/bin/bash\n")},
		{Path: "env/web.yaml", After: []byte("")},
		{Path: "only/here/marker"},
		{Path: "new/a b/ü\"\\.yaml", After: []byte("\x00\xff")},
		{Path: "vendor/README", After: []byte("x")},
	}, "edit\n"))(t)
	if err := r.Push(t.Context(), Ref{Name: "refs/heads/main", Expect: tip, New: commit}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"env/run.sh": "100755 #!/bin/bash", "env/link.yaml": "120000 web.yaml", "env/web.yaml": "100644 ", "linked": "120000 env",
		"vendor/sub": "160000 " + submodule, "vendor/README": "100644 x", "new/a b/ü\"\\.yaml": "100644 \x00\xff",
	}
	if diff := cmp.Diff(want, files(t, repo)); diff != "" {
		t.Error(diff)
	}
}

func TestCommitRefusals(t *testing.T) {
	_, repo := gitserver.Serve(t, kinds...)
	r := open(t, repo.URL)
	tip := must(r.Tip(t.Context(), "main"))(t)
	for name, want := range map[string]string{
		"env/link.yaml":      "write env/link.yaml: it is a symbolic link",
		"linked/x":           "write in linked: it is a symbolic link",
		"vendor/sub":         "write vendor/sub: it is a submodule",
		"vendor/sub/x":       "write in vendor/sub: it is a submodule",
		"env":                "write env: it is a directory",
		"env/web.yaml/x":     "write in env/web.yaml: it is a file",
		"/etc/hosts":         "not a path in a repository",
		"../x":               "not a path in a repository",
		".":                  "not a path in a repository",
		"env/.git/config":    "not a path in a repository",
		".GIT/hooks/x":       "not a path in a repository",
		"a\x00b":             "not a path in a repository",
		"x/y\x00z/../../etc": "not a path in a repository",
	} {
		if id, err := r.Commit(t.Context(), tip, []git.File{{Path: name, After: []byte("x")}}, "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %s, %v", name, id, err)
		}
	}
	twice := []git.File{{Path: "a", After: []byte("1")}, {Path: "a", After: []byte("2")}}
	if _, err := r.Commit(t.Context(), tip, twice, "x"); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("error %v", err)
	}
	both := []git.File{{Path: "a", After: []byte("1")}, {Path: "a/b", After: []byte("2")}}
	if _, err := r.Commit(t.Context(), tip, both, "x"); err == nil || !strings.Contains(err.Error(), "write a: it is a directory") {
		t.Errorf("error %v", err)
	}
	if _, err := r.Commit(t.Context(), "main", nil, "x"); err == nil || !strings.Contains(err.Error(), "not a full commit id") {
		t.Errorf("error %v", err)
	}
	if _, err := r.Commit(t.Context(), submodule, nil, "x"); !errors.Is(err, ErrNoCommit) {
		t.Errorf("error %v", err)
	}
}

func TestCommitOfNoChange(t *testing.T) {
	_, repo := gitserver.Serve(t, kinds...)
	r := open(t, repo.URL)
	tip := must(r.Tip(t.Context(), "main"))(t)
	for name, files := range map[string][]git.File{
		"none": nil, "the same": {{Path: "env/web.yaml", After: []byte("old\n")}}, "not there": {{Path: "env/nothing"}, {Path: "no/where"}},
	} {
		if _, err := r.Commit(t.Context(), tip, files, "x"); !errors.Is(err, ErrNoChange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	at := must(r.Update(limited(t), "main", put("env/web.yaml", "old\n")))(t)
	if at.Commit != "" || at.Parent != tip {
		t.Errorf("landed %+v", at)
	}
	if now := must(repo.Tip("main"))(t); now != tip {
		t.Errorf("main moved to %s", now)
	}
}

// TestCommitIsWhatPlainGitMakes compares the trees of random edits of random
// trees with those that git add makes of the same in a clone.
func TestCommitIsWhatPlainGitMakes(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a seed makes the trees again
			_, repo := gitserver.Serve(t, randomTree(random)...)
			clone := t.TempDir()
			plain(t, clone, "clone", "-q", repo.Dir, ".")

			edits := randomEdits(random, files(t, repo))
			for _, f := range edits {
				full := filepath.Join(clone, f.Path)
				if f.After == nil {
					_ = os.Remove(full)
					continue
				}
				if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), overwrite(full, f.After)); err != nil {
					t.Fatal(err)
				}
			}
			plain(t, clone, "add", "-A")
			want := plain(t, clone, "write-tree")

			r := open(t, "file://"+repo.Dir)
			tip := must(r.Tip(t.Context(), "main"))(t)
			commit, err := r.Commit(t.Context(), tip, edits, "edit")
			if errors.Is(err, ErrNoChange) {
				commit = tip
			} else if err != nil {
				t.Fatal(err)
			}
			if got := must(r.rootTree(t.Context(), commit))(t); got != want {
				t.Fatalf("tree %s, want %s", got, want)
			}
			if err := r.Push(t.Context(), Ref{Name: "refs/heads/main", Expect: tip, New: commit}); err != nil {
				t.Fatal(err)
			}
			must(repo.Git("fsck", "--strict"))(t)
		})
	}
}

// overwrite keeps the mode.
func overwrite(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

func plain(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=P", "GIT_AUTHOR_EMAIL=p@example.com", "GIT_COMMITTER_NAME=P", "GIT_COMMITTER_EMAIL=p@example.com",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// parts are names that git sorts otherwise than Go does where one is a directory.
var parts = []string{"a", "a.b", "a-b", "ab", "B", "ü", "x y", "a0", "sub"}

func randomPath(random *rand.Rand) string {
	list := make([]string, 1+random.IntN(4))
	for i := range list {
		list[i] = parts[random.IntN(len(parts))]
	}
	return strings.Join(list, "/")
}

func randomTree(random *rand.Rand) []gitserver.File {
	taken := map[string]bool{}
	list := []gitserver.File{{Path: "always", Data: "here"}}
	for range 30 {
		name := randomPath(random)
		if !free(taken, name) {
			continue
		}
		taken[name] = true
		mode := []string{"100644", "100644", "100755", "120000"}[random.IntN(4)]
		list = append(list, gitserver.File{Path: name, Mode: mode, Data: fmt.Sprint(random.IntN(5))})
	}
	return list
}

// free reports whether a file can be there: none is on its path, none below it.
func free(taken map[string]bool, name string) bool {
	for other := range taken {
		if other == name || strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/") {
			return false
		}
	}
	return true
}

func randomEdits(random *rand.Rand, now map[string]string) []git.File {
	taken, edited := map[string]bool{}, map[string]bool{}
	for name := range now {
		taken[name] = true
	}
	var list []git.File
	for _, name := range slices.Sorted(maps.Keys(now)) {
		switch link := strings.HasPrefix(now[name], "120000"); {
		case random.IntN(4) == 0:
			list = append(list, git.File{Path: name})
		case random.IntN(4) == 0 && !link:
			list = append(list, git.File{Path: name, After: fmt.Appendln(nil, random.IntN(5))})
		default:
			continue
		}
		edited[name] = true
	}
	for range 5 {
		if name := randomPath(random); free(taken, name) {
			taken[name] = true
			list = append(list, git.File{Path: name, After: fmt.Appendln(nil, random.IntN(5))})
		}
	}
	return list
}

// tryPush pushes with plain git, and reports whether it landed.
func tryPush(dir string) bool {
	cmd := exec.Command("git", "push", "-q", "origin", "HEAD:main")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C"}
	return cmd.Run() == nil
}
