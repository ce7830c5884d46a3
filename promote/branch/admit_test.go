package branch

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/envrepo"
)

// answer answers always alike.
func answer(waits bool) Ask {
	return func(context.Context, *render.Result) (bool, string, error) {
		return waits, "2 of 2 experiments run", nil
	}
}

func (s *site) admit(ask Ask) string {
	s.t.Helper()
	commit, err := s.process().Admit(s.t.Context(), ask)
	if err != nil {
		s.t.Fatal(err)
	}
	return commit
}

// TestAdmit: a candidate waits and runs by commits of their own, which change one line; a cluster that is
// rebuilt at any of them gets what that commit says, and no verdict counts meanwhile.
func TestAdmit(t *testing.T) {
	s := newSite(t, "", envrepo.Prod("method: push"))
	env := spec.Environment{Dir: "prod"}
	before, marker := s.rendered("main", env), s.content("main", "prod/candidate.yaml")
	if commit := s.admit(answer(false)); commit != "" {
		t.Errorf("what does not wait got the commit %s", commit)
	}
	if commit := s.admit(answer(true)); commit == "" || commit != s.tip("main") {
		t.Errorf("the commit is %q, and main %s", commit, s.tip("main"))
	}
	waits := s.rendered("main", env)
	envrepo.SameObjects(t, "what runs while it waits", before.Baseline, waits.Output())
	if waits.Digest != before.Digest || len(waits.Output()) == len(before.Output()) {
		t.Errorf("the digest is %s, want %s, of %d objects", waits.Digest, before.Digest, len(waits.Output()))
	}
	if files := s.run("diff", "--numstat", "main^", "main"); files != "1\t0\tprod/candidate.yaml" {
		t.Errorf("the commit changes %q", files)
	}
	if commit := s.admit(answer(true)); commit != "" {
		t.Errorf("what waits already got the commit %s", commit)
	}
	complete := envrepo.Concluded(waits.Digest, "Complete")
	if r := s.decide(promote.ByVerdict(promote.Saved(complete), "")); r.Outcome != decision.Hold || !strings.HasPrefix(r.Reason, promote.WaitsInGit) {
		t.Errorf("while it waits the verdict leads to %s: %s", r.Outcome, r.Reason)
	}
	s.admit(answer(false))
	envrepo.SameObjects(t, "what runs afterwards", before.Output(), s.rendered("main", env).Output())
	if got := s.content("main", "prod/candidate.yaml"); got != marker {
		t.Errorf("the marker is %q, want %q", got, marker)
	}
	list := s.decisions()
	if len(list) != 2 || list[0].Outcome != decision.Admit || list[1].Outcome != decision.Wait || list[1].Evidence != "2 of 2 experiments run" || list[0].Decides() || list[1].Decides() {
		t.Errorf("history tells %+v", list)
	}
	if r := s.decide(promote.ByVerdict(promote.Saved(complete), "")); r.Outcome != decision.Promote {
		t.Errorf("afterwards the verdict leads to %s: %s", r.Outcome, r.Reason)
	}
	s.lawful(3)
}

// TestAdmitIsAskedOnEachTip: what is under test by the time of the push is what was asked about.
func TestAdmitIsAskedOnEachTip(t *testing.T) {
	s := newSite(t, "", envrepo.Prod("method: push"))
	var asked []string
	commit := s.admit(func(_ context.Context, res *render.Result) (bool, string, error) {
		if res == nil {
			asked = append(asked, "")
			return true, "", nil
		}
		if asked = append(asked, res.Marker.Metadata.Name); len(asked) == 1 {
			s.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("3.0.0")})
		}
		return true, "", nil
	})
	if len(asked) != 2 || asked[0] != "2.0.0" || asked[1] != "3.0.0" || commit != s.tip("main") {
		t.Errorf("asked about %q, and the commit is %s", asked, commit)
	}
	s.commit("main", envrepo.Files{"prod/candidate.yaml": "a: [\n"})
	asked = nil
	tip := s.tip("main")
	if commit := s.admit(func(_ context.Context, res *render.Result) (bool, string, error) {
		if res != nil {
			t.Error("it is asked about what does not render")
		}
		return true, "", nil
	}); commit != "" || s.tip("main") != tip {
		t.Errorf("what does not render got the commit %s", commit)
	}
}

// TestWaitingIsNoTest: the time that a candidate has begins when it is let run.
func TestWaitingIsNoTest(t *testing.T) {
	first := envrepo.Skip + envrepo.Marker("2.0.0")
	waits := strings.Replace(first, "spec:\n", "spec:\n  waiting: true\n", 1)
	for name, c := range map[string]struct {
		commits []string
		want    int
	}{
		"it waited first":      {[]string{waits, first}, 1},
		"it waited in between": {[]string{first, waits, first}, 2},
		"it never waited":      {[]string{first, first + "# again\n"}, 0},
	} {
		s := newSite(t, "", based())
		for hour, text := range c.commits {
			s.commitAt(hour, envrepo.Files{"prod/candidate.yaml": text})
		}
		if at := s.underTestSince(100); !at.Equal(hourOf(c.want)) {
			t.Errorf("%s: it began at %v, want %v", name, at, hourOf(c.want))
		}
	}
	s := newSite(t, "", based())
	s.commitAt(0, envrepo.Files{"prod/candidate.yaml": waits})
	if at := s.underTestSince(100); !at.Equal(time.Time{}) {
		t.Errorf("what waits began at %v", at)
	}
}
