package branch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
	"github.com/assaydev/assay/test/gitserver"
)

// chain is a site whose candidate goes on to next environments: on the same
// branch, two on the branch staging, and one in another repository.
type chain struct {
	*site
	other  *gitserver.Repo
	tested digest.Digest // of the candidate
}

// decided is a person's decision that names the candidate and the reason: the same
// again takes up what an earlier run left.
func (c *chain) decided() promote.Decider {
	return promote.ByHand(decision.Promote, "looks good", digest.Selector(c.tested))
}

func (c *chain) promote() *promote.Result {
	c.t.Helper()
	return c.decide(c.decided())
}

func newChain(t *testing.T, kind forge.Kind, promotion string) *chain {
	t.Helper()
	web := envrepo.Deployment("web")
	tree := envrepo.Prod(promotion)
	tree["canary/web.yaml"] = web
	c := &chain{site: newSite(t, kind, tree)}
	var err error
	if c.other, err = c.git.Create("other", "--initial-branch=trunk"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.other.Commit("trunk", "start", gitserver.Files(envrepo.Files{"shop/live/web.yaml": web})...); err != nil {
		t.Fatal(err)
	}
	c.commit("staging", envrepo.Files{"prod/web.yaml": web, "eu/shop.yaml": web})
	c.commit("main", envrepo.Files{"prod/assay.yaml": envrepo.Plan("promotion: {" + promotion + ", to: [{path: ../canary}, {path: ., branch: staging}, {path: ../eu, branch: staging}, {path: shop/live, repo: " + c.other.URL + "}]}")})
	c.tested = c.digest()
	return c
}

// place is one next environment: its repository, branch and marker.
type place struct {
	repo           *gitserver.Repo
	branch, marker string
}

func (c *chain) places() []place {
	return []place{
		{c.repo, "main", "canary/candidate.yaml"},
		{c.repo, "staging", "prod/candidate.yaml"},
		{c.repo, "staging", "eu/candidate.yaml"},
		{c.other, "trunk", "shop/live/candidate.yaml"},
	}
}

func (p place) content() string {
	out, err := p.repo.Git("show", p.branch+":"+p.marker)
	if err != nil {
		return ""
	}
	return out
}

// commits are how many commits of the branch changed the marker.
func (p place) commits(t *testing.T) int {
	t.Helper()
	out, err := p.repo.Git("log", "--format=%H", p.branch, "--", p.marker)
	if err != nil {
		t.Fatal(err)
	}
	return len(strings.Fields(out))
}

// arrived holds that the candidate is in the first of the next environments
// alone, each by one commit with the promotion's ID, and renders there.
func (c *chain) arrived(n int) {
	c.t.Helper()
	promotion := c.decisions()[0].Promotion
	for i, p := range c.places() {
		if got, want := p.content() != "", i < n; got != want {
			c.t.Errorf("%s of %s is there: %v", p.marker, p.branch, got)
			continue
		}
		if i >= n {
			continue
		}
		if !strings.Contains(p.content(), "2.0.0") || p.commits(c.t) != 1 {
			c.t.Errorf("%s of %s has %d commits:\n%s", p.marker, p.branch, p.commits(c.t), p.content())
		}
		if said, err := p.repo.Git("log", "-1", "--format=%B", p.branch, "--", p.marker); err != nil || !strings.Contains(said, "Assay-Promotion: "+promotion) {
			c.t.Errorf("%s of %s: %v, the commit says\n%s", p.marker, p.branch, err, said)
		}
		if n, err := p.repo.Git("rev-list", "--min-parents=2", "--count", p.branch); err != nil || n != "0" {
			c.t.Errorf("%s has %s merges, %v", p.branch, n, err)
		}
	}
	c.lawful(1)
}

func TestPropagate(t *testing.T) {
	t.Parallel()
	c := newChain(t, "", "method: push")
	r := c.promote()
	c.arrived(4)
	want := []promote.Next{
		{Environment: spec.Environment{Dir: "canary"}, State: promote.Set},
		{Environment: spec.Environment{Dir: "prod"}, State: promote.Set, Branch: "staging"},
		{Environment: spec.Environment{Dir: "eu"}, State: promote.Set, Branch: "staging"},
		{Environment: spec.Environment{Dir: "shop/live"}, State: promote.Set, Repo: c.other.URL, Branch: "trunk"},
	}
	if diff := cmp.Diff(want, r.Next, cmpopts.IgnoreFields(promote.Next{}, "Destination", "Beside")); diff != "" {
		t.Error(diff)
	}
	c.pushes()
	for range 2 {
		if r := c.promote(); r.Edit != nil || c.pushes() != 0 {
			t.Errorf("once more: %+v", r)
		}
	}
	c.arrived(4)
}

// TestPropagateOnceAndForAll: what happened in a next environment since, and how
// long ago, changes nothing.
func TestPropagateOnceAndForAll(t *testing.T) {
	for name, later := range map[string]func(*chain){
		"promoted there": func(c *chain) {
			c.commit("staging", envrepo.Files{"prod/candidate.yaml": "", "prod/web.yaml": strings.Replace(c.content("staging", "prod/web.yaml"), "1.0.0", "2.0.0", 1)})
		},
		"withdrawn there": func(c *chain) { c.commit("staging", envrepo.Files{"prod/candidate.yaml": ""}) },
		"long ago": func(c *chain) {
			c.commit("staging", envrepo.Files{"prod/candidate.yaml": ""})
			for range 5 {
				if _, err := c.repo.Advance("staging"); err != nil {
					c.t.Fatal(err)
				}
			}
			c.commits = 3
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChain(t, "", "method: push")
			c.promote()
			later(c)
			staging, other := c.tip("staging"), c.places()[3].content()
			c.promote()
			c.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("3.0.0")})
			c.reject()
			if c.tip("staging") != staging || c.places()[3].content() != other {
				t.Error("it was set there again")
			}
		})
	}
}

