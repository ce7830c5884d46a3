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
)

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
