package branch

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
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
	eachForge(t, envrepo.Prod(""), func(t *testing.T, s *site) {
		s.whileOpening(func() {
			s.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("3.0.0")})
			if r := s.promote(); r.Pull.State != promote.Opened {
				t.Errorf("the fast run: %+v", r.Pull)
			}
		})
		if r := s.promote(); r.Pull.State != promote.Outdated {
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
	onGitHub(t, envrepo.Prod(""), func(t *testing.T, s *site) {
		s.whileOpening(func() { s.commit("main", envrepo.Files{"prod/candidate.yaml": ""}) })
		if r := s.promote(); r.Pull.State != promote.Outdated || s.one().State != "closed" {
			t.Errorf("%+v: %+v", r.Pull, s.one())
		}
	})
}

// TestWhatDoesNotRenderStaysOpen: it may be mended, and is not another candidate.
func TestWhatDoesNotRenderStaysOpen(t *testing.T) {
	onGitHub(t, envrepo.Prod(""), func(t *testing.T, s *site) {
		s.whileOpening(func() { s.commit("main", envrepo.Files{"prod/web.yaml": "kind: [\n"}) })
		if r := s.promote(); r.Pull.State != promote.Opened || s.one().State != "open" {
			t.Errorf("%+v: %+v", r.Pull, s.one())
		}
	})
}

// TestByHandMeansOneCandidate: a decision without an ID is bound to the first candidate
// found, on every tip, whether it renders or not.
func TestByHandMeansOneCandidate(t *testing.T) {
	good := func(tag string) string { return envrepo.Skip + envrepo.Marker(tag) }
	broken := func(tag string) string {
		return envrepo.Skip + envrepo.MarkerHead(tag) + "  images:\n  - name: example.com/shop/other\n    newTag: " + tag + "\n"
	}
	for name, c := range map[string]struct {
		outcome       decision.Outcome
		first, second string
		says          string
	}{
		"promoted":          {decision.Promote, good("2.0.0"), good("3.0.0"), "under test is candidate 3.0.0 ("},
		"rejected":          {decision.Reject, good("2.0.0"), good("3.0.0"), "under test is candidate 3.0.0 ("},
		"the first is bad":  {decision.Reject, broken("2.0.0"), good("3.0.0"), "under test is candidate 3.0.0 ("},
		"the second is bad": {decision.Reject, good("2.0.0"), broken("3.0.0"), "under test is candidate 3.0.0, not the one that was there first"},
		"both are bad":      {decision.Reject, broken("2.0.0"), broken("3.0.0"), "under test is candidate 3.0.0, not the one that was there first"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "", envrepo.Prod("method: push").With(envrepo.Files{"prod/candidate.yaml": c.first})).overHTTP()
			s.git.Inject(gitserver.DiscoverPush, 1, gitserver.Before(func() error {
				s.commit("main", envrepo.Files{"prod/candidate.yaml": c.second})
				return nil
			}))
			s.fails(promote.ByHand(c.outcome, "why", ""), c.says)
			if s.content("main", "prod/candidate.yaml")+"\n" != c.second {
				t.Error("the second one is gone")
			}
		})
	}
}

// TestVerdictOnTheMeantAlone: an ID beside a verdict.
func TestVerdictOnTheMeantAlone(t *testing.T) {
	s := newSite(t, "", envrepo.Prod("method: push"))
	verdict := promote.ByVerdict(promote.Saved(envrepo.Concluded(s.digest(), "Complete")), "")
	s.fails(promote.Meaning("e000000000", verdict), "under test is candidate 2.0.0 ("+s.id()+"), not e000000000")
	if r := s.decide(promote.Meaning(digest.Selector(s.id()), verdict)); r.Edit == nil {
		t.Errorf("%+v", r.Choice)
	}
}

