package remote

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/test/gitserver"
)

func TestLog(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	for i := range 5 {
		must(repo.Commit("main", fmt.Sprintf("change %d\n\nAssay-Outcome: promote\n", i), gitserver.File{Path: "n", Data: fmt.Sprint(i)}))(t)
	}
	r := open(t, repo.URL)
	for n, want := range map[int]string{1: "change 4", 3: "change 4,change 3,change 2", 6: "change 4,change 3,change 2,change 1,change 0,start", 100: "change 4,change 3,change 2,change 1,change 0,start"} {
		entries, shallow, err := r.Log(t.Context(), "main", n)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Subject)
		}
		if strings.Join(got, ",") != want || shallow != (n < 6) {
			t.Errorf("the last %d: %q, shallow %v", n, got, shallow)
		}
		if diff := cmp.Diff([]string{"promote"}, entries[0].Trailers["Assay-Outcome"]); diff != "" {
			t.Error(diff)
		}
	}
	if _, _, err := r.Log(t.Context(), "nowhere", 3); !errors.Is(err, ErrNoBranch) {
		t.Errorf("error %v", err)
	}
}

// TestLogHasAMergesCommits holds that what a merged pull request brought is in
// the history, and no more than n.
func TestLogHasAMergesCommits(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	main, start := must(repo.Commit("main", "on main", gitserver.File{Path: "m", Data: "1"}))(t), must(repo.Git("rev-parse", "main~1"))(t)
	side := must(repo.Git("commit-tree", "-p", start, "-m", "on the side", start+"^{tree}"))(t)
	merge := must(repo.Git("commit-tree", "-p", main, "-p", side, "-m", "merge", main+"^{tree}"))(t)
	must(repo.Git("update-ref", "refs/heads/main", merge))(t)
	r := open(t, repo.URL)
	all, shallow, err := r.Log(t.Context(), "main", 10)
	if err != nil || len(all) != 4 || shallow || all[0].ID != merge {
		t.Errorf("%d commits, shallow %v, %v", len(all), shallow, err)
	}
	some, shallow, err := r.Log(t.Context(), "main", 2)
	if err != nil || len(some) != 2 || !shallow {
		t.Errorf("%d commits, shallow %v, %v", len(some), shallow, err)
	}
}

func TestLanded(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	start := must(repo.Tip("main"))(t)
	ours := must(repo.Advance("main"))(t)
	lost := must(repo.Git("commit-tree", "-p", start, "-m", "never pushed", start+"^{tree}"))(t)
	r := open(t, repo.URL)
	check := func(commit string, want bool) {
		t.Helper()
		if got := must(r.Landed(t.Context(), "main", start, commit))(t); got != want {
			t.Errorf("landed %v, want %v", got, want)
		}
	}
	check(ours, true)
	check(lost, false)
	for range 5 {
		must(repo.Advance("main"))(t)
	}
	must(r.Tip(t.Context(), "main"))(t) // what is shallow here must not hide what came before
	check(ours, true)
	check(lost, false)

	must(repo.Git("update-ref", "refs/heads/main", lost))(t)
	check(ours, false)
	other := must(repo.Git("commit-tree", "-m", "another world", start+"^{tree}"))(t)
	must(repo.Git("update-ref", "refs/heads/main", other))(t)
	if _, err := r.Landed(t.Context(), "main", start, ours); !errors.Is(err, ErrRewritten) {
		t.Errorf("error %v", err)
	}
	if _, err := r.Landed(t.Context(), "main", strings.Repeat("1", 40), ours); !errors.Is(err, ErrRewritten) {
		t.Errorf("error %v", err)
	}
}

