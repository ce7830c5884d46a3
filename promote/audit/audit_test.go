package audit_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote/audit"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/envrepo"
)

// repo is a repository whose first commit is an environment of two workloads.
type repo struct {
	t   *testing.T
	dir string
	env []string
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	r := &repo{t, envrepo.Files{"prod/web.yaml": web("1.0.0"), "prod/cart.yaml": envrepo.Deployment("cart"), "prod/notes.yaml": notes("a")}.On(t), []string{
		"PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com",
	}}
	r.git("init", "-q", "-b", "main")
	r.commit("start", nil)
	r.git("tag", "start")
	return r
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// write changes files; an empty one is removed.
func (r *repo) write(files envrepo.Files) {
	r.t.Helper()
	for name, text := range files {
		if text == "" {
			r.git("rm", "-q", name)
			continue
		}
		envrepo.Put(r.t, r.dir, name, text)
	}
}

func (r *repo) commit(message string, files envrepo.Files) string {
	r.t.Helper()
	r.write(files)
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", message)
	return r.git("rev-parse", "HEAD")
}

// promote puts 2.0.0 under test, and commits what is to be its promotion.
func (r *repo) promote(record history.Record, version string) string {
	r.t.Helper()
	r.commit("test 2.0.0", envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.MarkerHead("2.0.0") + "  patches: [{target: {kind: Deployment, name: web}, patch: '[{op: replace, path: /spec/template/spec/containers/0/image, value: \"example.com/shop/web:2.0.0\"}]'}]\n"})
	return r.commit(record.Message("", ""), envrepo.Files{"prod/candidate.yaml": "", "prod/web.yaml": web(version)})
}

func (r *repo) audit(ctx context.Context, ref string) (audit.Report, error) {
	r.t.Helper()
	req, err := envrepo.Request(r.dir, "prod")
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = req.FS.Close() }()
	now, err := render.Environment(ctx, req)
	if err != nil {
		r.t.Fatal(err)
	}
	repo, err := local.Open(ctx, r.dir, git.Process{Env: r.env})
	if err != nil {
		r.t.Fatal(err)
	}
	return audit.Against(ctx, repo, req, audit.Options{Since: ref}, now)
}

// older changes the target on main, which is then the revision to start from, and
// leaves a branch checked out that is from before that.
func (r *repo) older(version string) {
	r.t.Helper()
	r.git("checkout", "-q", "-b", "side")
	r.commit("side", envrepo.Files{"prod/notes.yaml": notes("b")})
	r.git("checkout", "-q", "main")
	r.commit("edit", envrepo.Files{"prod/web.yaml": web(version)})
	r.git("tag", "-f", "start")
	r.git("checkout", "-q", "side")
}

func web(version string) string {
	return strings.ReplaceAll(envrepo.Deployment("web"), "1.0.0", version)
}

func notes(text string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\ndata: {text: " + text + "}\n"
}