// TestMergedWhileTidying: a person merges while the run looks for what to close.
func TestMergedWhileTidying(t *testing.T) {
	eachForge(t, envrepo.Prod(""), func(t *testing.T, s *site) {
		s.promote()
		s.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("3.0.0")})
		list := s.forge.Pulls()
		s.asked = func(r *http.Request) {
			// The list of open ones has been asked for; before it is closed, it is merged.
			if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/1") {
				return
			}
			s.asked = nil
			s.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("2.0.0")})
			s.merge(list[0], "merge")
		}
		s.promote()
		if p := s.forge.Pulls()[0]; p.State != "merged" || len(p.Labels) != 0 || len(p.Comments) != 0 {
			t.Errorf("%s: %v, %v", p.State, p.Labels, p.Comments)
		}
	})
}

// TestAdoptedByDigest: the branch of a pull request is named by an ID, which
// another candidate may have. What its head tells counts.
func TestAdoptedByDigest(t *testing.T) {
	for name, other := range map[string]func(digest.Digest) string{
		"another of its ID": func(d digest.Digest) string { return string(d[:12]) + strings.Repeat("0", 55) },
		"none":              func(digest.Digest) string { return "" },
		"of another format": func(d digest.Digest) string { return "v1:" + string(d[3:]) },
	} {
		t.Run(name, func(t *testing.T) {
			onGitHub(t, envrepo.Prod(""), func(_ *testing.T, s *site) {
				first := s.promote()
				head := s.one().Head
				message := strings.Replace(s.run("log", "-1", "--format=%B", first.Commit), string(s.digest()), other(s.digest()), 1)
				s.run("update-ref", "refs/heads/"+head, recommit(s, first.Commit+"^", first.Commit+"^{tree}", message))
				s.fails(promote.ByHand(decision.Promote, "why", ""), "holds commits that are not Assay's")
				s.lawful(0)
			})
		})
	}
}

// TestSupersededByDigest closes a pull request that is named like the one of what
// is under test, and tells of another experiment.
func TestSupersededByDigest(t *testing.T) {
	onGitHub(t, envrepo.Prod(""), func(t *testing.T, s *site) {
		first := s.promote()
		tested := s.digest()
		message := strings.Replace(s.run("log", "-1", "--format=%B", first.Commit), string(tested), string(tested[:12])+strings.Repeat("0", 55), 1)
		s.run("update-ref", "refs/heads/"+s.one().Head, recommit(s, first.Commit+"^", first.Commit+"^{tree}", message))
		s.process().closeSuperseded(t.Context(), spec.Environment{Dir: "prod"}, nil)
		if p := s.one(); p.State != "closed" || !slices.Contains(p.Labels, supersededLabel) {
			t.Errorf("%+v", p)
		}
	})
}

// TestTwoExperimentsOfOneID: people who give an ID must say which they mean where
// the branch tells of two.
func TestTwoExperimentsOfOneID(t *testing.T) {
	s := newSite(t, "", envrepo.Prod("method: push"))
	tested := s.digest()
	other := tested[:12] + digest.Digest(strings.Repeat("0", 55))
	rec := history.Record{Outcome: decision.Candidate, Environment: spec.Environment{Dir: "prod"}, Experiment: other.ID(), Digest: other}
	s.run("update-ref", "refs/heads/main", recommit(s, "main", "main^{tree}", rec.Message("Test it", "")))
	s.fails(promote.ByHand(decision.Promote, "why", digest.Selector(tested.ID())), string(tested), string(other), "name one of them by its digest")
	s.fails(promote.ByHand(decision.Promote, "why", digest.Selector(other[:40])), "under test is candidate 2.0.0")
	if r := s.decide(promote.ByHand(decision.Promote, "why", digest.Selector(tested[:40]))); r.Edit == nil {
		t.Errorf("%+v", r)
	}
}

// recommit is a commit of the forge's owner, with a message of its own.
func recommit(s *site, parent, tree, message string) string {
	s.t.Helper()
	out, err := s.repo.Git("-c", "user.name=P", "-c", "user.email=p@example.com", "commit-tree", "-p", parent, "-m", message, tree)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(out)
}
