package controller

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/reposecret"
	"github.com/assaydev/assay/test/envrepo"
	"github.com/assaydev/assay/test/forgefake"
	"github.com/assaydev/assay/test/gitserver"
)

// forged is a world whose repository is on GitHub, with commit statuses.
func forged(t *testing.T, tree envrepo.Files, token string) (*world, *forgefake.Forge) {
	t.Helper()
	var files []gitserver.File
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		files = append(files, gitserver.Files(map[string]string{name: tree[name]})...)
	}
	const login = "a-token-that-counts"
	server, err := gitserver.Start(gitserver.Options{Dir: t.TempDir(), User: "assay", Password: login})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	repo, err := server.Create("acme/envs")
	if err == nil {
		_, err = repo.Commit("main", "start", files...)
	}
	if err != nil {
		t.Fatal(err)
	}
	fake := forgefake.NewGitHub(forgefake.Options{Git: repo.Dir, Path: "acme/envs", Token: token})
	api := httptest.NewServer(fake)
	t.Cleanup(api.Close)
	w := newWorld(t, tree)
	w.repo, w.applications, w.opt.CommitStatus = repo, nil, true
	w.app("shop", "").Places[0].RepoURL = repo.URL
	w.login = reposecret.Settings{Secrets: []reposecret.Secret{{Name: "envs", Type: reposecret.Own, Data: map[string][]byte{
		"url": []byte(repo.URL), "username": []byte("assay"), "token": []byte(login), "forge": []byte("github"), "forgeAPI": []byte(api.URL),
	}}}}
	return w, fake
}

// shown are the statuses of the forge, as STATE of COMMIT.
func shown(fake *forgefake.Forge) []string {
	var out []string
	for _, s := range fake.Statuses() {
		out = append(out, s.Context+" "+s.State+" "+s.Commit)
	}
	return out
}

// TestCommitStatus: the candidate's commit has each status once, whatever becomes of the branch.
func TestCommitStatus(t *testing.T) {
	const of = "assay/prod "
	for name, test := range map[string]struct {
		then func(w *world)
		want []string // after pending, of the commit that set the first candidate unless another is named
		next bool
	}{
		"promoted":      {func(w *world) { w.judge("Complete") }, []string{"success"}, false},
		"rejected":      {func(w *world) { w.judge("Failed") }, []string{"failure"}, false},
		"withdrawn":     {func(w *world) { w.commit("README.md", "x"); w.remove("prod/candidate.yaml") }, []string{"failure"}, false},
		"others commit": {func(w *world) { w.commit("README.md", "x") }, nil, false},
		"tested anew": {func(w *world) {
			w.commit("prod/web.yaml", envrepo.Deployment("web")+"  minReadySeconds: 5\n")
			w.judge("Suspended")
		}, nil, false},
		"preempted": {func(w *world) {
			w.commit("prod/candidate.yaml", envrepo.Skip+envrepo.Marker("3.0.0"))
			w.judge("Suspended")
		}, []string{"failure"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w, fake := forged(t, push(), "a-token-that-counts")
			w.judge("Suspended")
			first := w.tip()
			w.conclude()
			w.conclude()
			test.then(w)
			second := w.tip()
			w.conclude()
			w.conclude()
			want := []string{of + "pending " + first}
			for _, state := range test.want {
				want = append(want, of+state+" "+first)
			}
			if test.next {
				want = append(want, of+"pending "+second)
			}
			if got := shown(fake); !slices.Equal(got, want) {
				t.Errorf("the forge has %q, want %q", got, want)
			}
		})
	}
}

// remove takes a file from main.
func (w *world) remove(name string) {
	w.t.Helper()
	if _, err := w.repo.Commit("main", "somebody's", gitserver.File{Path: name, Delete: true}); err != nil {
		w.t.Fatal(err)
	}
}

// TestCommitStatusOfAPullRequest: it is pending while it is open, and has the page of the pull request. The forge
// is not asked for it more often than in 5 minutes.
func TestCommitStatusOfAPullRequest(t *testing.T) {
	w, fake := forged(t, envrepo.Prod("method: pull-request"), "a-token-that-counts")
	w.judge("Complete")
	first := w.tip()
	for range 2 {
		if again := w.conclude(); again < 5*time.Minute || again > 6*time.Minute {
			t.Errorf("an open pull request is looked at again after %s", again)
		}
	}
	pulls := fake.Pulls()
	if len(pulls) != 1 {
		t.Fatalf("it has %d pull requests", len(pulls))
	}
	mustGit(w, "update-ref", "refs/heads/main", "refs/heads/"+pulls[0].Head)
	w.conclude()
	got := fake.Statuses()
	if len(got) != 2 || got[0].State != "pending" || got[0].Commit != first || got[0].Description != "promote: its pull request is open" || got[1].State != "success" || !strings.HasPrefix(got[1].Description, "promoted") {
		t.Errorf("the forge has %+v", got)
	}
}

// TestCommitStatusLater: a status that the forge did not take for want of an answer is given by the next look.
func TestCommitStatusLater(t *testing.T) {
	w, fake := forged(t, push(), "a-token-that-counts")
	w.judge("Suspended")
	first := w.tip()
	one := w.lives.get(w.key())
	s, _, err := w.reach(t.Context(), w.key(), w.firstSite())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	one.origin.Commit = first
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for _, ctx := range []context.Context{late, t.Context(), t.Context()} {
		w.status(ctx, s, one, Outcome{Outcome: decision.Hold, Reason: "it runs"})
	}
	if got := shown(fake); !slices.Equal(got, []string{"assay/prod pending " + first}) {
		t.Errorf("the forge has %q", got)
	}
}

// firstSite is that of the first Application.
func (w *world) firstSite() site {
	w.t.Helper()
	list, err := w.deploying(w.t.Context(), w.key())
	if err != nil || len(list) == 0 {
		w.t.Fatalf("%d sites, %v", len(list), err)
	}
	return list[0]
}

// TestCommitStatusIsRefused: a forge that refuses statuses keeps no promotion back, and is logged once
// for each state. Without the flag it is not asked.
func TestCommitStatusIsRefused(t *testing.T) {
	w, fake := forged(t, push(), "another-token")
	var log bytes.Buffer
	w.opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.judge("Suspended")
	w.conclude()
	w.conclude()
	w.judge("Complete")
	w.conclude()
	w.said("shop Held: ", "shop Promoted: ")
	if n := strings.Count(log.String(), "the commit of the candidate has no status"); n != 2 || len(fake.Statuses()) != 0 || strings.Contains(log.String(), "a-token") {
		t.Errorf("it is logged %d times, and the forge has %v: %s", n, fake.Statuses(), log.String())
	}
	w, fake = forged(t, push(), "a-token-that-counts")
	w.opt.CommitStatus = false
	w.judge("Complete")
	w.conclude()
	w.said("shop Promoted: ")
	if asked := fake.Requests(); slices.ContainsFunc(asked, func(r string) bool { return strings.Contains(r, "/statuses/") }) {
		t.Errorf("the forge was asked %q", asked)
	}
}