// states are those of the next environments.
func states(r *promote.Result) string {
	var list []string
	for _, n := range r.Next {
		list = append(list, string(n.State))
	}
	return strings.Join(list, " ")
}

// TestPropagateStops at the first environment that fails, and goes on later.
func TestPropagateStops(t *testing.T) {
	t.Parallel()
	c := newChain(t, "", "method: push")
	eu := c.content("staging", "eu/shop.yaml")
	c.commit("staging", envrepo.Files{"eu/shop.yaml": "", "eu/other.txt": "x\n"})
	r := c.fails(c.decided(), "next environment staging ../eu", "run the same command again")
	if states := states(r); states != "set set elsewhere elsewhere" || r.Commit != c.tip("main") {
		t.Errorf("%+v", r)
	}
	c.arrived(2)
	c.fails(c.decided(), "next environment staging ../eu")
	c.commit("staging", envrepo.Files{"eu/shop.yaml": eu})
	c.promote()
	c.arrived(4)
}

// TestPropagateIsNotedInTheEnd, also where the server was away or others write
// beside it: what is done does not fail for it.
func TestPropagateIsNotedInTheEnd(t *testing.T) {
	noting := func(req *http.Request) bool {
		body, err := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
		return err == nil && strings.HasSuffix(req.URL.Path, "/git-receive-pack") && bytes.Contains(body, []byte("refs/assay/forwarded/"))
	}
	for name, meet := range map[string]func(c *chain, ref string) error{
		"the server is away": func(*chain, string) error { return errors.New("away") },
		"another run notes an older one": func(c *chain, ref string) error {
			_, err := c.repo.Git("update-ref", ref, "main~1")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChain(t, "", "method: push")
			c.overHTTP()
			ref, left := history.PropagatedRef("main", spec.Environment{Dir: "prod"}), 2
			c.git.Watch(func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
				if noting(req) && left > 0 {
					left--
					if err := meet(c, ref); err != nil {
						http.Error(w, err.Error(), http.StatusServiceUnavailable)
						return
					}
				}
				backend.ServeHTTP(w, req)
			})
			c.promote()
			if said := c.run("log", "-1", "--format=%B", ref); !strings.Contains(said, c.decisions()[0].Promotion) || left != 0 {
				t.Errorf("%d faults are left, noted is\n%s", left, said)
			}
			c.arrived(4)
		})
	}
}

// TestPropagateSetsNothingAgain where an earlier run got to it, and people have
// withdrawn the candidate before all the others had it.
func TestPropagateSetsNothingAgain(t *testing.T) {
	c := newChain(t, "", "method: push")
	eu := c.content("staging", "eu/shop.yaml")
	c.commit("staging", envrepo.Files{"eu/shop.yaml": "", "eu/other.txt": "x\n"})
	c.fails(c.decided(), "next environment staging ../eu")
	c.commit("staging", envrepo.Files{"prod/candidate.yaml": ""})
	c.fails(c.decided(), "next environment staging ../eu")
	c.commit("staging", envrepo.Files{"eu/shop.yaml": eu})
	c.promote()
	for i, want := range []bool{true, false, true, true} {
		if p := c.places()[i]; (p.content() != "") != want {
			t.Errorf("%s of %s is there: %v", p.marker, p.branch, !want)
		}
	}
}

