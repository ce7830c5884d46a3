package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/test/forgefake"
	"github.com/assaydev/assay/test/gitserver"
)

// small is the harness of all tests.
var small *harness

func TestMain(m *testing.M) {
	var err error
	opt := options{writers: 3, rounds: 4, kills: 4, moves: 3, seed: uint64(os.Getpid()), patience: 10 * time.Minute}
	if small, err = build(context.Background(), opt); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	small.close()
	os.Exit(code)
}

// TestFigures holds all figures, scaled down.
func TestFigures(t *testing.T) {
	for _, f := range figures {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r, err := f.measure(t.Context(), small)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.problems {
				t.Error(p)
			}
			t.Log(r.counts, r.detail)
		})
	}
}

// TestAccount holds histories that break a promise against the accountant: it
// must find each.
func TestAccount(t *testing.T) {
	web := func(tag string) gitserver.File {
		return gitserver.File{Path: "prod/web.yaml", Data: strings.Replace(environment("prod", "{}")["prod/web.yaml"], ":1.0.0", ":"+tag, 1)}
	}
	marker := gitserver.File{Path: "prod/candidate.yaml", Data: candidate("2.0.0")}
	gone := gitserver.File{Path: "prod/candidate.yaml", Delete: true}
	note := gitserver.File{Path: "notes/writer-1.yaml", Data: config("writer-1", 1)}
	for _, c := range []struct {
		name  string
		kind  decision.Outcome
		files []gitserver.File
		told  func(*write)
		want  string
	}{
		{"a promotion", decision.Promote, []gitserver.File{web("2.0.0"), gone}, nil, ""},
		{"another version", decision.Promote, []gitserver.File{web("3.0.0"), gone}, nil, "law 2: Deployment/web differs"},
		{"the marker stays", decision.Promote, []gitserver.File{web("2.0.0")}, nil, "the change changes nothing"},
		{"somebody's change is undone", decision.Promote, []gitserver.File{web("2.0.0"), gone, {Path: "prod/config.yaml", Data: config("config", 7)}}, nil, "law 2: ConfigMap/config differs"},
		{"a change outside", decision.Promote, []gitserver.File{web("2.0.0"), gone, note}, nil, "law 4: it changes A notes/writer-1.yaml"},
		{"another experiment", decision.Promote, []gitserver.File{web("2.0.0"), gone}, func(w *write) { w.experiment = "e000000000" }, "the writer was told of promote of e000000000"},
		{"a rejection", decision.Reject, []gitserver.File{gone}, nil, ""},
		{"a rejection that edits", decision.Reject, []gitserver.File{web("2.0.0"), gone}, nil, "law 3: Deployment/web differs"},
		{"a candidate", decision.Candidate, []gitserver.File{{Path: marker.Path, Data: candidate("3.0.0")}}, nil, "law 6"},
		{"a lost write", decision.Promote, []gitserver.File{web("2.0.0"), gone}, func(w *write) { w.commit = strings.Repeat("0", 12) }, "is in the history 0 times"},
		{"a write of nobody", decision.Promote, []gitserver.File{web("2.0.0"), gone}, func(w *write) { w.commit = strings.Repeat("0", 12) }, "nobody was told of it"},
		{"plain", plain, []gitserver.File{note}, nil, ""},
		{"plain, in more files", plain, []gitserver.File{note, web("2.0.0")}, nil, "and the writer notes/writer-1.yaml"},
		{"plain, of another content", plain, []gitserver.File{{Path: note.Path, Data: "other\n"}}, nil, "is not what the writer wrote"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := environment("prod", ways["push"])
			maps.Copy(tree, map[string]string{marker.Path: marker.Data})
			s, err := small.open(tree)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			start := tip(t, s)
			tested, err := s.render(t.Context(), start, "prod")
			if err != nil {
				t.Fatal(err)
			}
			w := write{kind: string(c.kind), file: note.Path, data: note.Data, experiment: tested.ID}
			message := "somebody's"
			if c.kind != plain {
				message = history.Record{Outcome: c.kind, Environment: spec.Environment{Dir: "prod"}, Experiment: w.experiment, Digest: tested.Digest}.Message("", "")
			}
			if w.commit, err = s.Commit("main", message, c.files...); err != nil {
				t.Fatal(err)
			}
			if c.told != nil {
				c.told(&w)
			}
			problems := account(t, s, start, w)
			if all := strings.Join(problems, "\n"); (all == "") != (c.want == "") || !strings.Contains(all, c.want) {
				t.Errorf("problems %q, want %q", all, c.want)
			}
		})
	}
}

