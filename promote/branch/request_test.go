package branch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
	"github.com/assaydev/assay/test/forgefake"
	"github.com/assaydev/assay/test/gitserver"
)

// says is one of two, by the forge.
func (s *site) says(github, gitlab string) string {
	if s.kind == forge.GitLab {
		return gitlab
	}
	return github
}

func TestPullRequest(t *testing.T) {
	eachForge(t, envrepo.Prod("title: Deploy it"), func(t *testing.T, s *site) {
		id, main := s.id(), s.tip("main")
		r := s.promote()
		if r.Pull == nil || r.Pull.State != promote.Opened || r.Commit != s.tip("assay/prod/"+id) {
			t.Fatalf("the result is %+v with %+v", r, r.Pull)
		}
		p := s.one()
		if p.Title != "Deploy it" || p.Base != "main" || p.Head != "assay/prod/"+id || !strings.Contains(p.Body, "looks good") || !strings.Contains(p.Body, main[:12]) ||
			!strings.Contains(p.Body, s.says("https://github.com/acme/envs/commit/", "https://gitlab.com/acme/envs/-/commit/")+main) {
			t.Errorf("the pull request is %+v", p)
		}
		if s.tip("main") != main || s.run("rev-parse", r.Commit+"^") != main {
			t.Error("the branch does not stand on main as it was")
		}
		s.pushes()
		written := s.written()
		again := s.promote()
		if again.Pull.State != promote.Adopted || again.Pull.Number != p.Number || again.Commit != r.Commit {
			t.Errorf("once more: %+v", again.Pull)
		}
		if n := s.pushes(); n != 0 || s.written() != written {
			t.Errorf("once more: %d pushes, %d writes to the forge", n, s.written()-written)
		}
		s.decide(promote.ByHand(decision.Promote, "faster too", ""))
		if p := s.one(); !strings.Contains(p.Body, "faster too") || s.pushes() != 0 {
			t.Errorf("new evidence is not told: %s", p.Body)
		}
		s.lawful(0)
	})
}

// TestPullRequestOfARejection has a branch of its own: what people approved
// does not become the other thing.
func TestPullRequestOfARejection(t *testing.T) {
	onGitHub(t, envrepo.Prod("reject: pull-request"), func(t *testing.T, s *site) {
		promotion := s.promote()
		rejection := s.reject()
		if rejection.Pull.State != promote.Opened || rejection.Pull.Number == promotion.Pull.Number {
			t.Fatalf("the rejection is %+v", rejection.Pull)
		}
		list := s.forge.Pulls()
		if list[0].State != "closed" || list[1].State != "open" || !slices.Contains(list[0].Labels, supersededLabel) {
			t.Errorf("%+v", list)
		}
		s.merge(list[1], "merge")
		s.decided(decision.Reject)
		s.lawful(1)
	})
}

// TestRejectionIsPushed by default, also where promotions are pull requests.
func TestRejectionIsPushed(t *testing.T) {
	onGitHub(t, envrepo.Prod("method: pull-request"), func(t *testing.T, s *site) {
		r := s.reject()
		if r.Pull != nil || r.Commit != s.tip("main") || s.pushes() != 1 || len(s.forge.Pulls()) != 0 {
			t.Errorf("the result is %+v with %+v; there are %d pull requests", r, r.Pull, len(s.forge.Pulls()))
		}
		s.lawful(1)
	})
}

// TestPullRequestLinks: what the candidate's annotations point to.
func TestPullRequestLinks(t *testing.T) {
	marker := strings.Replace(envrepo.Marker("2.0.0"), "metadata:\n", "metadata:\n  annotations: {pipeline: 'https://ci.example.com/runs/7', author: somebody}\n", 1)
	eachForge(t, envrepo.Prod("").With(envrepo.Files{"prod/candidate.yaml": envrepo.Skip + marker}), func(t *testing.T, s *site) {
		s.promote()
		if body := s.one().Body; !strings.Contains(body, "(<https://ci.example.com/runs/7>)") || strings.Contains(body, "[`author`]") {
			t.Error(body)
		}
	})
}

