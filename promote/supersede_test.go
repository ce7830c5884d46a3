package promote

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/assaydev/assay/test/gitserver"
)

// whileOpening runs f once, before the forge opens the first pull request.
func (s *site) whileOpening(f func()) {
	s.asked = func(r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/pulls") && !strings.HasSuffix(r.URL.Path, "/merge_requests") {
			return
		}
		s.asked = nil
		f()
	}
}

// TestSlowRun: while a pull request is opened, what is under test changes. The
// slow run closes its own one, and never that of what is under test by then.
func TestSlowRun(t *testing.T) {
	eachForge(t, prod(""), func(t *testing.T, s *site) {
		s.whileOpening(func() {
			s.commit("main", files{"prod/candidate.yaml": skip + markerText("3.0.0")})
			if r := s.promote(); r.Pull.State != Opened {
				t.Errorf("the fast run: %+v", r.Pull)
			}
		})
		if r := s.promote(); r.Pull.State != Outdated {
			t.Errorf("the slow run: %+v", r.Pull)
		}
		for _, p := range s.forge.Pulls() {
			if open := p.Head == "assay/prod/"+s.id(); open != (p.State == "open") || open == slices.Contains(p.Labels, supersededLabel) {
				t.Errorf("%s is %s: %v", p.Head, p.State, p.Labels)
			}
		}
	})
}

// TestWithdrawnWhileOpening: merging it would go through.
func TestWithdrawnWhileOpening(t *testing.T) {
	onGitHub(t, prod(""), func(t *testing.T, s *site) {
		s.whileOpening(func() { s.commit("main", files{"prod/candidate.yaml": ""}) })
		if r := s.promote(); r.Pull.State != Outdated || s.one().State != "closed" {
			t.Errorf("%+v: %+v", r.Pull, s.one())
		}
	})
}

// TestWhatDoesNotRenderStaysOpen: it may be mended, and is no other candidate.
func TestWhatDoesNotRenderStaysOpen(t *testing.T) {
	onGitHub(t, prod(""), func(t *testing.T, s *site) {
		s.whileOpening(func() { s.commit("main", files{"prod/web.yaml": "kind: [\n"}) })
		if r := s.promote(); r.Pull.State != Opened || s.one().State != "open" {
			t.Errorf("%+v: %+v", r.Pull, s.one())
		}
	})
}

// TestByHandMeansOneCandidate: who does not say which means the first that is
// found, on every tip.
func TestByHandMeansOneCandidate(t *testing.T) {
	for _, outcome := range []Outcome{Promote, Reject} {
		s := newSite(t, "", prod("method: push"))
		s.overHTTP()
		s.git.Inject(gitserver.DiscoverPush, 1, gitserver.Before(func() error {
			s.commit("main", files{"prod/candidate.yaml": skip + markerText("3.0.0")})
			return nil
		}))
		first := s.id()
		s.fails(ByHand(outcome, "why", ""), "under test is candidate 3.0.0", first)
		s.lawful(0)
	}
}
