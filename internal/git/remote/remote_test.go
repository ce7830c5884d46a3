package remote

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/test/gitserver"
)

var somebody = git.Identity{Name: "A", Email: "a@example.com"}

// open is a Remote for the URL that ends with the test.
func open(t *testing.T, url string, with ...func(*Options)) *Remote {
	t.Helper()
	opt := Options{URL: url, Author: somebody, TempDir: t.TempDir(), Env: []string{"PATH=" + os.Getenv("PATH")}}
	for _, f := range with {
		f(&opt)
	}
	r, err := Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// files are those of main on the server, from path to mode and content.
func files(t *testing.T, r *gitserver.Repo) map[string]string {
	t.Helper()
	all := map[string]string{}
	list := must(r.Git("ls-tree", "-r", "-z", "main"))(t)
	for record := range strings.SplitSeq(list, "\x00") {
		meta, name, found := strings.Cut(record, "\t")
		if !found {
			continue
		}
		fields := strings.Fields(meta)
		all[name] = fields[0] + " " + fields[2]
		if fields[1] == "blob" {
			all[name] = fields[0] + " " + must(r.Git("cat-file", "blob", fields[2]))(t)
		}
	}
	return all
}

var shop = gitserver.Files(map[string]string{
	"envs/shop/web.yaml": "old", "envs/shop/candidate.yaml": "marker", "envs/shop/charts/x/values.yaml": "a: 1", "envs/cart/web.yaml": "cart", "README.md": "hi",
})

func TestCommitLandsOnTheTip(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	r := open(t, repo.URL)
	tip := must(r.Tip(t.Context(), "main"))(t)
	if want := must(repo.Tip("main"))(t); tip != want {
		t.Fatalf("tip %s, want %s", tip, want)
	}
	tree := must(r.Tree(t.Context(), tip))(t)
	if data := must(fs.ReadFile(tree, "envs/shop/web.yaml"))(t); string(data) != "old" {
		t.Errorf("web.yaml is %q", data)
	}
	if err := tree.Close(); err != nil {
		t.Error(err)
	}
	commit := must(r.Commit(t.Context(), tip, []git.File{
		{Path: "envs/shop/web.yaml", After: []byte("new")},
		{Path: "envs/shop/candidate.yaml"},
		{Path: "next/env/candidate.yaml", After: []byte("marker")},
		{Path: "envs/shop/charts/x/values.yaml"},
	}, "Promote\n\nAssay-Outcome: promote\n"))(t)
	if err := r.Push(t.Context(), Ref{Name: "refs/heads/main", Expect: tip, New: commit}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"envs/shop/web.yaml": "100644 new", "next/env/candidate.yaml": "100644 marker", "envs/cart/web.yaml": "100644 cart", "README.md": "100644 hi"}
	if diff := cmp.Diff(want, files(t, repo)); diff != "" {
		t.Error(diff)
	}
	if who := must(repo.Git("log", "-1", "--format=%an <%ae> %cn|%P|%s|%(trailers:only,unfold)", "main"))(t); who != "A <a@example.com> A|"+tip+"|Promote|Assay-Outcome: promote" {
		t.Errorf("the commit is %s", who)
	}
	must(repo.Git("fsck", "--strict"))(t)
}

func TestPushOfAStaleTip(t *testing.T) {
	server, repo := gitserver.Serve(t, shop...)
	for name, stage := range map[string]gitserver.Stage{"seen by git": gitserver.DiscoverPush, "seen by the server": gitserver.Push} {
		t.Run(name, func(t *testing.T) {
			r := open(t, repo.URL)
			tip := must(r.Tip(t.Context(), "main"))(t)
			commit := must(r.Commit(t.Context(), tip, []git.File{{Path: "a", After: []byte(name)}}, "a"))(t)
			server.Inject(stage, 1, gitserver.Before(func() error { _, err := repo.Advance("main"); return err }))
			if err := r.Push(t.Context(), Ref{Name: "refs/heads/main", Expect: tip, New: commit}); !errors.Is(err, ErrStale) {
				t.Errorf("error %v", err)
			}
			if _, found := files(t, repo)["a"]; found {
				t.Error("it landed")
			}
		})
	}
}

func TestUpdateStartsOverFromTheNewTip(t *testing.T) {
	server, repo := gitserver.Serve(t, shop...)
	const times = 20
	server.Inject(gitserver.Push, times/2, gitserver.Before(func() error { _, err := repo.Advance("main"); return err }))
	server.Inject(gitserver.DiscoverPush, times/2, gitserver.Before(func() error { _, err := repo.Advance("main"); return err }))
	r := open(t, repo.URL, func(o *Options) { o.Random = func(int64) int64 { return 0 } })
	var tips []string
	at := must(r.Update(limited(t), "main", func(_ context.Context, b Base) (*Change, error) {
		tips = append(tips, b.Commit)
		data, err := fs.ReadFile(b.Tree, "envs/shop/web.yaml")
		return &Change{Files: []git.File{{Path: "envs/shop/web.yaml", After: append(data, '!')}}, Message: "edit"}, err
	}))(t)
	if at.Tries != times+1 || len(slices.Compact(tips)) != times+1 {
		t.Errorf("%d tries on %d tips", at.Tries, len(tips))
	}
	if got := files(t, repo)["envs/shop/web.yaml"]; got != "100644 old!" {
		t.Errorf("web.yaml is %q", got)
	}
	if tip := must(repo.Tip("main"))(t); tip != at.Commit || at.Parent != tips[times] {
		t.Errorf("main is %s, landed %+v", tip, at)
	}
}

func TestUpdateGivesUpAtTheDeadline(t *testing.T) {
	server, repo := gitserver.Serve(t, shop...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	moves := 0
	server.Inject(gitserver.DiscoverPush, 12, gitserver.Before(func() error {
		if moves++; moves == 12 {
			defer cancel()
		}
		_, err := repo.Advance("main")
		return err
	}))
	r := open(t, repo.URL, func(o *Options) { o.Random = func(int64) int64 { return 0 } })
	_, err := r.Update(ctx, "main", func(context.Context, Base) (*Change, error) {
		return &Change{Files: []git.File{{Path: "a", After: []byte("1")}}, Message: "a"}, nil
	})
	var gaveUp *GaveUpError
	if !errors.As(err, &gaveUp) || !errors.Is(err, context.Canceled) || gaveUp.Moved < 11 {
		t.Fatalf("error %v", err)
	}
	if !strings.Contains(err.Error(), "the branch main moved 1") {
		t.Errorf("error %v", err)
	}
}

// limited ends an Update that would try for ever.
func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
