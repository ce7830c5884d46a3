package branch

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/time/rate"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/envrepo"
	"github.com/assaydev/assay/test/forgefake"
	"github.com/assaydev/assay/test/gitserver"
)

// site is an environment on the branch main of a real Git server, with a forge
// over the same repository.
type site struct {
	t        *testing.T
	git      *gitserver.Server
	repo     *gitserver.Repo
	url      string
	forge    *forgefake.Forge // nil: there is none
	kind     forge.Kind
	dir, env string // the environment
	method   forge.Method
	commits  int
	notes    []string
	asked    func(*http.Request)                // sees requests to the forge before it does
	lies     func(*http.Request) *http.Response // answers instead of the forge; nil: it does not
}

// newSite serves the tree, whose environment is prod. git speaks with its own
// server in a process beside it, which is quicker than overHTTP.
func newSite(t *testing.T, kind forge.Kind, tree envrepo.Files) *site {
	t.Helper()
	server, repo := gitserver.Serve(t, changes(tree)...)
	s := &site{t: t, git: server, repo: repo, url: repo.Dir, kind: kind, dir: "prod", method: forge.MethodMerge, commits: 100}
	s.forge = newForge(kind, repo)
	if err := repo.Hook("pre-receive", "echo >> pushes"); err != nil {
		t.Fatal(err)
	}
	return s
}

// overHTTP lets git go by the HTTP server, where faults are injected.
func (s *site) overHTTP() *site {
	s.url = s.repo.URL
	return s
}

// newForge is a forge without pull requests.
func newForge(kind forge.Kind, repo *gitserver.Repo) *forgefake.Forge {
	opt := forgefake.Options{Git: repo.Dir, Path: "acme/envs", Token: "token"}
	switch kind {
	case forge.GitHub:
		return forgefake.NewGitHub(opt)
	case forge.GitLab:
		return forgefake.NewGitLab(opt)
	}
	return nil
}

// eachForge runs a test against both fakes.
func eachForge(t *testing.T, tree envrepo.Files, test func(*testing.T, *site)) {
	t.Helper()
	for _, kind := range []forge.Kind{forge.GitHub, forge.GitLab} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			test(t, newSite(t, kind, tree))
		})
	}
}

// onGitHub runs a test where the forges do not differ.
func onGitHub(t *testing.T, tree envrepo.Files, test func(*testing.T, *site)) {
	t.Helper()
	t.Parallel()
	test(t, newSite(t, forge.GitHub, tree))
}