// TestPropagateHoldsNothingUp: the next candidate does not wait for it.
func TestPropagateHoldsNothingUp(t *testing.T) {
	t.Parallel()
	c := newChain(t, "", "method: push")
	c.commit("staging", envrepo.Files{"prod/web.yaml": "", "prod/other.txt": "x\n"})
	c.fails(c.decided(), "next environment staging .")
	c.commit("main", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("3.0.0")})
	if r := c.reject(); r.Edit == nil || r.Unfinished == nil || r.Unfinished.Digest != string(c.tested) {
		t.Errorf("%+v", r.Unfinished)
	}
	c.lawful(2)
	plan := strings.Replace(c.content("main", "prod/assay.yaml"), "{path: ., branch: staging}, ", "", 1)
	c.commit("main", envrepo.Files{"prod/assay.yaml": plan + "\n"})
	c.promote() // the plan was mended
	for i, want := range []bool{true, false, true, true} {
		if p := c.places()[i]; (p.content() != "") != want {
			t.Errorf("%s of %s is there: %v", p.marker, p.branch, !want)
		}
	}
}

// TestPropagateWhatIsThere: an environment that has the change already gets no commit.
func TestPropagateWhatIsThere(t *testing.T) {
	t.Parallel()
	c := newChain(t, "", "method: push")
	c.commit("staging", envrepo.Files{"prod/web.yaml": strings.Replace(c.content("staging", "prod/web.yaml"), "1.0.0", "2.0.0", 1) + "\n"})
	staging := c.tip("staging")
	r := c.promote()
	if states := states(r); states != "set already set set" || c.run("rev-list", "--count", staging+"..staging") != "1" {
		t.Errorf("%+v", r.Next)
	}
	c.commit("staging", envrepo.Files{"prod/web.yaml": envrepo.Deployment("web")})
	c.promote()
	if c.places()[1].content() != "" {
		t.Error("it was set there later")
	}
}

// TestPropagateAfterPullRequest: once it is merged, by whom ever.
func TestPropagateAfterPullRequest(t *testing.T) {
	for _, method := range []string{"merge", "squash"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			c := newChain(t, forge.GitHub, "title: Deploy it")
			c.promote()
			if c.places()[1].content() != "" {
				t.Error("it went on before it was merged")
			}
			c.merge(c.one(), method)
			if d := c.promote().Earlier; d == nil || d.Outcome != decision.Promote {
				t.Errorf("earlier: %+v", d)
			}
			c.concluded()
			for _, p := range c.places() {
				if !strings.Contains(p.content(), "2.0.0") {
					t.Errorf("%s of %s: %s", p.marker, p.branch, p.content())
				}
			}
			c.lawful(1)
		})
	}
}

// TestPropagateWithoutAnApplication: what Argo CD passes for one environment is
// not passed for another.
func TestPropagateWithoutAnApplication(t *testing.T) {
	t.Parallel()
	c := newChain(t, "", "method: push")
	s := c.process()
	s.View.Request.Directory = &spec.DirectorySource{Include: "web.yaml"} // eu has none
	if _, err := s.Decide(t.Context(), c.decided()); err != nil {
		t.Fatal(err)
	}
	c.arrived(4)
}

// TestPropagateOnlyToTheAllowed: the error of who opens other repositories ends it.
func TestPropagateOnlyToTheAllowed(t *testing.T) {
	t.Parallel()
	c := newChain(t, "", "method: push")
	s := c.process()
	s.Another = func(context.Context, string) (*remote.Remote, func(), error) {
		return nil, nil, errors.New("another host")
	}
	_, err := s.Decide(t.Context(), c.decided())
	if err == nil || !strings.Contains(err.Error(), "another host") {
		t.Errorf("error %v", err)
	}
	c.arrived(3)
}

// stopped runs a promotion that stops at the nth request to either server, in
// one of the ways that a process or a network can end; it reports whether it
// came that far.
func (c *chain) stopped(t *testing.T, n int, way string) bool {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	met, at := false, 0
	here := func() bool { at++; met = met || at == n; return at >= n }
	c.git.Watch(func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
		if !here() {
			backend.ServeHTTP(w, req)
			return
		}
		if way == "after" && at == n {
			backend.ServeHTTP(w, req)
		}
		cancel(errStopped)
		panic(http.ErrAbortHandler)
	})
	defer c.git.Watch(nil)
	defer func(plain string) { c.url = plain }(c.url)
	c.overHTTP()
	c.asked = func(*http.Request) {
		if here() {
			cancel(errStopped)
		}
	}
	defer func() { c.asked = nil }()
	_, err := c.process().Decide(ctx, c.decided())
	if !met && err != nil {
		t.Errorf("it was not stopped before request %d: %v", n, err)
	}
	return met
}