func TestChanged(t *testing.T) {
	server, repo := gitserver.Serve(t, shop...)
	times := map[string]int64{}
	commit := func(message, name, data string) {
		t.Helper()
		id := must(repo.Commit("main", message, gitserver.File{Path: name, Data: data, Delete: data == ""}))(t)
		// The time of each commit is its own, an hour after the last one's.
		parent, tree := must(repo.Git("rev-parse", id+"^"))(t), must(repo.Git("rev-parse", id+"^{tree}"))(t)
		seconds := 1700000000 + int64(len(times))*3600
		times[message] = seconds
		id = must(repo.GitIn([]string{fmt.Sprintf("GIT_COMMITTER_DATE=%d +0000", seconds)}, "commit-tree", "-p", parent, "-m", message, tree))(t)
		must(repo.Git("update-ref", "refs/heads/main", id))(t)
	}
	commit("marker set", "envs/shop/candidate.yaml", "v2")
	commit("marker gone", "envs/shop/candidate.yaml", "")
	commit("marker again", "envs/shop/candidate.yaml", "v2")
	for i := range 30 {
		commit(fmt.Sprint("other ", i), "envs/cart/web.yaml", fmt.Sprint(i))
	}
	r := open(t, repo.URL)
	tip := must(repo.Tip("main"))(t)
	changed := func(n int, from string, names ...string) (git.Change, bool) {
		t.Helper()
		line := must(r.FirstParents(t.Context(), "main", n))(t)
		defer line.Close()
		change, known, err := line.Changed(t.Context(), from, names)
		if err != nil {
			t.Fatal(err)
		}
		return change, known
	}
	server.Traffic()
	for name, want := range map[string]string{
		"envs/shop/candidate.yaml": "marker again", "envs/shop": "marker again", "envs/cart/web.yaml": "other 29", "envs": "other 29", ".": "other 29",
	} {
		if at, _ := changed(100, tip, name); at.Time.Unix() != times[want] {
			t.Errorf("%s changed at %v, want %v", name, at.Time.Unix(), times[want])
		}
	}
	if n := server.Traffic().Requests[gitserver.Fetch]; n > 5*(1+3*3) {
		t.Errorf("%d fetches: one for each level and part of the history is enough", n)
	}
	// From an earlier commit, and of several paths: the newest change counts.
	marker, _ := changed(100, tip, "envs/shop/candidate.yaml")
	if at, _ := changed(100, marker.Parent, "envs/shop/candidate.yaml", "README.md"); at.Time.Unix() != times["marker gone"] {
		t.Errorf("before the marker it changed at %v, want %v", at.Time.Unix(), times["marker gone"])
	}
	if at, _ := changed(100, tip, "envs/shop/candidate.yaml", "envs/cart"); at.Time.Unix() != times["other 29"] {
		t.Errorf("one of two changed at %v, want %v", at.Time.Unix(), times["other 29"])
	}
	// In a part of the history: of the marker, set 30 commits ago, the 31st tells.
	for n, want := range map[int]bool{20: false, 30: false, 31: true} {
		if at, known := changed(n, tip, "envs/shop/candidate.yaml"); known != want {
			t.Errorf("in the last %d it changed at %v", n, at.Time)
		}
	}
	if _, known := changed(100, strings.Repeat("1", 40), "envs"); known {
		t.Error("a commit that is not on the branch has a change")
	}
	// What was there from the first commit changed with it.
	if at, known := changed(100, tip, "README.md"); !known || at.Parent != "" || at.Time.IsZero() {
		t.Errorf("README.md: %+v", at)
	}
}

func TestResolve(t *testing.T) {
	server, repo := gitserver.Serve(t, shop...)
	main := must(repo.Tip("main"))(t)
	other := must(repo.Commit("other", "another", shop...))(t)
	for _, args := range [][]string{
		{"tag", "plain", "main"},
		{"tag", "-a", "-m", "x", "annotated", "main"},
		{"tag", "-a", "-m", "x", "twice", "annotated"},
		{"tag", "both", "main"},
		{"branch", "both", "other"},
		{"tag", "blob", "main:README.md"},
		{"tag", "v/1.0", "main"},
		{"update-ref", "refs/pull/7/head", "other"},
	} {
		must(repo.Git(args...))(t)
	}
	tag := must(repo.Git("rev-parse", "annotated"))(t)
	for name, want := range map[string]string{
		"main": main, "other": other, "plain": main, "annotated": main, "twice": main, "v/1.0": main,
		"both": other, "refs/tags/both": main, "refs/heads/main": main, "refs/pull/7/head": other,
		main: main, other: other, tag: main,
	} {
		if got, err := open(t, repo.URL).Resolve(t.Context(), name); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", name, got, err, want)
		}
	}
	for name, c := range map[string]struct {
		is   error
		says string
	}{
		"mian":                      {ErrNoBranch, "branch mian: no such branch; there are: main, "},
		main[:12]:                   {ErrNoBranch, "a commit is named by its full id"},
		"HEAD":                      {ErrNoBranch, "no such tag either"},
		"refs/pull/8/head":          {nil, "refs/pull/8/head: the server has no such ref"},
		strings.Repeat("0123", 10):  {ErrNoCommit, "012301230123: the server does not have the commit"},
		"blob":                      {nil, "blob is not a commit"},
		"a b":                       {nil, `"a b" is not a name`},
		"refs/heads/*":              {nil, `"refs/heads/*" is not a name`},
		"+main":                     {ErrNoBranch, "no such tag either"},
		"main:refs/heads/elsewhere": {nil, "is not a name"},
	} {
		_, err := open(t, repo.URL).Resolve(t.Context(), name)
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	server.Inject(gitserver.Fetch, 1, gitserver.Status(503))
	var away *UnavailableError
	if _, err := open(t, repo.URL).Resolve(t.Context(), "plain"); !errors.As(err, &away) {
		t.Errorf("error %v", err)
	}
}