// TestPullRequestTellsWhatIsRewritten: what was tested is not all promoted.
func TestPullRequestTellsWhatIsRewritten(t *testing.T) {
	web := strings.Replace(envrepo.Deployment("web"), "        image:", "        env: [{name: SELF, value: 'http://web:80'}]\n        image:", 1)
	service := "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
	tree := envrepo.Prod("").With(envrepo.Files{"prod/web.yaml": web + service, "prod/assay.yaml": envrepo.Plan("candidate: {rewriteAddresses: true}")})
	onGitHub(t, tree, func(t *testing.T, s *site) {
		s.promote()
		if body := s.one().Body; !strings.Contains(body, "### Differs from what is promoted\n\n- `Deployment/web of the variant: variable SELF addresses Service/web,") {
			t.Error(body)
		}
	})
}

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

// decided holds that a new process finds the decision, and nothing to do.
func (s *site) decided(outcome decision.Outcome) {
	s.t.Helper()
	r := s.promote()
	if r.Edit != nil || r.Earlier == nil || r.Earlier.Outcome != outcome {
		s.t.Errorf("after it was merged: %+v, earlier %+v", r, r.Earlier)
	}
	s.concluded()
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

// TestBaseMoves: the branch is kept while merging it does what was proven.
func TestBaseMoves(t *testing.T) {
	web := envrepo.Deployment("web")
	for name, c := range map[string]struct {
		moves envrepo.Files
		kept  bool
	}{
		"elsewhere":           {moves: envrepo.Files{"README.md": "more\n"}, kept: true},
		"beside the files":    {moves: envrepo.Files{"prod/notes.txt": "x\n"}, kept: true},
		"in the edited file":  {moves: envrepo.Files{"prod/web.yaml": "# ours\n" + web}},
		"next to the version": {moves: envrepo.Files{"prod/web.yaml": strings.Replace(web, "# the version", "# what is served", 1)}},
		"in the marker":       {moves: envrepo.Files{"prod/candidate.yaml": envrepo.Skip + strings.Replace(envrepo.Marker("2.0.0"), "name: 2.0.0", "name: two", 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			onGitHub(t, envrepo.Prod(""), func(t *testing.T, s *site) {
				first := s.promote()
				id := s.id()
				s.commit("main", c.moves)
				if s.id() != id {
					t.Fatal("it is another experiment")
				}
				s.pushes()
				written := s.written()
				second := s.promote()
				if second.Pull.State != promote.Adopted || second.Pull.Number != first.Pull.Number {
					t.Errorf("%+v", second.Pull)
				}
				kept := second.Commit == first.Commit && s.pushes() == 0 && s.written() == written
				if kept != c.kept {
					t.Errorf("kept: %v", kept)
				}
				s.merge(s.one(), "merge")
				s.decided(decision.Promote)
				s.lawful(1)
			})
		})
	}
}

// TestPersonsCommits are never lost.
func TestPersonsCommits(t *testing.T) {
	person := []string{"GIT_COMMITTER_NAME=Eve", "GIT_COMMITTER_EMAIL=eve@example.com", "GIT_AUTHOR_NAME=Eve", "GIT_AUTHOR_EMAIL=eve@example.com"}
	amend := func(s *site, parent, tree, message string) string {
		out, err := s.repo.GitIn(person, "commit-tree", "-p", parent, "-m", message, tree)
		if err != nil {
			s.t.Fatal(err)
		}
		return out
	}
	for name, c := range map[string]struct {
		work  func(s *site, ours string) string // a new head
		moves envrepo.Files                     // of the base, where only then the branch is in the way
	}{
		"on top": {work: func(s *site, ours string) string {
			return s.commit(s.one().Head, envrepo.Files{"prod/web.yaml": s.content(ours, "prod/web.yaml") + "\n# reviewed\n"})
		}},
		"amended files": {work: func(s *site, ours string) string {
			s.commit("scratch", envrepo.Files{"x": "y"})
			return amend(s, ours+"^", s.run("rev-parse", "scratch^{tree}"), "Deploy it")
		}},
		"below": {work: func(s *site, ours string) string {
			below := amend(s, ours+"^", s.run("rev-parse", ours+"^^{tree}"), "below")
			return amend(s, below, s.run("rev-parse", ours+"^{tree}"), "ours again")
		}},
		"merged in": {work: func(s *site, ours string) string {
			out, err := s.repo.GitIn(person, "commit-tree", "-p", ours, "-p", ours+"^", "-m", "Update branch", ours+"^{tree}")
			if err != nil {
				s.t.Fatal(err)
			}
			return out
		}},
		"amended message": {
			work:  func(s *site, ours string) string { return amend(s, ours+"^", ours+"^{tree}", "What I think of it") },
			moves: envrepo.Files{"prod/web.yaml": "# ours\n" + envrepo.Deployment("web")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			onGitHub(t, envrepo.Prod("merge: auto"), func(t *testing.T, s *site) {
				s.forge.Block(s.says("A review is required.", "not_approved"))
				ours := s.promote().Commit
				theirs := c.work(s, ours)
				s.run("update-ref", "refs/heads/"+s.one().Head, theirs)
				s.forge.Block("")
				if c.moves != nil {
					s.commit("main", c.moves)
				}
				s.fails(promote.ByHand(decision.Promote, "why", ""), "assay/prod/", "holds commits that are not Assay's")
				if s.tip(s.one().Head) != theirs || s.one().State != "open" {
					t.Error("the person's commit is gone")
				}
				s.lawful(0)
			})
		})
	}
}

// TestReplacedHistory: the branch of a pull request stands on what the branch was
// before people gave it another history. Where it is Assay's alone, it is made
// anew; to merge it would bring the old history back.
func TestReplacedHistory(t *testing.T) {
	replace := func(s *site) string {
		next, err := s.repo.Replace("main")
		if err != nil {
			s.t.Fatal(err)
		}
		return next
	}
	t.Run("ours", func(t *testing.T) {
		onGitHub(t, envrepo.Prod(""), func(t *testing.T, s *site) {
			first := s.promote()
			main := replace(s)
			second := s.promote()
			if second.Pull.State != promote.Adopted || second.Pull.Number != first.Pull.Number || s.run("rev-parse", s.one().Head+"^") != main {
				t.Errorf("%+v stands on %s", second.Pull, s.run("rev-parse", s.one().Head+"^"))
			}
			s.merge(s.one(), "merge")
			s.decided(decision.Promote)
			s.lawful(1)
		})
	})
	t.Run("people's", func(t *testing.T) {
		onGitHub(t, envrepo.Prod(""), func(t *testing.T, s *site) {
			ours := s.promote()
			theirs := s.commit(ours.Pull.Head, envrepo.Files{"prod/notes.txt": "x\n"})
			theirs, err := s.repo.GitIn([]string{"GIT_COMMITTER_EMAIL=eve@example.com"}, "commit-tree", "-p", ours.Commit+"^", "-m", "Deploy it", theirs+"^{tree}")
			if err != nil {
				t.Fatal(err)
			}
			s.run("update-ref", "refs/heads/"+ours.Pull.Head, theirs)
			replace(s)
			r, err := s.process().Decide(t.Context(), promote.ByHand(decision.Promote, "why", ""))
			if err == nil || !strings.Contains(err.Error(), "main does not have") || !strings.Contains(err.Error(), "delete it") || strings.Contains(err.Error(), "merge it") {
				t.Errorf("%+v, error %v", r, err)
			}
			if s.tip(ours.Pull.Head) != theirs {
				t.Error("the person's commit is gone")
			}
		})
	})
}

// TestClosedByAPerson stays closed, also where the branch is gone.
func TestClosedByAPerson(t *testing.T) {
	onGitHub(t, envrepo.Prod("merge: auto"), func(t *testing.T, s *site) {
		s.forge.Block(s.says("A review is required.", "not_approved"))
		r := s.promote()
		s.forge.ClosePull(1)
		s.forge.Block("")
		s.run("update-ref", "-d", "refs/heads/"+r.Pull.Head)
		for range 2 {
			r := s.promote()
			if r.Pull.State != promote.Closed || r.Pull.Number != 1 || !strings.Contains(r.Pull.String(), "is not opened again") {
				t.Errorf("%+v", r.Pull)
			}
		}
		if p := s.one(); p.State != "closed" || len(p.Labels) > 0 {
			t.Errorf("%+v", p)
		}
		s.concluded()
		s.reject()
		s.lawful(1)
	})
}

// TestSupersededAndBack closes what another candidate replaces, and opens it anew when
// it comes back.
func TestSupersededAndBack(t *testing.T) {
	eachForge(t, envrepo.Prod(""), func(t *testing.T, s *site) {
		first := s.promote()
		old := s.digest()
		s.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("3.0.0")})
		if r := s.decide(promote.ByVerdict(promote.Saved(envrepo.Concluded(old, "Complete")), "")); r.Choice.Held != decision.Superseded || s.one().State != "closed" {
			t.Errorf("the old verdict: %+v, %+v", r.Choice, s.one())
		}
		second := s.promote()
		s.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("2.0.0")})
		third := s.promote()
		list := s.forge.Pulls()
		if len(list) != 3 || third.Pull.State != promote.Opened || third.Pull.Head != first.Pull.Head {
			t.Fatalf("%+v: %+v", third.Pull, list)
		}
		for i, want := range []string{"closed", "closed", "open"} {
			if list[i].State != want {
				t.Errorf("%d is %s", i+1, list[i].State)
			}
		}
		for _, p := range list[:2] {
			if !slices.Contains(p.Labels, supersededLabel) || len(p.Comments) != 1 || !strings.HasPrefix(p.Comments[0], "Superseded") {
				t.Errorf("%+v", p)
			}
		}
		if !strings.Contains(list[1].Comments[0], third.Pull.URL) || second.Pull.Number != 2 {
			t.Errorf("the second says %q", list[1].Comments)
		}
		s.merge(list[2], "squash")
		s.decided(decision.Promote)
		s.lawful(1)
	})
}

