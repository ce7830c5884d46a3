//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/test/e2e/gitea"
)

// TestGitea holds the package forge against a real server; what the fakes of
// the other forges promise is in the tests of that package.
func TestGitea(t *testing.T) {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	server, err := gitea.Start(ctx, gitea.Options{Dir: t.TempDir(), Root: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	token, err := server.NewToken(ctx, "assay", "write:repository", "write:issue")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]func(*testing.T, *pullTest){
		"life":     lifeOfAPull,
		"create":   createAndAdopt,
		"status":   commitStatus,
		"moved":    headMoved,
		"conflict": conflict,
		"rules":    rules,
		"denied":   denied,
		"methods":  methods,
	} {
		t.Run(name, func(t *testing.T) { test(t, newPullTest(ctx, t, server, token, name)) })
	}
}

// pullTest is a repository of the server's, a clone of it and a client.
type pullTest struct {
	*forge.Client
	ctx    context.Context
	t      *testing.T
	server *gitea.Server
	name   string
	token  string
	repo   forge.Repo
	dir    string
	ca     string // the file with the server's certificate; empty without HTTPS
}

func newPullTest(ctx context.Context, t *testing.T, server *gitea.Server, token, name string) *pullTest {
	t.Helper()
	address, err := server.Repo(ctx, name, true)
	if err != nil {
		t.Fatal(err)
	}
	p := &pullTest{ctx: ctx, t: t, server: server, name: name, token: token, dir: t.TempDir()}
	if p.repo, err = forge.Detect(address); err != nil {
		t.Fatal(err)
	}
	if p.repo, err = p.repo.As(forge.Gitea, ""); err != nil {
		t.Fatal(err)
	}
	p.Client = p.open(token)
	if len(server.CA) > 0 {
		p.ca = filepath.Join(t.TempDir(), "ca.crt")
		if err := os.WriteFile(p.ca, server.CA, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.git("init", "-q", "-b", "main")
	p.git("remote", "add", "origin", address)
	p.git("pull", "-q", "origin", "main")
	return p
}

// open is a client of its own, as another process has it.
func (p *pullTest) open(token string) *forge.Client {
	p.t.Helper()
	c, err := forge.Open(forge.Options{Repo: p.repo, Token: func(context.Context) (string, error) { return token, nil }})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// git runs git in the clone, with the token for the server.
func (p *pullTest) git(args ...string) string {
	p.t.Helper()
	basic := base64.StdEncoding.EncodeToString([]byte("assay:" + p.token))
	c := exec.CommandContext(p.ctx, "git", append([]string{
		"-C", p.dir, "-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "http.extraHeader=Authorization: Basic " + basic,
	}, args...)...)
	if p.ca != "" {
		c.Env = append(os.Environ(), "GIT_SSL_CAINFO="+p.ca) // outranks the settings of the machine
	}
	var out, messages bytes.Buffer
	c.Stdout, c.Stderr = &out, &messages
	if err := c.Run(); err != nil {
		p.t.Fatalf("git %s: %v\n%s", args[0], err, messages.String())
	}
	return strings.TrimSpace(out.String())
}

// push puts a commit with this content on a branch, on top of from.
func (p *pullTest) push(from, branch, content string) string {
	p.t.Helper()
	p.git("fetch", "-q", "origin")
	p.git("checkout", "-q", "-B", branch, "origin/"+from)
	if err := os.WriteFile(filepath.Join(p.dir, "values.yaml"), []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.git("add", "values.yaml")
	p.git("commit", "-q", "-m", "Change "+branch)
	p.git("push", "-q", "origin", branch)
	return p.git("rev-parse", "HEAD")
}

func (p *pullTest) tip(branch string) string {
	p.t.Helper()
	p.git("fetch", "-q", "origin")
	return p.git("rev-parse", "origin/"+branch)
}

const candidate = "assay/prod/e012345678"

func (p *pullTest) create() forge.Pull {
	p.t.Helper()
	pull, err := p.Create(p.ctx, forge.New{
		Head: candidate, Base: "main", Title: "Promote v2", Body: "Verdict: promote", Labels: []string{"assay"},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return pull
}

// merge tries as a caller does, while the forge asks for it.
func (p *pullTest) merge(number int64, m forge.Merge) (string, error) {
	p.t.Helper()
	for range 20 {
		sha, err := p.Merge(p.ctx, number, m)
		if !errors.Is(err, forge.ErrTryAgain) {
			return sha, err
		}
	}
	p.t.Fatal("Gitea asks to try again without end")
	return "", nil
}

func lifeOfAPull(t *testing.T, p *pullTest) {
	sha := p.push("main", candidate, "tag: v2\n")
	pull := p.create()
	if pull.State != forge.StateOpen || pull.HeadSHA != sha || pull.Head != candidate || pull.Base != "main" || pull.Draft {
		t.Errorf("created %+v, of %s", pull, sha)
	}
	for name, address := range map[string]string{"the pull request": pull.URL, "comparing": p.CompareURL("main", candidate)} {
		// A private repository is not shown to strangers.
		if status := get(t, address, nil); status != http.StatusNotFound {
			t.Errorf("%s: %s answers strangers %d", name, address, status)
		}
		if status := get(t, address, p.login()); status != http.StatusOK {
			t.Errorf("%s: %s answers %d", name, address, status)
		}
	}

	restarted := p.open(p.token)
	found, err := restarted.Find(p.ctx, candidate, "main")
	if err != nil || len(found) != 1 || found[0].Number != pull.Number || !slices.Equal(found[0].Labels, []string{"assay"}) {
		t.Errorf("found %+v, %v", found, err)
	}
	list, err := restarted.List(p.ctx, "assay/prod/", "main")
	if err != nil || len(list) != 1 || list[0].HeadSHA != sha {
		t.Errorf("listed %+v, %v", list, err)
	}

	title, body, draft := "Promote v2.1", "More evidence", true
	if err := restarted.Update(p.ctx, pull.Number, forge.Change{Title: &title, Body: &body, Draft: &draft}); err != nil {
		t.Fatal(err)
	}
	if got, _ := p.Get(p.ctx, pull.Number); got.Title != title || got.Body != body || !got.Draft {
		t.Errorf("updated to %+v", got)
	}
	if _, err := p.merge(pull.Number, forge.Merge{HeadSHA: sha}); !errors.Is(err, forge.ErrNotMergeable) {
		t.Errorf("merging a draft is %v", err)
	}
	draft = false
	if err := restarted.Update(p.ctx, pull.Number, forge.Change{Draft: &draft}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := restarted.Comment(p.ctx, pull.Number, "Look here"); err != nil {
			t.Fatal(err)
		}
		if err := restarted.AddLabels(p.ctx, pull.Number, "assay", "prod"); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := p.Get(p.ctx, pull.Number); got.Draft || len(got.Labels) != 2 {
		t.Errorf("now it is %+v", got)
	}

	merged, err := p.merge(pull.Number, forge.Merge{HeadSHA: sha, Title: "Promote v2", Message: "Assay-Outcome: promoted"})
	if err != nil || merged != p.tip("main") {
		t.Fatalf("merged as %s, %v", merged, err)
	}
	if message := p.git("log", "-1", "--format=%B", merged); message != "Promote v2\n\nAssay-Outcome: promoted" {
		t.Errorf("the commit says %q", message)
	}
	if again, err := p.Merge(p.ctx, pull.Number, forge.Merge{HeadSHA: sha}); err != nil || again != merged {
		t.Errorf("merging it again is %s, %v", again, err)
	}
	if err := p.Close(p.ctx, pull.Number); !errors.Is(err, forge.ErrMerged) {
		t.Errorf("closing it is %v", err)
	}
	p.git("push", "-q", "origin", ":"+candidate)
	found, err = p.Find(p.ctx, candidate, "main")
	if err != nil || len(found) != 1 || found[0].State != forge.StateMerged || found[0].MergeSHA != merged || found[0].HeadSHA != sha {
		t.Errorf("without its branch it is %+v, %v", found, err)
	}
}

func createAndAdopt(t *testing.T, p *pullTest) {
	if found, err := p.Find(p.ctx, candidate, "main"); err != nil || len(found) != 0 {
		t.Errorf("found %+v, %v in an empty repository", found, err)
	}
	p.git("push", "-q", "origin", "main:"+candidate)
	if _, err := p.Create(p.ctx, forge.New{Head: candidate, Base: "main", Title: "Nothing"}); !errors.Is(err, forge.ErrNoChange) {
		t.Errorf("without a change it is %v", err)
	}
	p.push("main", candidate, "tag: v2\n")
	first, second := p.create(), p.create()
	if first.Number != second.Number {
		t.Errorf("opened %d and %d", first.Number, second.Number)
	}
	if err := p.Comment(p.ctx, first.Number, "Superseded"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Close(p.ctx, first.Number); err != nil {
			t.Fatal(err)
		}
	}
	third := p.create()
	found, err := p.Find(p.ctx, candidate, "main")
	if err != nil || len(found) != 2 || found[0].Number != third.Number || found[1].State != forge.StateClosed {
		t.Errorf("found %+v, %v", found, err)
	}
	if list, err := p.List(p.ctx, "assay/", ""); err != nil || len(list) != 1 {
		t.Errorf("listed %+v, %v", list, err)
	}
}

// commitStatus: a commit has the statuses that it was given, by the page's own word.
func commitStatus(t *testing.T, p *pullTest) {
	commit := p.tip("main")
	for _, state := range []forge.StatusState{forge.StatusPending, forge.StatusPending, forge.StatusFailure, forge.StatusSuccess} {
		if err := p.SetStatus(p.ctx, commit, forge.Status{Context: "assay/prod", State: state, Description: strings.Repeat("it runs ", 100), URL: "https://example.com/1"}); err != nil {
			t.Fatal(state, err)
		}
	}
	err := p.SetStatus(p.ctx, strings.Repeat("0", 40), forge.Status{Context: "assay/prod", State: forge.StatusPending})
	if err == nil || !strings.Contains(err.Error(), "set the status of commit 0000") {
		t.Errorf("error %v", err)
	}
}

func headMoved(t *testing.T, p *pullTest) {
	sha := p.push("main", candidate, "tag: v2\n")
	pull := p.create()
	byHand := p.push(candidate, candidate, "tag: v2-by-hand\n")
	if _, err := p.merge(pull.Number, forge.Merge{HeadSHA: sha}); !errors.Is(err, forge.ErrHeadMoved) {
		t.Errorf("got %v, want ErrHeadMoved", err)
	}
	if got, _ := p.Get(p.ctx, pull.Number); got.State != forge.StateOpen || got.HeadSHA != byHand {
		t.Errorf("it is %+v", got)
	}
}

func conflict(t *testing.T, p *pullTest) {
	sha := p.push("main", candidate, "tag: v2\n")
	pull := p.create()
	p.push("main", "main", "tag: v3\n")
	_, err := p.merge(pull.Number, forge.Merge{HeadSHA: sha})
	if !errors.Is(err, forge.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

func rules(t *testing.T, p *pullTest) {
	sha := p.push("main", candidate, "tag: v2\n")
	pull := p.create()
	if err := p.server.Protect(p.ctx, p.name, "main", 1); err != nil {
		t.Fatal(err)
	}
	_, err := p.merge(pull.Number, forge.Merge{HeadSHA: sha})
	if !errors.Is(err, forge.ErrNotMergeable) || !strings.Contains(err.Error(), "approvals") {
		t.Errorf("got %v, want ErrNotMergeable for want of approvals", err)
	}
}

func denied(t *testing.T, p *pullTest) {
	p.push("main", candidate, "tag: v2\n")
	read, err := p.server.NewToken(p.ctx, "read", "read:repository", "read:issue")
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.open(read).Create(p.ctx, forge.New{Head: candidate, Base: "main", Title: "Promote v2"})
	holds(t, err, read, "open a pull request of assay/denied on Gitea", "403", "write:repository")
	_, err = p.open("0123456789").Find(p.ctx, candidate, "main")
	holds(t, err, "0123456789", "401", "the token is wrong")
	p.repo.Path = "assay/none"
	_, err = p.open(p.token).Find(p.ctx, candidate, "main")
	holds(t, err, p.token, "404", p.server.URL+"/assay/none exists")
}

func methods(t *testing.T, p *pullTest) {
	for number, method := range []forge.Method{forge.MethodSquash, forge.MethodRebase} {
		content := "tag: " + string(method) + "\n"
		p.git("fetch", "-q", "origin")
		sha := p.push("main", candidate, content)
		before := p.tip("main")
		pull := p.create()
		merged, err := p.merge(pull.Number, forge.Merge{HeadSHA: sha, Method: method, Title: "Promote"})
		if err != nil || merged != p.tip("main") {
			t.Fatalf("%s: merged as %s, %v", method, merged, err)
		}
		if parents := p.git("log", "-1", "--format=%P", merged); parents != before && merged != sha {
			t.Errorf("%s: the parents are %s, want %s", method, parents, before)
		}
		if pull.Number != int64(number)+1 {
			t.Errorf("%s: it has the number %d", method, pull.Number)
		}
		p.git("push", "-q", "origin", ":"+candidate)
	}
}

func holds(t *testing.T, err error, secret string, parts ...string) {
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

// login is a browser that the administrator has signed in with.
func (p *pullTest) login() http.CookieJar {
	p.t.Helper()
	jar, err := p.server.Login(p.ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	return jar
}

func get(t *testing.T, address string, jar http.CookieJar) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Jar: jar}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}
