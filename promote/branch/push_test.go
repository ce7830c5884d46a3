package branch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
	"github.com/assaydev/assay/test/gitserver"
)

// TestPush decides on the server, by hand and on a verdict.
func TestPush(t *testing.T) {
	won := func(id digest.Digest) promote.Decider {
		return promote.ByVerdict(promote.Saved(envrepo.Concluded(id, "Complete")), "")
	}
	lost := func(id digest.Digest) promote.Decider {
		return promote.ByVerdict(promote.Saved(envrepo.Concluded(id, "Failed")), "")
	}
	byHand := func(o decision.Outcome) func(digest.Digest) promote.Decider {
		return func(digest.Digest) promote.Decider { return promote.ByHand(o, "why", "") }
	}
	for name, c := range map[string]struct {
		decide  func(id digest.Digest) promote.Decider
		outcome decision.Outcome
		engine  string
		version string
	}{
		"promote by hand": {byHand(decision.Promote), decision.Promote, history.ByHand, "2.0.0"},
		"promote":         {won, decision.Promote, "Job", "2.0.0"},
		"reject by hand":  {byHand(decision.Reject), decision.Reject, history.ByHand, "1.0.0"},
		"reject":          {lost, decision.Reject, "Job", "1.0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "", envrepo.Prod("method: push"))
			id := s.digest()
			r := s.decide(c.decide(id))
			if r.Commit != s.tip("main") || r.Pull != nil || r.Tries != 1 {
				t.Errorf("the result is %+v, and main is %s", r, s.tip("main"))
			}
			if got := s.content("main", "prod/web.yaml"); !strings.Contains(got, "web:"+c.version) {
				t.Errorf("the files have %s", got)
			}
			s.lawful(1)
			s.linear()
			if d := s.decisions()[0]; d.Outcome != c.outcome || d.Engine != c.engine || d.Digest != id {
				t.Errorf("the commit tells %+v", d)
			}
			again := s.decide(c.decide(id))
			if again.Edit != nil || again.Commit != "" || again.Earlier == nil || again.Earlier.Commit != r.Commit {
				t.Errorf("once more: %+v", again)
			}
			s.lawful(1)
		})
	}
}

// TestPushHold leaves what has no verdict.
func TestPushHold(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", envrepo.Prod("method: push"))
	before := s.tip("main")
	r := s.decide(promote.ByVerdict(promote.Saved(envrepo.Concluded(s.digest(), "Suspended")), ""))
	if r.Choice.Held != decision.Hold || s.tip("main") != before {
		t.Errorf("%+v", r.Choice)
	}
}

// TestPushOnABranchThatMoves: everything is decided anew on the new tip.
func TestPushOnABranchThatMoves(t *testing.T) {
	other := envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("3.0.0")}
	for name, c := range map[string]struct {
		moves envrepo.Files
		left  decision.Outcome
		says  string // an error
	}{
		"elsewhere":       {moves: envrepo.Files{"README.md": "more\n"}},
		"marker replaced": {moves: other, left: decision.Superseded},
		"marker gone":     {moves: envrepo.Files{"prod/candidate.yaml": ""}},
		"no ID":           {moves: other, says: "under test is candidate 3.0.0"},
	} {
		for stage, at := range map[string]gitserver.Stage{"before git looks": gitserver.DiscoverPush, "after": gitserver.Push} {
			t.Run(name+" "+stage, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, "", envrepo.Prod("method: push")).overHTTP()
				id := s.digest()
				s.git.Inject(at, 1, gitserver.Before(func() error { s.commit("main", c.moves); return nil }))
				decide := promote.ByVerdict(promote.Saved(envrepo.Concluded(id, "Complete")), "")
				if c.says != "" {
					s.fails(promote.ByHand(decision.Promote, "why", digest.Selector(id)), c.says)
					s.lawful(0)
					return
				}
				r := s.decide(decide)
				if r.Choice.Held != c.left {
					t.Errorf("left: %q", r.Choice.Held)
				}
				want := 0
				if name == "elsewhere" {
					want = 1
				}
				if r.Edit != nil && r.Tries != 2 {
					t.Errorf("%d tries", r.Tries)
				}
				s.lawful(want)
				s.linear()
			})
		}
	}
}

// TestPushWithoutAnswer: the server does it, and nobody hears.
func TestPushWithoutAnswer(t *testing.T) {
	for name, fault := range map[string]gitserver.Fault{
		"cut": gitserver.Cut(0), "cut within": gitserver.Cut(20), "a gateway's": gitserver.Gateway(504),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "", envrepo.Prod("method: push")).overHTTP()
			s.git.Inject(gitserver.Push, 1, fault)
			r := s.decide(promote.ByHand(decision.Promote, "why", ""))
			if n := s.run("rev-list", "--count", "main"); r.Commit != s.tip("main") || n != "2" {
				t.Errorf("the result is %s, main %s with %s commits", r.Commit, s.tip("main"), n)
			}
			s.lawful(1)
			s.linear()
		})
	}
}