// TestVerdictFlips: a verdict that becomes a reject while its pull request waits closes that; what it
// says once nothing is under test any more changes nothing.
func TestVerdictFlips(t *testing.T) {
	onGitHub(t, envrepo.Prod(""), func(t *testing.T, s *site) {
		tested := s.digest()
		says := func(condition string) *promote.Result {
			return s.decide(promote.ByVerdict(promote.Saved(envrepo.Concluded(tested, condition)), ""))
		}
		if r := says("Complete"); r.Pull == nil || s.one().State != "open" {
			t.Fatalf("the promotion is %+v", r.Pull)
		}
		if r := says("Failed"); r.Outcome != decision.Reject || r.Commit != s.tip("main") || s.one().State != "closed" {
			t.Errorf("the rejection is %+v, and the pull request is %s", r, s.one().State)
		}
		tip := s.tip("main")
		if r := says("Complete"); r.Edit != nil || s.tip("main") != tip || s.one().State != "closed" {
			t.Errorf("after the rejection: %+v, and the pull request is %s", r, s.one().State)
		}
		s.decided(decision.Reject)
		s.lawful(1)
	})
}

// TestWithdrawn closes what nothing tests any more.
func TestWithdrawn(t *testing.T) {
	onGitHub(t, envrepo.Prod(""), func(t *testing.T, s *site) {
		s.promote()
		s.commit("main", envrepo.Files{"prod/candidate.yaml": ""})
		if r := s.promote(); r.Edit != nil || s.one().State != "closed" {
			t.Errorf("%+v", s.one())
		}
		s.concluded()
	})
}

