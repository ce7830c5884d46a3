package forge_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/time/rate"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/test/forgefake"
)

const (
	path   = "acme/shop"
	secret = "s3cr3t-token"
	head   = "assay/prod/e012345678"
)

// origin is a bare repository with the branch main.
type origin struct {
	t   *testing.T
	dir string
}

func newOrigin(t *testing.T) *origin {
	t.Helper()
	o := &origin{t: t, dir: t.TempDir()}
	o.git("", "init", "--quiet", "--bare", "--initial-branch=main")
	o.commit("main", "tag: v1\n")
	return o
}

func (o *origin) git(stdin string, args ...string) string {
	o.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", o.dir, "-c", "user.name=A", "-c", "user.email=a@example.com"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		o.t.Fatalf("git %s: %v\n%s", args[0], err, messages.String())
	}
	return strings.TrimSpace(out.String())
}

// commit puts a commit on a branch whose one file has this content; a new
// branch starts at main.
func (o *origin) commit(branch, content string) string {
	o.t.Helper()
	blob := o.git(content, "hash-object", "-w", "--stdin")
	tree := o.git("100644 blob "+blob+"\tvalues.yaml\n", "mktree")
	args := []string{"commit-tree", "-m", "Change " + branch, tree}
	if parent := o.tip(branch); parent != "" {
		args = append(args, "-p", parent)
	} else if parent = o.tip("main"); parent != "" {
		args = append(args, "-p", parent)
	}
	sha := o.git("", args...)
	o.git("", "update-ref", "refs/heads/"+branch, sha)
	return sha
}

// branch makes a branch at main.
func (o *origin) branch(name string) {
	o.t.Helper()
	o.git("", "update-ref", "refs/heads/"+name, o.tip("main"))
}

func (o *origin) tip(branch string) string {
	out, err := exec.Command("git", "-C", o.dir, "rev-parse", "--verify", "--quiet", "refs/heads/"+branch).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// side is a client and the forge at its other end.
type side struct {
	*forge.Client
	t     *testing.T
	fake  *forgefake.Forge
	git   *origin
	opt   forge.Options
	kind  forge.Kind
	moved string // the head's commit
}

// eachForge runs a test against both fakes, over a network.
func eachForge(t *testing.T, test func(*testing.T, *side)) {
	for _, kind := range []forge.Kind{forge.GitHub, forge.GitLab} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newSide(t, kind)
			server := httptest.NewServer(s.fake)
			t.Cleanup(server.Close)
			s.opt.API = server.URL + map[forge.Kind]string{forge.GitLab: "/api/v4"}[kind]
			s.Client = s.open(s.opt)
			test(t, s)
		})
	}
}

// newSide makes a forge whose head branch is one commit ahead. Its client
// reaches it without a network.
func newSide(t *testing.T, kind forge.Kind) *side {
	t.Helper()
	s := &side{t: t, git: newOrigin(t), kind: kind}
	s.moved = s.git.commit(head, "tag: v2\n")
	opt := forgefake.Options{Git: s.git.dir, Path: path, Token: secret, ReadOnly: "read-only"}
	base := "https://github.com"
	if kind == forge.GitLab {
		s.fake, base = forgefake.NewGitLab(opt), "https://gitlab.com"
	} else {
		s.fake = forgefake.NewGitHub(opt)
	}
	s.opt = forge.Options{
		Repo:  forge.Repo{Kind: kind, Base: base, Path: path},
		Token: token(secret),
		HTTP:  &http.Client{Transport: s.fake.Transport()},
		Pace:  forge.NewPace(rate.Inf, rate.Inf),
	}
	s.Client = s.open(s.opt)
	return s
}

func token(value string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return value, nil }
}

func (s *side) open(opt forge.Options) *forge.Client {
	s.t.Helper()
	if strings.HasPrefix(opt.API, "http://") {
		opt.HTTP = nil
	}
	c, err := forge.Open(opt)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// create opens the pull request that most tests work on.
func (s *side) create() forge.Pull {
	s.t.Helper()
	pull, err := s.Create(s.t.Context(), proposal())
	if err != nil {
		s.t.Fatal(err)
	}
	return pull
}

func proposal() forge.New {
	return forge.New{Head: head, Base: "main", Title: "Promote v2", Body: "Verdict: promote", Labels: []string{"assay"}}
}

// one holds that the forge has a single pull request.
func (s *side) one() forgefake.Pull {
	s.t.Helper()
	pulls := s.fake.Pulls()
	if len(pulls) != 1 {
		s.t.Fatalf("the forge has %d pull requests, want 1: %+v", len(pulls), pulls)
	}
	return pulls[0]
}

// pulls is the end of the path that lists and opens pull requests.
func (s *side) pulls() string {
	if s.kind == forge.GitLab {
		return "/merge_requests"
	}
	return "/pulls"
}

// mustHave holds that an error says all of this, and nothing secret.
func mustHave(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error holds the token: %v", err)
	}
}