func TestRefs(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	r := open(t, repo.URL)
	if refs := must(r.Refs(t.Context(), "refs/assay/"))(t); len(refs) != 0 {
		t.Errorf("refs %v", refs)
	}
	tip := must(r.Tip(t.Context(), "main"))(t)
	outcome := must(r.Commit(t.Context(), tip, []git.File{{Path: "a", After: []byte("1")}}, "Promote\n\nAssay-Outcome: promote\n"))(t)
	moves := []Ref{{Name: "refs/heads/main", Expect: tip, New: outcome}, {Name: "refs/assay/outcomes/a", New: outcome}}
	if err := r.Push(t.Context(), moves...); err != nil {
		t.Fatal(err)
	}
	if err := r.Push(t.Context(), moves...); err != nil {
		t.Errorf("the same again: %v", err)
	}
	other := open(t, repo.URL)
	want := map[string]string{"refs/assay/outcomes/a": outcome}
	if diff := cmp.Diff(want, must(other.Refs(t.Context(), "refs/assay/"))(t)); diff != "" {
		t.Error(diff)
	}
	entries := must(other.Entries(t.Context(), outcome, tip))(t)
	if len(entries) != 2 || entries[0].Trailers["Assay-Outcome"][0] != "promote" || entries[1].Subject != "start" {
		t.Errorf("entries %+v", entries)
	}
	// All or nothing: a ref that is stale keeps the others where they are.
	next := must(r.Commit(t.Context(), outcome, []git.File{{Path: "a", After: []byte("2")}}, "b"))(t)
	err := r.Push(t.Context(), Ref{Name: "refs/heads/main", Expect: outcome, New: next}, Ref{Name: "refs/assay/outcomes/a", New: next})
	if !errors.Is(err, ErrStale) {
		t.Errorf("error %v", err)
	}
	if now := must(repo.Tip("main"))(t); now != outcome {
		t.Errorf("main moved to %s", now)
	}
	if err := r.Push(t.Context(), Ref{Name: "refs/assay/outcomes/a", Expect: tip}); !errors.Is(err, ErrStale) {
		t.Errorf("deleted, though it had moved: %v", err)
	}
	if err := r.Push(t.Context(), Ref{Name: "refs/assay/outcomes/a", Expect: outcome}); err != nil {
		t.Error(err)
	}
	if refs := must(other.Refs(t.Context(), "refs/assay/"))(t); len(refs) != 0 {
		t.Errorf("refs %v", refs)
	}
	if err := r.Push(t.Context(), Ref{Name: "refs/assay/outcomes/a", Expect: outcome}); err != nil {
		t.Errorf("deleted again: %v", err)
	}
	if err := r.Push(t.Context()); err == nil {
		t.Error("a push of nothing is left to git")
	}
	for _, bad := range []Ref{{}, {Name: "main", New: tip}, {Name: "refs/heads/x"}} {
		if err := r.Push(t.Context(), bad); err == nil {
			t.Errorf("%+v is pushed", bad)
		}
	}
}

// TestNoteOnceMore: a note that this process has read, and that is made again.
func TestNoteOnceMore(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	r := open(t, repo.URL)
	note := must(r.Note(t.Context(), "told\n"))(t)
	const name = "refs/assay/note"
	push := func(r *Remote, ref Ref) {
		t.Helper()
		if err := r.Push(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
	}
	push(r, Ref{Name: name, New: note})
	other := open(t, repo.URL)
	if refs := must(other.Refs(t.Context(), "refs/assay/"))(t); refs[name] != note {
		t.Fatalf("the refs are %v", refs)
	}
	if entries, err := other.Entries(t.Context(), note); err != nil || len(entries) != 1 || entries[0].Subject != "told" {
		t.Fatalf("%+v, %v", entries, err)
	}
	push(other, Ref{Name: name, Expect: note})
	push(other, Ref{Name: name, New: note})
}

func TestBase(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	start := must(repo.Git("rev-parse", "main"))(t)
	for i := range 3 {
		must(repo.Commit("main", fmt.Sprintf("change %d", i), gitserver.File{Path: "n", Data: fmt.Sprint(i)}))(t)
	}
	side := must(repo.Git("commit-tree", "-p", start, "-m", "on the side", start+"^{tree}"))(t)
	must(repo.Git("update-ref", "refs/heads/side", side))(t)
	alone := must(repo.Git("commit-tree", "-m", "of nothing", start+"^{tree}"))(t)
	must(repo.Git("update-ref", "refs/heads/alone", alone))(t)
	r := open(t, repo.URL)
	tip := must(repo.Git("rev-parse", "main"))(t)
	for _, test := range []struct {
		commit string
		n      int
		want   string
	}{
		{side, 10, start},
		{tip, 10, tip},
		{start, 10, start},
		{side, 1, ""}, // further back than is looked
		{alone, 10, ""},
	} {
		if got, err := r.Base(t.Context(), "main", test.commit, test.n); err != nil || got != test.want {
			t.Errorf("main and %s within %d: %q, want %q: %v", test.commit, test.n, got, test.want, err)
		}
	}
}
