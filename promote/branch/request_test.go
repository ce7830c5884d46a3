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

// decided holds that a new process finds the decision, and nothing to do.
func (s *site) decided(outcome decision.Outcome) {
	s.t.Helper()
	r := s.promote()
	if r.Edit != nil || r.Earlier == nil || r.Earlier.Outcome != outcome {
		s.t.Errorf("after it was merged: %+v, earlier %+v", r, r.Earlier)
	}
	s.concluded()
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

// TestServerWithoutAtomicPushes has the pending outcome before the branch. A run that is killed
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
