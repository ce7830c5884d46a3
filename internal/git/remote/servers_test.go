package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/test/gitserver"
)

// edit is a step that reads a file and writes it.
func edit(name, more string) func(context.Context, Base) (*Change, error) {
	return func(_ context.Context, b Base) (*Change, error) {
		data, err := fs.ReadFile(b.Tree, name)
		return &Change{Files: []git.File{{Path: name, After: append(data, more...)}}, Message: "edit " + name + "\n"}, err
	}
}

func TestServersWithoutFilters(t *testing.T) {
	for name, setting := range map[string][2]string{
		"no filters":      {"uploadpack.allowFilter", "false"},
		"not this filter": {"uploadpackfilter.tree.allow", "false"},
	} {
		t.Run(name, func(t *testing.T) {
			server, repo := gitserver.Serve(t, shop...)
			if err := repo.Set(setting[0], setting[1]); err != nil {
				t.Fatal(err)
			}
			server.Inject(gitserver.Push, 1, gitserver.Before(func() error {
				_, err := repo.Commit("main", "else", gitserver.File{Path: "envs/cart/web.yaml", Data: "new"})
				return err
			}))
			var steps []string
			r := open(t, repo.URL, unhurried, func(o *Options) { o.Step = func(s string) { steps = append(steps, s) } })
			at := must(r.Update(limited(t), "main", edit("envs/shop/web.yaml", "!")))(t)
			now := files(t, repo)
			if at.Tries != 2 || now["envs/shop/web.yaml"] != "100644 old!" || now["envs/cart/web.yaml"] != "100644 new" {
				t.Errorf("%d tries, %v", at.Tries, now)
			}
			if told := strings.Contains(strings.Join(steps, "\n"), "uploadpack.allowFilter"); !told || !r.SendsEverything() {
				t.Errorf("the server sends everything: told %v, known %v", told, r.SendsEverything())
			}
			if n := server.Traffic().Requests[gitserver.Fetch]; n > 5 {
				t.Errorf("%d fetches of what is already here", n)
			}
			entries, shallow, err := r.Log(t.Context(), "main", 2)
			if err != nil || len(entries) != 2 || !shallow {
				t.Errorf("%d commits, shallow %v, %v", len(entries), shallow, err)
			}
			if landed := must(r.Landed(t.Context(), "main", at.Parent, at.Commit))(t); !landed {
				t.Error("what landed is not found")
			}
			line := must(r.FirstParents(t.Context(), "main", 10))(t)
			defer line.Close()
			if c, known, err := line.Changed(t.Context(), at.Commit, []string{"envs/shop/web.yaml"}); err != nil || !known || c.Commit != at.Commit {
				t.Errorf("web.yaml changed in %+v, %v", c, err)
			}
		})
	}
	_, repo := gitserver.Serve(t, shop...)
	r := open(t, repo.URL)
	must(r.Update(limited(t), "main", edit("envs/shop/web.yaml", "!")))(t)
	if r.SendsEverything() {
		t.Error("a server with filters counts as one without")
	}
}

func TestSHA256Repository(t *testing.T) {
	server, _ := gitserver.Serve(t)
	repo := must(server.Create("long", "--object-format=sha256"))(t)
	must(repo.Commit("main", "start", shop...))(t)
	r := open(t, repo.URL)
	at := must(r.Update(limited(t), "main", edit("envs/shop/web.yaml", "!")))(t)
	if got := files(t, repo)["envs/shop/web.yaml"]; got != "100644 old!" || len(at.Commit) != 64 {
		t.Errorf("%q, %+v", got, at)
	}
	if landed := must(r.Landed(t.Context(), "main", at.Parent, at.Commit))(t); !landed {
		t.Error("what landed is not found")
	}
	must(repo.Git("fsck", "--strict"))(t)
}