// TestAgainst: each case makes commits, and says what no promotion accounts for.
func TestAgainst(t *testing.T) {
	prod := spec.Environment{Dir: "prod"}
	verdict := history.Record{Outcome: decision.Promote, Environment: prod, Engine: "Job"}
	byHand := history.Record{Outcome: decision.Promote, Environment: prod, Engine: history.ByHand}
	elsewhere := history.Record{Outcome: decision.Promote, Environment: spec.Environment{Dir: "staging"}, Engine: "Job"}
	reverts := func(commit string) history.Record {
		return history.Record{Outcome: decision.Revert, Environment: prod, Engine: history.ByHand, Reverts: commit}
	}
	const changed = "Deployment/web, in commit "
	for name, test := range map[string]struct {
		make   func(r *repo)
		want   string // of each change, with the commit left out; empty: none
		byHand int
	}{
		"nothing":                        {func(*repo) {}, "", 0},
		"what is not a target":           {func(r *repo) { r.commit("note", envrepo.Files{"prod/notes.yaml": notes("b")}) }, "", 0},
		"a verdict":                      {func(r *repo) { r.promote(verdict, "2.0.0") }, "", 0},
		"by hand":                        {func(r *repo) { r.promote(byHand, "2.0.0") }, "", 1},
		"no promotion":                   {func(r *repo) { r.commit("edit", envrepo.Files{"prod/web.yaml": web("2.0.0")}) }, changed, 0},
		"another environment's":          {func(r *repo) { r.promote(elsewhere, "2.0.0") }, changed, 0},
		"something else than was tested": {func(r *repo) { r.promote(verdict, "2.0.1") }, changed + ", which promotes something other than what was tested", 0},
		"a promotion of what nobody tested": {func(r *repo) {
			r.commit(verdict.Message("", ""), envrepo.Files{"prod/web.yaml": web("2.0.0")})
		}, changed + ", which promotes what was not under test", 0},
		"a revert": {func(r *repo) {
			promoted := r.promote(verdict, "2.0.0")
			r.commit("note", envrepo.Files{"prod/notes.yaml": notes("b")})
			r.git("tag", "-f", "start")
			r.commit(reverts(promoted).Message("", ""), envrepo.Files{"prod/web.yaml": web("1.0.0")})
		}, "", 0},
		"a revert to something else": {func(r *repo) {
			promoted := r.promote(verdict, "2.0.0")
			r.git("tag", "-f", "start")
			r.commit(reverts(promoted).Message("", ""), envrepo.Files{"prod/web.yaml": web("0.9.0")})
		}, changed + ", which reverts to something other than what was before the promotion", 0},
		"a revert of what promotes nothing": {func(r *repo) {
			edit := r.commit("edit", envrepo.Files{"prod/web.yaml": web("2.0.0")})
			r.git("tag", "-f", "start")
			r.commit(reverts(edit).Message("", ""), envrepo.Files{"prod/web.yaml": web("1.0.0")})
		}, "prod, in commit , which reverts a commit that promotes nothing there", 0},
		"a revert of what only claims to promote": {func(r *repo) {
			r.commit("edit", envrepo.Files{"prod/web.yaml": web("2.0.0")})
			claimed := r.commit(verdict.Message("", ""), envrepo.Files{"prod/web.yaml": web("1.0.0")})
			r.git("tag", "-f", "start")
			r.commit(reverts(claimed).Message("", ""), envrepo.Files{"prod/web.yaml": web("2.0.0")})
		}, "prod, in commit , which reverts a commit that does not promote what was under test", 0},
		"a revert of what is beside the branch": {func(r *repo) {
			r.git("checkout", "-q", "-b", "side")
			r.commit("edit", envrepo.Files{"prod/web.yaml": web("0.9.0")})
			promoted := r.promote(verdict, "2.0.0")
			r.git("checkout", "-q", "main")
			r.commit(reverts(promoted).Message("", ""), envrepo.Files{"prod/web.yaml": web("0.9.0")})
		}, "prod, in commit , which reverts a commit that is not in its history", 0},
		"a target that is gone for a commit": {func(r *repo) {
			r.commit("away", envrepo.Files{"prod/web.yaml": ""})
			r.commit("back", envrepo.Files{"prod/web.yaml": web("2.0.0")})
		}, changed, 0},
		"an environment that is gone for a commit": {func(r *repo) {
			r.git("mv", "prod", "moved")
			r.commit("away", nil)
			r.git("mv", "moved", "prod")
			r.commit("back", envrepo.Files{"prod/web.yaml": web("2.0.0")})
		}, changed, 0},
		"a target that the plan drops first": {func(r *repo) {
			r.commit("plan", envrepo.Files{"prod/assay.yaml": envrepo.Plan("targets: [{kind: Deployment, name: cart}]")})
			r.commit("edit", envrepo.Files{"prod/web.yaml": web("2.0.0")})
		}, changed, 0},
		"a target that names its namespace": {func(r *repo) {
			r.commit("edit", envrepo.Files{"prod/web.yaml": strings.Replace(web("2.0.0"), "metadata:\n", "metadata:\n  namespace: shop\n", 1)})
		}, "Deployment/shop/web, in commit ", 0},
		"a history of its own": {func(r *repo) {
			r.git("checkout", "-q", "--orphan", "other")
			r.commit("other", envrepo.Files{"prod/web.yaml": web("2.0.0")})
			r.git("checkout", "-q", "main")
			r.git("merge", "-q", "--allow-unrelated-histories", "-X", "theirs", "--no-edit", "other")
		}, changed, 0},
		"a merge": {func(r *repo) {
			r.git("checkout", "-q", "-b", "side")
			r.promote(verdict, "2.0.0")
			r.git("checkout", "-q", "main")
			r.commit("note", envrepo.Files{"prod/notes.yaml": notes("b")})
			r.git("merge", "-q", "--no-edit", "side")
		}, "", 0},
		"a branch from before that is brought up to date": {func(r *repo) {
			r.older("1.5.0")
			r.git("merge", "-q", "--no-edit", "main")
			r.commit("note", envrepo.Files{"prod/notes.yaml": notes("c")})
		}, "", 0},
		"a merge that brings back what was before": {func(r *repo) {
			r.older("1.5.0")
			r.git("merge", "-q", "--no-edit", "-s", "ours", "main")
		}, changed, 0},
		"a merge of what was before": {func(r *repo) {
			r.commit("edit", envrepo.Files{"prod/web.yaml": web("1.5.0")})
			r.git("tag", "old", "start")
			r.git("tag", "-f", "start")
			r.git("reset", "-q", "--hard", r.git("commit-tree", "-p", "start", "-p", "old", "-m", "merge", "old^{tree}"))
		}, changed, 0},
		"files that are not committed": {func(r *repo) { r.write(envrepo.Files{"prod/web.yaml": web("2.0.0")}) }, "Deployment/web, in files that are not committed", 0},
		"there and back": {func(r *repo) {
			r.commit("edit", envrepo.Files{"prod/web.yaml": web("2.0.0")})
			r.commit("back", envrepo.Files{"prod/web.yaml": web("1.0.0")})
		}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t)
			test.make(r)
			got, err := r.audit(t.Context(), "start")
			if err != nil {
				t.Fatal(err)
			}
			if len(got.ByHand) != test.byHand {
				t.Errorf("by hand: %q", got.ByHand)
			}
			want := []string{test.want}
			if test.want == "" {
				want = nil
			}
			if len(got.Changed) != len(want) || len(want) == 1 && withoutCommit(got.Changed[0]) != want[0] {
				t.Errorf("%q, want %q", got.Changed, want)
			}
		})
	}
}

func withoutCommit(text string) string {
	before, after, found := strings.Cut(text, "in commit ")
	if !found {
		return text
	}
	return before + "in commit " + strings.TrimLeft(after, "0123456789abcdef")
}

func TestAgainstRefuses(t *testing.T) {
	r := newRepo(t)
	if _, err := r.audit(t.Context(), "nowhere"); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a revision that does not exist: %v", err)
	}
	broken := r.commit("break", envrepo.Files{"prod/web.yaml": "apiVersion: v1\n  kind: x\nmetadata: {name: x}\n"})
	r.commit("edit", envrepo.Files{"prod/web.yaml": web("2.0.0")})
	if _, err := r.audit(t.Context(), "start"); err == nil || !strings.Contains(err.Error(), "commit "+git.Short(broken)+" does not render") {
		t.Errorf("a commit that does not render: %v", err)
	}
}