// TestBrokenMarkerClosesNothing: it may be mended.
func TestBrokenMarkerClosesNothing(t *testing.T) {
	onGitHub(t, envrepo.Prod("to: [{path: ../staging, branch: staging}]"), func(t *testing.T, s *site) {
		s.promote()
		s.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.MarkerHead("x") + "  nonsense: 1\n"})
		s.fails(promote.ByHand(decision.Promote, "why", ""), "nonsense")
		if s.one().State != "open" {
			t.Error("the pull request was closed")
		}
	})
}

// TestNeighbours leave each other's pull requests, and people's, alone.
func TestNeighbours(t *testing.T) {
	tree := envrepo.Prod("")
	for name, text := range envrepo.Prod("") {
		if rest, ok := strings.CutPrefix(name, "prod/"); ok {
			tree["prod/eu/"+rest] = text
		}
	}
	tree["prod/assay.yaml"] = envrepo.Plan("directory: {exclude: 'eu/**'}\n  promotion: {}")
	onGitHub(t, tree, func(t *testing.T, s *site) {
		s.run("update-ref", "refs/heads/assay/prod/idea", s.commit("idea", envrepo.Files{"prod/x.txt": "x\n"}))
		s.forge.Add(forgefake.Pull{Head: "assay/prod/idea", Base: "main", Title: "An idea"})
		s.promote()
		s.dir = "prod/eu"
		s.promote()
		s.dir = "prod"
		s.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("3.0.0")})
		s.promote()
		list := s.forge.Pulls()
		for i, want := range []string{"open", "closed", "open", "open"} {
			if list[i].State != want {
				t.Errorf("%s is %s", list[i].Head, list[i].State)
			}
		}
	})
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

