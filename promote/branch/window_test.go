package branch

import (
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
)

const (
	always = `windows: [{schedule: "* * * * *", duration: 24h}]`
	never  = `windows: [{kind: deny, schedule: "* * * * *", duration: 24h}]`
)

// planned has the plan say something else of promotions.
func (s *site) planned(promotion string) {
	s.t.Helper()
	s.commit("main", envrepo.Files{"prod/assay.yaml": envrepo.Prod(promotion)["prod/assay.yaml"]})
}

// held runs a promotion by hand that the plan's windows hold.
func (s *site) held() {
	s.t.Helper()
	tip := s.tip("main")
	r := s.promote()
	if r.Outcome != decision.Hold || !r.Choice.Shut || r.ID == "" || r.Candidate != "2.0.0" || !strings.Contains(r.Reason, "spec.promotion.windows of the plan is closed") {
		s.t.Errorf("%s of %q: %s", r.Outcome, r.Candidate, r.Reason)
	}
	if s.tip("main") != tip {
		s.t.Error("it wrote")
	}
}

// TestWindowsOpenNoPull: outside of its windows no pull request is opened, and an open one is
// not merged; a rejection lands.
func TestWindowsOpenNoPull(t *testing.T) {
	eachForge(t, envrepo.Prod("merge: auto, "+never), func(t *testing.T, s *site) {
		s.held()
		if n := len(s.forge.Pulls()); n > 0 {
			t.Fatalf("%d pull requests", n)
		}
		s.planned("merge: auto, " + always)
		s.forge.Block(s.says(`Required status check "ci" is expected.`, "ci_still_running"))
		if r := s.promote(); r.Pull == nil || r.Pull.State != promote.Opened {
			t.Fatalf("%+v", r.Pull)
		}
		s.forge.Block("")
		s.planned("merge: auto, " + never)
		s.held()
		if p := s.one(); p.State != "open" && p.State != "opened" {
			t.Errorf("the pull request is %s", p.State)
		}
		s.planned("merge: auto, " + always)
		if r := s.promote(); r.Pull == nil || r.Pull.State != promote.Merged || r.Pull.Number != s.one().Number {
			t.Errorf("%+v", r.Pull)
		}
		s.lawful(1)
	})
}

// TestWindowsOfPushes: outside of its windows a promotion lands by a person's word alone, and
// once more is nothing to do.
func TestWindowsOfPushes(t *testing.T) {
	onGitHub(t, envrepo.Prod("method: push, "+never), func(t *testing.T, s *site) {
		s.held()
		r := s.decide(promote.OutsideWindows(promote.ByHand(decision.Promote, "a fix", "")))
		if r.Outcome != decision.Promote {
			t.Errorf("%s: %s", r.Outcome, r.Reason)
		}
		s.decided(decision.Promote)
		s.lawful(1)
		if r := s.promote(); r.Outcome != decision.None {
			t.Errorf("again: %s", r.Outcome)
		}
	})
}

func TestWindowsLetRejectionsLand(t *testing.T) {
	onGitHub(t, envrepo.Prod("method: push, "+never), func(t *testing.T, s *site) {
		if r := s.reject(); r.Outcome != decision.Reject {
			t.Errorf("%s: %s", r.Outcome, r.Reason)
		}
		s.lawful(1)
	})
}