var errStopped = errors.New("stopped")

// TestPropagateStoppedAnywhere ends a run at one of its requests, before or after
// the server has done what is asked: the next run leaves what one that was not
// disturbed leaves, and each environment has one commit. It takes some of the
// requests, and every one where ASSAY_FAULTS is set.
func TestPropagateStoppedAnywhere(t *testing.T) {
	for i, v := range []struct {
		kind forge.Kind
		way  string
	}{{"", "before"}, {"", "after"}, {forge.GitHub, "before"}, {forge.GitHub, "after"}} {
		t.Run(string(v.kind)+" "+v.way, func(t *testing.T) {
			t.Parallel()
			promotion := "method: push"
			if v.kind != "" {
				promotion = "merge: auto"
			}
			c := newChain(t, v.kind, promotion)
			start := c.refs(t)
			c.promote()
			want := c.state(t)
			n, stride := 3+10*i, 41
			if os.Getenv("ASSAY_FAULTS") != "" {
				n, stride = 1, 1
			}
			for ; ; n += stride {
				c.reset(t, start)
				if !c.stopped(t, n, v.way) {
					break
				}
				c.promote()
				if diff := cmp.Diff(want, c.state(t)); diff != "" {
					t.Errorf("stopped %s request %d:\n%s", v.way, n, diff)
				}
				if v.kind != "" {
					c.one()
					c.concluded()
				}
			}
			if n < 20 {
				t.Errorf("there were only %d requests to be stopped at", n)
			}
		})
	}
}

// refs are commands that make the refs of both repositories.
func (c *chain) refs(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, r := range []*gitserver.Repo{c.repo, c.other} {
		out, err := r.Git("for-each-ref", "--format=update %(refname) %(objectname)")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out+"\n")
	}
	return all
}