// process is what a new process works with: it knows nothing but the server.
func (s *site) process() Server {
	s.t.Helper()
	server := Server{
		Repo: client(s.t, s.url), Branch: "main", Commits: s.commits, Method: s.method,
		View:    promote.View{Request: render.Request{Environment: spec.Environment{Dir: s.dir, Name: s.env}}},
		Compare: func(base, head string) string { return "https://example.com/" + base + "..." + head },
		Another: func(_ context.Context, url string) (*remote.Remote, func(), error) {
			return client(s.t, url), func() {}, nil
		},
		Note: func(text string) { s.notes = append(s.notes, text) },
	}
	if s.forge == nil {
		return server
	}
	client, err := forge.Open(forge.Options{
		Repo:  forge.Repo{Kind: s.kind, Base: "https://" + string(s.kind) + ".com", Path: "acme/envs"},
		Token: func(context.Context) (string, error) { return "token", nil },
		HTTP:  &http.Client{Transport: s}, Pace: forge.NewPace(rate.Inf, rate.Inf),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	server.Forge = client
	return server
}

// RoundTrip asks the forge.
func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.asked != nil {
		s.asked(r)
	}
	if s.lies != nil {
		if res := s.lies(r); res != nil {
			return res, nil
		}
	}
	return s.forge.Transport().RoundTrip(r)
}

// client is a Git client of its own.
func client(t *testing.T, url string) *remote.Remote {
	t.Helper()
	r, err := remote.Open(t.Context(), remote.Options{
		URL: url, Author: git.Identity{Name: "Assay", Email: "assay@example.com"}, TempDir: t.TempDir(),
		Env: []string{"PATH=" + os.Getenv("PATH")}, Random: func(int64) int64 { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// decide runs a decision in a new process.
func (s *site) decide(d promote.Decider) *promote.Result {
	s.t.Helper()
	r, err := s.process().Decide(s.t.Context(), d)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *site) promote() *promote.Result {
	s.t.Helper()
	return s.decide(promote.ByHand(decision.Promote, "looks good", ""))
}

func (s *site) reject() *promote.Result {
	s.t.Helper()
	return s.decide(promote.ByHand(decision.Reject, "too slow", ""))
}

// fails runs a decision that must end with an error which says all of this.
func (s *site) fails(d promote.Decider, parts ...string) *promote.Result {
	s.t.Helper()
	r, err := s.process().Decide(s.t.Context(), d)
	if err == nil {
		s.t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			s.t.Errorf("the error lacks %q: %v", part, err)
		}
	}
	return r
}

// changes are files as a commit takes them: an empty text removes a file, and
// "-> x" makes a link to x.
func changes(tree envrepo.Files) []gitserver.File {
	var list []gitserver.File
	for name, text := range tree {
		file := gitserver.File{Path: name, Data: text, Delete: text == ""}
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			file.Mode, file.Data = "120000", to
		}
		list = append(list, file)
	}
	return list
}

// commit puts somebody's commit on a branch.
func (s *site) commit(branch string, tree envrepo.Files) string {
	s.t.Helper()
	id, err := s.repo.Commit(branch, "somebody's", changes(tree)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *site) run(args ...string) string {
	s.t.Helper()
	out, err := s.repo.Git(args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// tip is the commit of a branch, empty where there is none.
func (s *site) tip(branch string) string {
	out, err := s.repo.Git("rev-parse", "--verify", "--quiet", "refs/heads/"+branch)
	if err != nil {
		return ""
	}
	return out
}

// content is a file at a revision, empty where there is none.
func (s *site) content(revision, name string) string {
	out, err := s.repo.Git("show", revision+":"+name)
	if err != nil {
		return ""
	}
	return out
}

// tree opens the files of a commit on the server.
func (s *site) tree(commit string) *envfs.FS {
	s.t.Helper()
	tree, err := git.OpenTree(s.t.Context(), git.Runner{Dir: s.repo.Dir}, commit+":", s.t.TempDir(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = tree.Close() })
	return envfs.New(tree, envfs.Limits{})
}

func (s *site) rendered(commit string, env spec.Environment) *render.Result {
	s.t.Helper()
	res, err := render.Environment(s.t.Context(), render.Request{FS: s.tree(commit), Environment: env})
	if err != nil {
		s.t.Fatalf("render %s at %s: %v", env, commit, err)
	}
	return res
}

// id is that of the experiment at the tip.
func (s *site) id() string {
	s.t.Helper()
	return s.rendered("main", spec.Environment{Dir: s.dir, Name: s.env}).ID
}

// digest is that of the experiment at the tip.
func (s *site) digest() digest.Digest {
	s.t.Helper()
	return s.rendered("main", spec.Environment{Dir: s.dir, Name: s.env}).Digest
}

// decisions are what a new process reads of the environment.
func (s *site) decisions() []history.Decision {
	s.t.Helper()
	past, err := s.process().Past(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return slices.DeleteFunc(past.Decisions, func(d history.Decision) bool { return d.Outcome == decision.Close })
}

// lawful renders the branch before and after each decision that it tells of,
// and counts the decisions.
func (s *site) lawful(want int) {
	s.t.Helper()
	list := s.decisions()
	for _, d := range list {
		before, after := s.rendered(d.Commit+"^1", d.Environment), s.rendered(d.Commit, d.Environment)
		switch d.Outcome {
		case decision.Promote:
			envrepo.SameObjects(s.t, "law 2 at "+d.Subject, before.Candidate, after.Baseline)
		case decision.Reject:
			envrepo.SameObjects(s.t, "law 3 at "+d.Subject, before.Baseline, after.Baseline)
		}
		if (before.ID != d.Experiment || before.Digest != d.Digest) && d.Outcome != decision.Candidate {
			s.t.Errorf("law 6: %s tells of experiment %q, and %q was under test", d.Subject, d.Experiment, before.ID)
		}
	}
	if len(list) != want {
		s.t.Errorf("the branch tells of %d decisions, want %d: %+v", len(list), want, list)
	}
}

// linear holds that nobody merged.
func (s *site) linear() {
	s.t.Helper()
	if n := s.run("rev-list", "--min-parents=2", "--count", "main"); n != "0" {
		s.t.Errorf("the history has %s merges", n)
	}
}

// concluded holds that no pending outcome is left.
func (s *site) concluded() {
	s.t.Helper()
	for _, message := range strings.Split(s.run("for-each-ref", "--format=%(contents)%00", history.Refs), "\x00") {
		if strings.Contains(message, "Assay-Outcome") && !strings.Contains(message, "Assay-Commit") {
			s.t.Errorf("there is a pending outcome that nobody concluded:\n%s", message)
		}
	}
}

// one holds that there is a single pull request.
func (s *site) one() forgefake.Pull {
	s.t.Helper()
	list := s.forge.Pulls()
	if len(list) != 1 {
		s.t.Fatalf("there are %d pull requests: %+v", len(list), list)
	}
	return list[0]
}

// pushes are how often somebody pushed since the last call.
func (s *site) pushes() int {
	s.t.Helper()
	const name = "pushes"
	out, err := os.ReadFile(filepath.Join(s.repo.Dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(s.repo.Dir, name), 0); err != nil {
		s.t.Fatal(err)
	}
	return strings.Count(string(out), "\n")
}

// written are the requests to the forge that change something.
func (s *site) written() int {
	n := 0
	for _, r := range s.forge.Requests() {
		if !strings.HasPrefix(r, http.MethodGet) {
			n++
		}
	}
	return n
}