// TestRestart ends runs at what they do to the forge: the next one goes on, with the
// branch and the pull request that are there.
func TestRestart(t *testing.T) {
	for name, c := range map[string]struct {
		fault  forgefake.Fault
		merged bool // the first run has done it all
	}{
		"before it is opened":   {fault: forgefake.Fault{Method: http.MethodPost, Path: "s", Status: http.StatusBadRequest}},
		"before it is merged":   {fault: forgefake.Fault{Method: http.MethodPut, Path: "/merge", Status: http.StatusUnauthorized}},
		"once it was merged":    {fault: forgefake.Fault{Method: http.MethodPut, Path: "/merge", Served: true, Status: http.StatusUnauthorized}, merged: true},
		"while it looks around": {fault: forgefake.Fault{Method: http.MethodGet, Status: http.StatusUnauthorized}},
	} {
		t.Run(name, func(t *testing.T) {
			eachForge(t, envrepo.Prod("merge: auto"), func(t *testing.T, s *site) {
				s.method = forge.MethodSquash
				s.forge.Fail(c.fault)
				s.fails(promote.ByHand(decision.Promote, "why", ""))
				s.forge.Recover()
				r := s.promote()
				if c.merged != (r.Edit == nil) || !c.merged && r.Pull.State != promote.Merged {
					t.Errorf("%+v with %+v", r, r.Pull)
				}
				s.one()
				s.decided(decision.Promote)
				s.lawful(1)
			})
		})
	}
}

// TestRestartKeepsTheOutcome: the pending outcome of a branch without a pull request is
// needed when a forge drops the message.
func TestRestartKeepsTheOutcome(t *testing.T) {
	eachForge(t, envrepo.Prod(""), func(t *testing.T, s *site) {
		s.forge.Fail(forgefake.Fault{Method: http.MethodPost, Path: "s", Status: http.StatusBadRequest})
		s.fails(promote.ByHand(decision.Promote, "why", ""))
		s.forge.Recover()
		s.pushes()
		if r := s.promote(); r.Pull.State != promote.Opened || s.pushes() != 0 {
			t.Errorf("%+v", r.Pull)
		}
		s.merge(s.one(), "squash")
		s.decided(decision.Promote)
		s.lawful(1)
	})
}

// TestQueueByPullRequest: what comes to wait while it is open stays.
func TestQueueByPullRequest(t *testing.T) {
	tree := envrepo.Prod("")
	tree["prod/assay.yaml"] = envrepo.Plan("queue: every")
	tree["prod/candidate.yaml"] = envrepo.Skip + envrepo.Marker("2.0.0") + "---\n" + envrepo.Marker("3.0.0")
	onGitHub(t, tree, func(t *testing.T, s *site) {
		id := s.id()
		first := s.decide(promote.ByHand(decision.Promote, "why", digest.Selector(id)))
		s.commit("main", envrepo.Files{"prod/candidate.yaml": tree["prod/candidate.yaml"] + "---\n" + envrepo.Marker("4.0.0")})
		second := s.decide(promote.ByHand(decision.Promote, "why", digest.Selector(id)))
		if second.Pull.State != promote.Adopted || second.Commit == first.Commit {
			t.Errorf("%+v at %s", second.Pull, second.Commit)
		}
		s.merge(s.one(), "merge")
		marker := s.content("main", "prod/candidate.yaml")
		if strings.Contains(marker, "2.0.0") || !strings.Contains(marker, "3.0.0") || !strings.Contains(marker, "4.0.0") {
			t.Errorf("what waits is\n%s", marker)
		}
		if s.id() == id {
			t.Error("nothing moved up")
		}
		s.lawful(1)
	})
}

// TestWithoutForge pushes the branch, and says where to open the pull request.
func TestWithoutForge(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", envrepo.Prod("merge: auto"))
	id := s.id()
	r := s.promote()
	want := "https://example.com/main...assay/prod/" + id
	if r.Pull.State != promote.Pushed || r.Pull.URL != want || s.tip(r.Pull.Head) != r.Commit || !strings.Contains(r.Pull.String(), want) {
		t.Errorf("%+v", r.Pull)
	}
	s.pushes()
	if again := s.promote(); again.Commit != r.Commit || s.pushes() != 0 {
		t.Errorf("once more: %+v", again)
	}
	s.run("update-ref", "refs/heads/main", r.Commit)
	if r := s.promote(); r.Edit != nil || r.Earlier == nil {
		t.Errorf("once merged: %+v", r)
	}
	s.lawful(1)
}