// reset makes everything as it was at the start.
func (c *chain) reset(t *testing.T, start []string) {
	t.Helper()
	c.forge = newForge(c.kind, c.repo)
	for i, r := range []*gitserver.Repo{c.repo, c.other} {
		now, err := r.Git("for-each-ref", "--format=delete %(refname)")
		if err == nil {
			_, err = r.GitWith(now+"\n", "update-ref", "--stdin")
		}
		if err == nil {
			_, err = r.GitWith(start[i], "update-ref", "--stdin")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// state is the files of all branches, and how many commits they have.
func (c *chain) state(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, b := range []place{{c.repo, "main", ""}, {c.repo, "staging", ""}, {c.other, "trunk", ""}} {
		tree, err := b.repo.Git("rev-parse", b.branch+"^{tree}")
		if err != nil {
			t.Fatal(err)
		}
		n, err := b.repo.Git("rev-list", "--count", b.branch)
		if err != nil {
			t.Fatal(err)
		}
		if b.branch != "trunk" {
			// The plan names the other repository's address.
			list, err := b.repo.Git("ls-tree", "-r", b.branch)
			if err != nil {
				t.Fatal(err)
			}
			lines := slices.DeleteFunc(strings.Split(list, "\n"), func(l string) bool { return strings.HasSuffix(l, "assay.yaml") })
			tree = strings.Join(lines, "\n")
		}
		out[b.branch] = n + " commits of " + tree
	}
	return out
}

// TestClaimedPromotionIsNotPropagated: whoever writes the branch can make its trees
// and messages say all that a promotion's say. What decides now has to prove that
// the candidate passed.
func TestClaimedPromotionIsNotPropagated(t *testing.T) {
	lost := func(c *chain) promote.Decider {
		return promote.ByVerdict(promote.Saved(envrepo.Concluded(c.tested, "Failed")), "")
	}
	nothing := func(*chain) promote.Decider {
		return promote.ByVerdict(promote.Saved(nil), "")
	}
	won := func(c *chain) promote.Decider {
		return promote.ByVerdict(promote.Saved(envrepo.Concluded(c.tested, "Complete")), "")
	}
	for name, test := range map[string]struct {
		decide func(*chain) promote.Decider
		claim  func(c *chain, r *history.Record, edited envrepo.Files)
		sent   bool
	}{
		"no objects":      {decide: nothing},
		"another verdict": {decide: lost},
		"the verdict":     {decide: won, sent: true},
		"nobody named it": {decide: func(*chain) promote.Decider { return promote.ByHand(decision.Promote, "looks good", "") }},
		"another reason": {decide: func(c *chain) promote.Decider {
			return promote.ByHand(decision.Promote, "fine", digest.Selector(c.tested))
		}},
		"the same word": {decide: (*chain).decided, sent: true},
		"another outcome": {decide: func(c *chain) promote.Decider {
			return promote.ByHand(decision.Reject, "looks good", digest.Selector(c.tested))
		}},
		"another change": {decide: won, claim: func(_ *chain, _ *history.Record, edited envrepo.Files) {
			edited["prod/web.yaml"] = strings.ReplaceAll(envrepo.Deployment("web"), "1.0.0", "6.6.6")
		}},
		"nothing was changed":      {decide: won, claim: func(_ *chain, _ *history.Record, edited envrepo.Files) { delete(edited, "prod/web.yaml") }},
		"the digest of another":    {decide: won, claim: func(_ *chain, r *history.Record, _ envrepo.Files) { r.Digest = r.Digest[:60] + "0000000" }},
		"an old digest":            {decide: won, claim: func(_ *chain, r *history.Record, _ envrepo.Files) { r.Digest = "" }},
		"the promotion of another": {decide: won, claim: func(_ *chain, r *history.Record, _ envrepo.Files) { r.Promotion = "p0123456789abcdef" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChain(t, "", "method: push")
			res := c.rendered("main", spec.Environment{Dir: "prod"})
			rec := history.Record{
				Outcome: decision.Promote, Environment: spec.Environment{Dir: "prod"}, Experiment: res.ID, Digest: res.Digest, Candidate: "2.0.0",
				Engine: history.ByHand, Evidence: "looks good", Next: []string{"{}"},
			}
			var err error
			if rec.Promotion, err = history.PromotionID(rec.Environment, res.Digest, *res.Marker); err != nil {
				t.Fatal(err)
			}
			edited := envrepo.Files{"prod/candidate.yaml": "", "prod/web.yaml": strings.ReplaceAll(envrepo.Deployment("web"), "1.0.0", "2.0.0")}
			if test.claim != nil {
				test.claim(c, &rec, edited)
			}
			made := c.commit("main", edited)
			c.run("update-ref", "refs/heads/main", recommit(c.site, made+"^", made+"^{tree}", rec.Message("Promote it", "")))
			r := c.decide(test.decide(c))
			for _, p := range c.places()[1:] {
				if (p.content() != "") != test.sent {
					t.Errorf("%s of %s is there: %v", p.marker, p.branch, !test.sent)
				}
			}
			if (r.Unfinished == nil) != test.sent {
				t.Errorf("unfinished: %+v", r.Unfinished)
			}
		})
	}
}

// TestSignedPromotionIsPropagated: a signature that the operator trusts stands for
// the verdict. Another key's does not.
func TestSignedPromotionIsPropagated(t *testing.T) {
	keys := t.TempDir()
	for _, name := range []string{"trusted", "other"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", filepath.Join(keys, name)).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	public, err := os.ReadFile(filepath.Join(keys, "trusted.pub"))
	if err != nil {
		t.Fatal(err)
	}
	signers := filepath.Join(keys, "allowed")
	if err := os.WriteFile(signers, append([]byte("bot@example.com "), public...), 0o600); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{"trusted": true, "other": false, "": false} {
		t.Run("by "+key, func(t *testing.T) {
			c := newChain(t, "", "method: push")
			eu := c.content("staging", "eu/shop.yaml")
			c.commit("staging", envrepo.Files{"eu/shop.yaml": "", "eu/other.txt": "x\n"})
			r := c.fails(c.decided(), "next environment staging ../eu")
			args := []string{"-c", "user.name=B", "-c", "user.email=bot@example.com", "commit-tree", "-p", r.Commit + "^", "-m", c.run("log", "-1", "--format=%B", r.Commit)}
			if key != "" {
				args = append([]string{"-c", "gpg.format=ssh", "-c", "user.signingKey=" + filepath.Join(keys, key)}, append(args, "-S")...)
			}
			id, err := c.repo.Git(append(args, r.Commit+"^{tree}")...)
			if err != nil {
				t.Fatal(err)
			}
			c.run("update-ref", "refs/heads/main", strings.TrimSpace(id))
			c.commit("staging", envrepo.Files{"eu/shop.yaml": eu})
			s := c.process()
			s.Signers = signers
			again, err := s.Decide(t.Context(), promote.ByVerdict(promote.Saved(nil), ""))
			if err != nil {
				t.Fatal(err)
			}
			if got := c.places()[2].content() != ""; got != want || (again.Unfinished == nil) != want {
				t.Errorf("it is there: %v, %+v", got, again.Unfinished)
			}
		})
	}
}