// TestAccountOfAMerge holds a history that is not linear against it.
func TestAccountOfAMerge(t *testing.T) {
	s, err := small.open(environment("prod", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	start := tip(t, s)
	var list []write
	for i, name := range []string{"a", "b"} {
		commit, err := s.Git("commit-tree", "-p", start, "-m", name, start+"^{tree}")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, write{kind: plain, commit: commit, file: fmt.Sprint(i)})
	}
	merge, err := s.Git("commit-tree", "-p", list[0].commit, "-p", list[1].commit, "-m", "merge", start+"^{tree}")
	if err == nil {
		_, err = s.Git("update-ref", "refs/heads/main", merge)
	}
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, write{kind: plain, commit: merge})
	if all := strings.Join(account(t, s, start, list...), "\n"); strings.Count(all, "not linear") != 2 {
		t.Errorf("problems %q", all)
	}
}

// TestOnce holds what a second promotion would leave against the check of the
// kills.
func TestOnce(t *testing.T) {
	v, err := small.victim(t.Context(), "push")
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	if err := v.reset(); err != nil {
		t.Fatal(err)
	}
	wants(t, v.once(t.Context()), "0 commits more")
	promote := func(outcome decision.Outcome) {
		t.Helper()
		rec := history.Record{Outcome: outcome, Environment: spec.Environment{Dir: shopDir}, Experiment: v.id, Digest: v.digest}
		tree := environment(shopDir, ways["push"])
		web := strings.Replace(tree[path.Join(shopDir, "web.yaml")], ":1.0.0", ":2.0.0", 1)
		if _, err := v.Commit("main", rec.Message("", ""), gitserver.File{Path: path.Join(shopDir, "web.yaml"), Data: web},
			gitserver.File{Path: path.Join(shopDir, "candidate.yaml"), Delete: true}); err != nil {
			t.Fatal(err)
		}
	}
	promote(decision.Promote)
	wants(t, v.once(t.Context()), "")
	promote(decision.Promote)
	wants(t, v.once(t.Context()), "2 commits more")
	if _, err := v.Git("update-ref", "refs/heads/assay/prod/other", v.start); err != nil {
		t.Fatal(err)
	}
	wants(t, v.once(t.Context()), "the refs are")
}

// TestBetweenBranchAndPullRequest holds the gap that a random kill rarely meets.
func TestBetweenBranchAndPullRequest(t *testing.T) {
	v, err := small.victim(t.Context(), "pull-request")
	if err == nil {
		err = v.reset()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	v.forge.Load().Fail(forgefake.Fault{Method: http.MethodPost, Path: "/pulls", Status: http.StatusUnprocessableEntity, Body: `{"message": "Validation Failed"}`})
	for range 2 { // the second finds what the first has left
		p, err := v.promote(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if code := p.wait(); code != 1 {
			t.Fatalf("exit %d: %s", code, p.stderr.String())
		}
		p.orphans()
		wants(t, v.once(t.Context()), "there are 0 pull requests")
	}
	v.forge.Load().Recover()
	p, err := v.promote(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != 0 {
		t.Fatalf("exit %d: %s", code, p.stderr.String())
	}
	p.orphans()
	wants(t, v.once(t.Context()), "")
}

func wants(t *testing.T, err error, text string) {
	t.Helper()
	if (err == nil) != (text == "") || err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want %q", err, text)
	}
}

func tip(t *testing.T, s *site) string {
	t.Helper()
	id, err := s.Tip("main")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func account(t *testing.T, s *site, start string, all ...write) []string {
	t.Helper()
	ctx := context.Background()
	list, err := s.since(ctx, start, "main")
	if err != nil {
		t.Fatal(err)
	}
	problems, err := s.account(ctx, start, list, all)
	if err != nil {
		t.Fatal(err)
	}
	return problems
}