// TestForgeThatSlowsDown is waited for.
func TestForgeThatSlowsDown(t *testing.T) {
	t.Parallel()
	s := newSite(t, forge.GitHub, envrepo.Prod("merge: auto"))
	s.forge.Fail(forgefake.SecondaryLimit(time.Second))
	if r := s.promote(); r.Pull.State != promote.Merged {
		t.Errorf("%+v", r.Pull)
	}
	s.lawful(1)
}

// TestForgeThatLiesAboutAMerge: a forge that says that it merged is believed only if the branch has what was
// proven; once it does as it says, the promotion lands, once.
func TestForgeThatLiesAboutAMerge(t *testing.T) {
	for name, says := range map[string]func(s *site) string{
		"the branch as it was":        func(s *site) string { return s.tip("main") },
		"the head, which is not main": func(s *site) string { return s.one().Head },
		"a commit that nobody has":    func(*site) string { return strings.Repeat("1234", 10) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, forge.GitHub, envrepo.Prod("merge: auto"))
			tip := s.tip("main")
			s.lies = func(r *http.Request) *http.Response {
				if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/merge") {
					return nil
				}
				sha := says(s)
				if branch := s.tip(sha); branch != "" {
					sha = branch
				}
				body := fmt.Sprintf(`{"sha":%q,"merged":true,"message":"Pull Request successfully merged"}`, sha)
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if r, err := s.process().Decide(ctx, promote.ByHand(decision.Promote, "looks good", "")); err == nil {
				t.Errorf("it was believed: %+v", r.Landing)
			}
			if s.tip("main") != tip {
				t.Error("main has moved")
			}
			s.lies = nil
			if r := s.promote(); r.Pull.State != promote.Merged || r.Commit != s.tip("main") {
				t.Errorf("%+v at %s", r.Pull, r.Commit)
			}
			s.lawful(1)
		})
	}
}

// TestForgeThatMayNotClose: the decision landed, and that is what counts.
func TestForgeThatMayNotClose(t *testing.T) {
	t.Parallel()
	s := newSite(t, forge.GitHub, envrepo.Prod("method: push"))
	s.forge.Fail(forgefake.Fault{Status: http.StatusForbidden})
	r := s.promote()
	if r.Commit != s.tip("main") || len(s.notes) == 0 || !strings.Contains(s.notes[0], "may still be open") {
		t.Errorf("%+v, notes %q", r, s.notes)
	}
	s.lawful(1)
}

// TestHeadNames are fit for git, and each environment's own.
func TestHeadNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", envrepo.Files{"README.md": "x\n"})
	tip := s.tip("main")
	seen := map[string]string{}
	for _, env := range []spec.Environment{
		{Dir: "."},
		{Dir: ".", Name: "root"},
		{Dir: "root"},
		{Dir: "shop"},
		{Dir: "shop/prod"},
		{Dir: "shop", Name: "prod"},
		{Dir: "shop@prod"},
		{Dir: "a b"},
		{Dir: "a-b"},
		{Dir: ".hidden"},
		{Dir: "-hidden"},
		{Dir: "..."},
		{Dir: "a..b"},
		{Dir: "a--b"},
		{Dir: "a.lock"},
		{Dir: "a-lock"},
		{Dir: "dot."},
		{Dir: "dot-"},
		{Dir: "店/本番"},
		{Dir: "鋪/本番"},
		{Dir: "@"},
		{Dir: "@{"},
		{Dir: "x~1^:?*[\\"},
		{Dir: strings.Repeat("long", 60)},
		{Dir: strings.Repeat("long", 60) + "er"},
	} {
		head := HeadBranch(history.Record{Environment: env, Experiment: "e012345678"})
		if other, twice := seen[headPrefix(env)]; twice {
			t.Errorf("%s is that of %s and of %s", head, env, other)
		}
		seen[headPrefix(env)] = env.String()
		s.run("check-ref-format", "refs/heads/"+head)
		s.run("update-ref", "refs/heads/"+head, tip)
		if !ofCandidate.MatchString(strings.TrimPrefix(head, headPrefix(env))) {
			t.Errorf("%s is not told apart", head)
		}
	}
	for env, want := range map[spec.Environment]string{
		{Dir: "."}: "assay/root/", {Dir: "shop/prod"}: "assay/shop/prod/", {Dir: "shop", Name: "prod"}: "assay/shop@prod/",
	} {
		if got := headPrefix(env); got != want {
			t.Errorf("%s has %s", env, got)
		}
	}
}

