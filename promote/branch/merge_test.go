package branch

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
	"github.com/assaydev/assay/test/forgefake"
	"github.com/assaydev/assay/test/gitserver"
)

// merge merges as a person does on the forge's page.
func (s *site) merge(p forgefake.Pull, method string) string {
	s.t.Helper()
	return s.mergeAs(p, forge.Merge{HeadSHA: s.tip(p.Head), Method: forge.Method(method), Title: "Merged by hand"})
}

func (s *site) mergeAs(p forgefake.Pull, m forge.Merge) string {
	s.t.Helper()
	client := s.process().Forge
	for {
		sha, err := client.Merge(s.t.Context(), p.Number, m)
		if err == nil {
			return sha
		}
		if !strings.Contains(err.Error(), "try again") {
			s.t.Fatal(err)
		}
	}
}

// TestMergedByAPerson: the decision is in the history, whatever the forge makes
// of the commit's message.
func TestMergedByAPerson(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			eachForge(t, envrepo.Prod(""), func(t *testing.T, s *site) {
				if method == "rebase" && s.kind == forge.GitLab {
					return // a setting of the project there
				}
				id := s.id()
				s.promote()
				s.commit("main", envrepo.Files{"README.md": "later\n"})
				sha := s.merge(s.one(), method)
				s.commit("main", envrepo.Files{"README.md": "still later\n"})
				s.decided(decision.Promote)
				s.lawful(1)
				d := s.decisions()[0]
				if d.Experiment != id || d.Commit != sha {
					t.Errorf("the history tells %+v, merged was %s", d, sha)
				}
				if !strings.Contains(s.content("main", "prod/web.yaml"), "web:2.0.0") {
					t.Error("it is not promoted")
				}
			})
		})
	}
}

// TestDescriptionInTheMessage: a forge may copy the description, trailers and
// all, into the message of its commit. The decision is told once.
func TestDescriptionInTheMessage(t *testing.T) {
	for _, method := range []forge.Method{forge.MethodMerge, forge.MethodSquash} {
		for _, promotion := range []string{"merge: manual", "merge: auto"} {
			t.Run(string(method)+" "+promotion, func(t *testing.T) {
				eachForge(t, envrepo.Prod(promotion), func(t *testing.T, s *site) {
					s.method = method
					s.forge.CopyDescriptions()
					r := s.promote()
					if promotion == "merge: manual" {
						r.Commit = s.mergeAs(s.one(), forge.Merge{HeadSHA: s.tip(s.one().Head), Method: method})
					}
					if said := s.run("log", "-1", "--format=%B", "main"); !strings.Contains(said, "Assay-Outcome: promote") {
						t.Fatalf("the commit says\n%s", said)
					}
					s.decided(decision.Promote)
					s.lawful(1)
					if d := s.decisions()[0]; d.Commit != r.Commit || d.Commit != s.tip("main") {
						t.Errorf("the history tells of %s, and %s is on the branch", d.Commit, r.Commit)
					}
				})
			})
		}
	}
}

// TestMergeAuto merges what was proven, by each method.
func TestMergeAuto(t *testing.T) {
	for _, method := range []forge.Method{forge.MethodMerge, forge.MethodSquash, forge.MethodRebase} {
		t.Run(string(method), func(t *testing.T) {
			eachForge(t, envrepo.Prod("merge: auto"), func(t *testing.T, s *site) {
				if method == forge.MethodRebase && s.kind == forge.GitLab {
					return // a setting of the project there
				}
				s.method = method
				r := s.promote()
				if r.Pull.State != promote.Merged || r.Commit != s.tip("main") || s.one().State != "merged" {
					t.Fatalf("%+v at %s, notes %q", r.Pull, r.Commit, s.notes)
				}
				s.concluded()
				s.decided(decision.Promote)
				s.lawful(1)
				if d := s.decisions()[0]; d.Commit != r.Commit {
					t.Errorf("the history tells of %s, and the result is %s", d.Commit, r.Commit)
				}
			})
		})
	}
}

// TestMergeAutoMustWait leaves it open while rules stand against it.
func TestMergeAutoMustWait(t *testing.T) {
	eachForge(t, envrepo.Prod("merge: auto"), func(t *testing.T, s *site) {
		s.forge.Block(s.says(`Required status check "ci" is expected.`, "ci_still_running"))
		r := s.promote()
		if r.Pull.State != promote.Opened || len(s.notes) != 1 || !strings.Contains(s.notes[0], "not merged yet") {
			t.Errorf("%+v, notes %q", r.Pull, s.notes)
		}
		s.lawful(0)
		s.forge.Block("")
		if r := s.promote(); r.Pull.State != promote.Merged || r.Pull.Number != 1 {
			t.Errorf("%+v", r.Pull)
		}
		s.decided(decision.Promote)
		s.lawful(1)
	})
}