// TestServerThatIsAway answers badly once at every stage: it is asked again.
func TestServerThatIsAway(t *testing.T) {
	for _, stage := range []gitserver.Stage{gitserver.DiscoverFetch, gitserver.ListRefs, gitserver.Fetch, gitserver.DiscoverPush, gitserver.Push} {
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "", envrepo.Prod("method: push")).overHTTP()
			s.git.Inject(stage, 2, gitserver.Status(503))
			s.promote()
			s.lawful(1)
			s.linear()
		})
	}
}

// TestRejectWhileTheServerIsAway: what could not be read is not taken for what
// does not render, and the rejection knows what it rejects.
func TestRejectWhileTheServerIsAway(t *testing.T) {
	s := newSite(t, "", envrepo.Prod("method: push")).overHTTP()
	id, dir := s.id(), s.run("rev-parse", "main:prod/experiment")
	failed := 0
	s.git.Watch(func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		if bytes.Contains(body, []byte("want "+dir)) && failed < 3 {
			failed++
			http.Error(w, "away", http.StatusInternalServerError)
			return
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		backend.ServeHTTP(w, req)
	})
	s.reject()
	if d := s.decisions()[0]; d.Experiment != id || failed != 3 {
		t.Errorf("the server failed %d times; rejected is %q, not %q", failed, d.Experiment, id)
	}
	s.lawful(1)
}

// TestDeadline ends with what was tried, and writes nothing.
func TestDeadline(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", envrepo.Prod("method: push")).overHTTP()
	ctx, cancel := context.WithCancel(t.Context())
	s.git.Inject(gitserver.Push, 1, gitserver.Before(func() error { cancel(); return errors.New("gone") }))
	_, err := s.process().Decide(ctx, promote.ByHand(decision.Promote, "why", ""))
	var gaveUp *remote.GaveUpError
	if !errors.As(err, &gaveUp) || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	s.lawful(0)
}

// TestQueue: a decision and the next one's start are one commit.
func TestQueue(t *testing.T) {
	for _, queue := range []string{"latest", "every"} {
		t.Run(queue, func(t *testing.T) {
			t.Parallel()
			tree := envrepo.Prod("method: push")
			tree["prod/assay.yaml"] = envrepo.Plan("queue: " + queue + "\n  promotion: {method: push}")
			tree["prod/candidate.yaml"] = envrepo.Skip + envrepo.Marker("2.0.0") + "---\n" + envrepo.Marker("3.0.0")
			s := newSite(t, "", tree)
			first := s.digest()
			s.fails(promote.ByHand(decision.Promote, "why", ""), "1 more wait", "you mean "+first.ID())
			s.lawful(0)
			r := s.decide(promote.ByHand(decision.Promote, "why", digest.Selector(first.ID())))
			if r.Edit.Waiting != 1 {
				t.Errorf("%d moved up", r.Edit.Waiting)
			}
			second := s.digest()
			if n := s.run("rev-list", "--count", "main"); n != "2" || second == first || second == "" {
				t.Errorf("%s commits, under test is %q after %q", n, second, first)
			}
			if left := s.decide(promote.ByVerdict(promote.Saved(envrepo.Concluded(first, "Complete")), "")).Choice.Held; left != decision.Superseded {
				t.Errorf("the first one's verdict once more: %q", left)
			}
			s.reject()
			if got := s.content("main", "prod/web.yaml"); !strings.Contains(got, "web:2.0.0") || s.content("main", "prod/candidate.yaml") != "" {
				t.Errorf("after both: %s", got)
			}
			s.lawful(2)
			s.linear()
		})
	}
}

// TestPlaces: paths and branches where there is no environment.
func TestPlaces(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", envrepo.Prod("method: push"))
	if _, err := s.repo.Commit("main", "a submodule", gitserver.File{Path: "vendor/shop", Mode: "160000", Data: s.tip("main")}); err != nil {
		t.Fatal(err)
	}
	for dir, says := range map[string]string{
		"prdo":             "prdo is not a directory of the branch",
		"prod/web.yaml":    "prod/web.yaml is a file of the branch",
		"vendor/shop":      "vendor/shop is a submodule",
		"vendor/shop/prod": "vendor/shop/prod is not a directory of the branch",
	} {
		s.dir = dir
		s.fails(promote.ByHand(decision.Promote, "why", ""), says)
	}
}