func TestOtherTransports(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	// As ssh, it runs the last argument on the other side.
	ssh := filepath.Join(t.TempDir(), "ssh")
	if err := os.WriteFile(ssh, []byte("#!/bin/sh\nfor last; do :; done\nGIT_PROTOCOL=version=2 exec sh -c \"$last\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for url, with := range map[string]func(*Options){
		"file://" + repo.Dir: func(*Options) {},
		repo.Dir:             func(*Options) {},
		"ssh://git@127.0.0.1" + repo.Dir: func(o *Options) {
			o.Access = func(context.Context) (git.Settings, error) {
				return git.Settings{Env: []string{"GIT_SSH_COMMAND=" + ssh, "GIT_SSH_VARIANT=ssh"}}, nil
			}
		},
	} {
		r := open(t, url, unhurried, with)
		at := must(r.Update(limited(t), "main", edit("envs/shop/web.yaml", "!")))(t)
		if now := must(repo.Tip("main"))(t); now != at.Commit || r.SendsEverything() {
			t.Errorf("%s: main is %s, landed %s", url, now, at.Commit)
		}
	}
	if got := files(t, repo)["envs/shop/web.yaml"]; got != "100644 old!!!" {
		t.Errorf("web.yaml is %q", got)
	}
}

// TestALargeFile is pushed in parts, as git does above a megabyte.
func TestALargeFile(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	r := open(t, repo.URL)
	data := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	must(r.Update(limited(t), "main", put("large", string(data))))(t)
	if got := files(t, repo)["large"]; len(got) < len(data) {
		t.Errorf("%d bytes arrived", len(got))
	}
}

func TestSignedCommits(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("no ssh-keygen")
	}
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public := strings.Fields(string(must(os.ReadFile(key + ".pub"))(t)))
	allowed := filepath.Join(t.TempDir(), "allowed")
	if err := os.WriteFile(allowed, []byte("a@example.com "+public[0]+" "+public[1]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, repo := gitserver.Serve(t, shop...)
	config := func(key string) func(*Options) {
		return func(o *Options) {
			o.Sign, o.Config = true, [][2]string{{"gpg.format", "ssh"}, {"user.signingKey", key}}
		}
	}
	must(open(t, repo.URL, config(key)).Update(limited(t), "main", put("a", "1")))(t)
	if got := must(repo.Git("-c", "gpg.ssh.allowedSignersFile="+allowed, "log", "-1", "--format=%G? %GS", "main"))(t); got != "G a@example.com" {
		t.Errorf("the signature is %q", got)
	}
	if _, err := open(t, repo.URL, config(key+"x")).Update(limited(t), "main", put("b", "1")); err == nil || !strings.Contains(err.Error(), "make commit") {
		t.Errorf("error %v", err)
	}
}

// TestABranchOnACommitThatNoRefNames is a pull request's branch on a base that
// has moved on: git does not see that the server has its files.
func TestABranchOnACommitThatNoRefNames(t *testing.T) {
	server, repo := gitserver.Serve(t, shop...)
	r := open(t, repo.URL)
	const head = "refs/heads/assay/shop/e123456789"
	server.Inject(gitserver.DiscoverPush, 1, gitserver.Before(func() error { _, err := repo.Advance("main"); return err }))
	step := func(ctx context.Context, b Base) (*Change, error) {
		c, err := edit("envs/shop/web.yaml", "!")(ctx, b)
		c.Ref = &Ref{Name: head}
		return c, err
	}
	at := must(r.Update(limited(t), "main", step))(t)
	if got := must(repo.Git("log", "--format=%H %P", "-1", head))(t); got != at.Commit+" "+at.Parent || at.Tries != 1 {
		t.Errorf("%s is %s, landed %+v", head, got, at)
	}
	must(repo.Git("fsck", "--strict"))(t)
}

// TestServerWithoutAtomicPushes gets what goes with the commit first, and the
// commit by a push of its own.
func TestServerWithoutAtomicPushes(t *testing.T) {
	const head, note = "refs/heads/assay/shop/e123456789", "refs/assay/outcomes/e123456789"
	for name, c := range map[string]struct {
		hook, refs string
	}{
		"both":                  {"", note + "\n" + head},
		"the commit is refused": {`case $1 in refs/heads/*) echo "not this one"; exit 1;; esac`, note},
		"the other is refused":  {`case $1 in refs/assay/*) echo "not this one"; exit 1;; esac`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, repo := gitserver.Serve(t, shop...)
			if err := repo.Set("receive.advertiseAtomic", "false"); err != nil {
				t.Fatal(err)
			}
			if err := repo.Hook("update", c.hook+"\necho $1 >>order"); err != nil {
				t.Fatal(err)
			}
			r := open(t, repo.URL, unhurried)
			at, err := r.Update(limited(t), "main", func(ctx context.Context, b Base) (*Change, error) {
				change, err := edit("envs/shop/web.yaml", "!")(ctx, b)
				change.Ref = &Ref{Name: head}
				change.Also = func(commit string) []Ref { return []Ref{{Name: note, New: commit}} }
				return change, err
			})
			var refused *RefusedError
			if c.hook == "" && (err != nil || at.Tries != 1) || c.hook != "" && (!errors.As(err, &refused) || !strings.HasPrefix(refused.Server, "not this one")) {
				t.Errorf("%+v, %v", at, err)
			}
			order, _ := os.ReadFile(filepath.Join(repo.Dir, "order"))
			if got := strings.TrimSpace(string(order)); got != c.refs {
				t.Errorf("there came\n%s", got)
			}
		})
	}
}

// TestCostIsThatOfThePath holds that 20,000 files cost as much as 100 where the
// directories on the path have as many entries, and that a push fetches nothing.
func TestCostIsThatOfThePath(t *testing.T) {
	cost := func(files, commits, branches int) gitserver.Traffic {
		var list []gitserver.File
		for i := range 10 {
			for j := range 10 {
				list = append(list, gitserver.File{Path: fmt.Sprintf("envs/e%d/f%d.yaml", i, j), Data: fmt.Sprintln("image: app:", i, j)})
			}
		}
		for i := range files - len(list) {
			list = append(list, gitserver.File{Path: fmt.Sprintf("other/d%d/e%d/f%d.yaml", i%20, i/20%20, i), Data: fmt.Sprintln("kind: Other", i)})
		}
		list = append(list, gitserver.File{Path: "other/README.md", Data: "others"})
		server, repo := gitserver.Serve(t, list...)
		for i := range commits {
			must(repo.Commit("main", fmt.Sprint("change ", i), gitserver.File{Path: "other/README.md", Data: fmt.Sprint(i)}))(t)
		}
		var refs strings.Builder
		for i := range branches {
			fmt.Fprintf(&refs, "create refs/heads/dependabot/%d refs/heads/main\n", i)
		}
		must(repo.GitWith(refs.String(), "update-ref", "--stdin"))(t)
		must(repo.Git("pack-refs", "--all"))(t)
		must(repo.Git("repack", "-q", "-a", "-d"))(t)
		r := open(t, repo.URL)
		server.Traffic()
		tip := must(r.Tip(t.Context(), "main"))(t)
		tree := must(r.Tree(t.Context(), tip))(t)
		defer func() { _ = tree.Close() }()
		for _, name := range []string{"envs/e3/f1.yaml", "envs/e3/f2.yaml", "envs/e3/f9.yaml"} {
			must(fs.ReadFile(tree, name))(t)
		}
		read := server.Traffic()
		commit := must(r.Commit(t.Context(), tip, []git.File{{Path: "envs/e3/f1.yaml", After: []byte("new")}, {Path: "envs/e4/f1.yaml", After: []byte("unread")}}, "edit"))(t)
		if made := server.Traffic(); made.Requests[gitserver.Fetch] != 1 {
			t.Errorf("a commit with one more directory took %v", made.Requests)
		}
		if err := r.Push(t.Context(), Ref{Name: "refs/heads/main", Expect: tip, New: commit}); err != nil {
			t.Fatal(err)
		}
		pushed := server.Traffic()
		if pushed.Total != 2 || pushed.Requests[gitserver.Push] != 1 || pushed.Requests[gitserver.DiscoverPush] != 1 {
			t.Errorf("the push took %v", pushed.Requests)
		}
		return read
	}
	small, large := cost(100, 2, 0), cost(20_000, 20, 200)
	t.Logf("reading 100 files: %d requests, %d bytes; 20,000 files: %d requests, %d bytes", small.Total, small.Sent, large.Total, large.Sent)
	if large.Total != small.Total {
		t.Errorf("%d requests, and %d for 100 files", large.Total, small.Total)
	}
	if float64(large.Sent) > 1.2*float64(small.Sent) {
		t.Errorf("%d bytes, and %d for 100 files", large.Sent, small.Sent)
	}
	// The tip, three directories and one directory's files.
	if small.Requests[gitserver.Fetch] != 5 {
		t.Errorf("reading took %v", small.Requests)
	}
}

// TestNoUpdateIsLost lets writers meet each other and plain git on one branch.
func TestNoUpdateIsLost(t *testing.T) {
	const writers, rounds = 4, 10
	server, repo := gitserver.Serve(t, append(shop, gitserver.File{Path: "log", Data: "start\n"})...)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			r, err := Open(t.Context(), Options{URL: repo.URL, Author: somebody, TempDir: t.TempDir()})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = r.Close() }()
			for i := range rounds {
				line := fmt.Sprintf("writer %d round %d\n", w, i)
				at, err := r.Update(limited(t), "main", edit("log", line))
				if err != nil || at.Commit == "" {
					t.Errorf("%s: %+v, %v", line, at, err)
				}
			}
		})
	}
	clone := t.TempDir()
	plain(t, clone, "clone", "-q", "-b", "main", repo.URL, ".")
	for i := range rounds {
		if err := os.WriteFile(filepath.Join(clone, "plain"), fmt.Append(nil, i), 0o644); err != nil {
			t.Fatal(err)
		}
		plain(t, clone, "add", "plain")
		plain(t, clone, "commit", "-q", "-m", fmt.Sprint("plain ", i))
		for pushed := false; !pushed; {
			plain(t, clone, "pull", "-q", "--rebase", "origin", "main")
			pushed = tryPush(clone)
		}
	}
	all.Wait()
	lines := strings.Split(strings.TrimSpace(strings.TrimPrefix(files(t, repo)["log"], "100644 ")), "\n")
	for w := range writers {
		for i := range rounds {
			if n := times(lines, fmt.Sprintf("writer %d round %d", w, i)); n != 1 {
				t.Errorf("writer %d round %d is there %d times", w, i, n)
			}
		}
	}
	if n := must(repo.Git("rev-list", "--count", "main"))(t); n != fmt.Sprint(1+writers*rounds+rounds) {
		t.Errorf("%s commits", n)
	}
	if merges := must(repo.Git("rev-list", "--merges", "main"))(t); merges != "" {
		t.Errorf("the history is not linear: %s", merges)
	}
	must(repo.Git("fsck", "--strict"))(t)
	t.Log(server.Traffic().Requests)
}

func times(list []string, want string) int {
	n := 0
	for _, s := range list {
		if s == want {
			n++
		}
	}
	return n
}

func TestATreeOfACommitThatIsNotThere(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	r := open(t, repo.URL)
	if _, err := r.Tree(t.Context(), strings.Repeat("1", 40)); !errors.Is(err, ErrNoCommit) {
		t.Errorf("error %v", err)
	}
}