// TestMergeAutoOnAnotherBase: the base moves while the forge merges.
func TestMergeAutoOnAnotherBase(t *testing.T) {
	web := envrepo.Deployment("web")
	for name, c := range map[string]struct {
		moves envrepo.Files
		left  decision.Outcome
	}{
		"elsewhere":         {moves: envrepo.Files{"README.md": "more\n"}},
		"in the file":       {moves: envrepo.Files{"prod/web.yaml": strings.Replace(web, "# the version", "# what is served", 1)}},
		"the marker's name": {moves: envrepo.Files{"prod/candidate.yaml": envrepo.Skip + strings.Replace(envrepo.Marker("2.0.0"), "name: 2.0.0", "name: two", 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			eachForge(t, envrepo.Prod("merge: auto"), func(t *testing.T, s *site) {
				s.forge.DuringMerge(func() { s.commit("main", c.moves) })
				r := s.promote()
				if r.Pull == nil || r.Pull.State != promote.Merged {
					t.Fatalf("%+v, notes %q", r.Pull, s.notes)
				}
				s.one()
				s.concluded()
				s.lawful(1)
				for file, text := range c.moves {
					if file == "README.md" && s.content("main", file)+"\n" != text {
						t.Errorf("%s is lost", file)
					}
				}
			})
		})
	}
}

// TestMergeAutoOfAReplacedCandidate: another one comes while the forge merges.
func TestMergeAutoOfAReplacedCandidate(t *testing.T) {
	eachForge(t, envrepo.Prod("merge: auto"), func(t *testing.T, s *site) {
		decide := promote.ByVerdict(promote.Saved(envrepo.Concluded(s.digest(), "Complete")), "")
		s.forge.DuringMerge(func() { s.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("3.0.0")}) })
		r := s.decide(decide)
		if r.Choice.Held != decision.Superseded || s.one().State != "closed" || !slices.Contains(s.one().Labels, supersededLabel) {
			t.Errorf("%+v, the pull request is %+v", r.Choice, s.one())
		}
		s.lawful(0)
	})
}

// TestMergeOfSomethingElse: what the forge did is not what was proven.
func TestMergeOfSomethingElse(t *testing.T) {
	for name, c := range map[string]struct{ moves envrepo.Files }{
		// Git merges it, since other lines are edited; it was never rendered.
		"a base with other content": {moves: envrepo.Files{"prod/web.yaml": strings.Replace(envrepo.Deployment("web"), "kind: Deployment\n", "kind: Deployment\n# by hand\n", 1)}},
		"a base that tests another": {moves: envrepo.Files{"prod/experiment/check.yaml": strings.Replace(envrepo.CheckJob, "check:1", "check:2", 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			eachForge(t, envrepo.Prod("merge: auto"), func(t *testing.T, s *site) {
				s.asked = func(r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/merge") {
						s.asked = nil
						s.commit("main", c.moves)
					}
				}
				if name == "a base with other content" {
					r := s.promote() // the same edit on other bytes is proven after all
					if r.Pull.State != promote.Merged {
						t.Errorf("%+v", r.Pull)
					}
					s.lawful(1)
					return
				}
				s.fails(promote.ByHand(decision.Promote, "why", ""), "which is not what was proven", "assay revert")
			})
		})
	}
}

// TestMergedLongAgo: the same candidate comes back, and its old branch is there.
func TestMergedLongAgo(t *testing.T) {
	eachForge(t, envrepo.Prod(""), func(t *testing.T, s *site) {
		before := envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("2.0.0"), "prod/web.yaml": envrepo.Deployment("web")}
		first := s.promote()
		s.merge(s.one(), "merge")
		s.commit("main", before) // by hand, as if nothing had been
		r := s.promote()
		if r.Pull.State != promote.Opened || r.Pull.Number != 2 || r.Commit == first.Commit {
			t.Fatalf("%+v at %s", r.Pull, r.Commit)
		}
		s.merge(s.forge.Pulls()[1], "merge")
		s.decided(decision.Promote)
		s.lawful(2)
	})
}

// TestMergedMeanwhile: a person merges between the push of the branch and the
// opening of a second pull request.
func TestMergedMeanwhile(t *testing.T) {
	eachForge(t, envrepo.Prod(""), func(t *testing.T, s *site) {
		s.overHTTP()
		s.git.Inject(gitserver.Push, 1, gitserver.Fault(func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
			backend.ServeHTTP(w, req)
			s.run("update-ref", "refs/heads/main", "refs/heads/assay/prod/"+s.id())
		}))
		r := s.promote()
		if r.Edit != nil || len(s.forge.Pulls()) != 0 || r.Earlier == nil {
			t.Errorf("%+v", r)
		}
		s.lawful(1)
	})
}