// TestOddPlaces opens pull requests for environments with odd names.
func TestOddPlaces(t *testing.T) {
	for _, dir := range []string{".", "a shop", "shop.lock", "@{x}", "店/本番"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			tree := envrepo.Files{}
			for name, text := range envrepo.Prod("merge: auto") {
				if rest, ok := strings.CutPrefix(name, "prod/"); ok {
					tree[strings.TrimPrefix(dir+"/"+rest, "./")] = text
				}
			}
			s := newSite(t, forge.GitHub, tree)
			s.dir = dir
			if r := s.promote(); r.Pull.State != promote.Merged {
				t.Errorf("%+v", r.Pull)
			}
			s.decided(decision.Promote)
			s.lawful(1)
		})
	}
}

// TestUnrendered: a candidate without an ID can be rejected by pull request, and
// the next such one too.
func TestUnrendered(t *testing.T) {
	onGitHub(t, envrepo.Prod("reject: pull-request"), func(t *testing.T, s *site) {
		for i, image := range []string{"example.com/shop/nothing", "example.com/shop/none"} {
			s.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + strings.Replace(envrepo.Marker("2.0.0"), "example.com/shop/web", image, 1)})
			r := s.reject()
			if r.Pull.State != promote.Opened || r.Pull.Number != int64(i+1) {
				t.Errorf("%s: %+v", image, r.Pull)
			}
			s.forge.ClosePull(r.Pull.Number)
			if r := s.reject(); r.Pull.State != promote.Closed {
				t.Errorf("%s: %+v", image, r.Pull)
			}
		}
		if n := len(s.forge.Pulls()); n != 2 {
			t.Errorf("there are %d pull requests", n)
		}
	})
}

// TestServerWithoutAtomicPushes has the pending outcome before the branch. Who is killed
// between the two leaves nothing that counts, and the next run goes on.
func TestServerWithoutAtomicPushes(t *testing.T) {
	separate := func(s *site) {
		if err := s.repo.Set("receive.advertiseAtomic", "false"); err != nil {
			s.t.Fatal(err)
		}
	}
	killed := func(s *site) {
		ctx, cancel := context.WithCancel(s.t.Context())
		s.git.Inject(gitserver.Push, 1, gitserver.Before(func() error { return nil }))
		s.git.Inject(gitserver.Push, 1, gitserver.Before(func() error { cancel(); return errStopped }))
		if _, err := s.process().Decide(ctx, promote.ByHand(decision.Promote, "why", "")); !errors.Is(err, context.Canceled) {
			s.t.Errorf("error %v", err)
		}
		if refs := s.run("for-each-ref", "--format=%(refname)", "refs/heads/assay", history.Refs); strings.Count(refs, "\n") != 0 || !strings.HasPrefix(refs, history.Refs) {
			s.t.Errorf("when it was killed there were:\n%s", refs)
		}
		if len(s.forge.Pulls()) > 0 || len(s.decisions()) > 0 {
			s.t.Error("half a push counts")
		}
	}
	for name, c := range map[string]struct{ before, after func(*site) }{
		"undisturbed": {func(*site) {}, nil},
		"killed":      {killed, nil},
		"killed, and another candidate came": {killed, func(s *site) {
			s.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("3.0.0")})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			onGitHub(t, envrepo.Prod("title: Deploy it"), func(t *testing.T, s *site) {
				separate(s.overHTTP())
				c.before(s)
				if c.after != nil {
					c.after(s)
				}
				if r := s.promote(); r.Pull.State != promote.Opened || r.Commit != s.tip(r.Pull.Head) {
					t.Fatalf("%+v", r.Pull)
				}
				s.merge(s.one(), "squash")
				s.decided(decision.Promote)
				s.lawful(1)
			})
		})
	}
}
