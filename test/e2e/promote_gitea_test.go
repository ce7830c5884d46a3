//go:build e2e

package e2e_test

import (
	"encoding/json"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/test/e2e/gitea"
)

// TestPromoteOnGitea runs the command itself against a real server, a process
// for each step, so that each begins with what Git and the forge know.
func TestPromoteOnGitea(t *testing.T) {
	t.Parallel()
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	cli := buildCLI(t)
	server, err := gitea.Start(ctx, gitea.Options{Dir: t.TempDir(), Root: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	token, err := server.NewToken(ctx, "assay", "write:repository", "write:issue")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]func(*loopTest){
		"promotions": promotions,
		"protected":  protectedBranch,
	} {
		t.Run(name, func(t *testing.T) {
			l := &loopTest{pullTest: newPullTest(ctx, t, server, token, name), cli: cli}
			l.commit("shop/prod/web.yaml", webManifest("1.0.0"))
			l.plan("manual")
			test(l)
		})
	}
}

// webManifest is the environment: one Deployment, in the flat layout.
func webManifest(tag string) string {
	return `# The shop.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/shop/web:` + tag + `"}]} # pinned
`
}

// loopTest is an environment on the server, and the command.
type loopTest struct {
	*pullTest
	cli cli
}

// plan says how promotions get to the branch.
func (l *loopTest) plan(merge string) {
	l.t.Helper()
	l.commit("shop/prod/assay.yaml", `# +argocd:skip-file-rendering
apiVersion: assay.dev/v1alpha1
kind: Plan
metadata: {name: shop}
spec:
  promotion: {method: pull-request, merge: `+merge+`, title: Deploy the promoted version}
`)
}

// commit puts a file on main, as people do.
func (l *loopTest) commit(name, content string) {
	l.t.Helper()
	l.git("fetch", "-q", "origin")
	l.git("checkout", "-q", "-B", "main", "origin/main")
	file := filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.git("add", "--all")
	l.git("commit", "-q", "-m", "Change "+name)
	l.git("push", "-q", "origin", "main")
}

// run runs a subcommand on the environment in a process of its own, and
// returns its exit code and what it prints.
func (l *loopTest) run(args ...string) (code int, stdout, stderr string) {
	l.t.Helper()
	args = append(args, "--repo", l.server.URL+"/"+l.repo.Path+".git", "--path", "shop/prod",
		"--forge", "gitea", "--forge-api", l.server.URL+"/api/v1")
	code, stdout, stderr = l.cli.run(l.ctx, l.t, []string{"ASSAY_TOKEN=" + l.token}, args...)
	if strings.Contains(stdout+stderr, l.token) {
		l.t.Error("the output holds the token")
	}
	return code, stdout, stderr
}

// ok runs a subcommand that must succeed.
func (l *loopTest) ok(args ...string) (stdout, stderr string) {
	l.t.Helper()
	code, stdout, stderr := l.run(args...)
	if code != 0 {
		l.t.Fatalf("assay %s: exit code %d: %s", args[0], code, stderr)
	}
	return stdout, stderr
}

// set puts a candidate under test, and returns its ID.
func (l *loopTest) set(tag string) string {
	l.t.Helper()
	out, _ := l.ok("candidate", "set", "--tag", tag)
	found := regexp.MustCompile(`^wrote candidate ` + regexp.QuoteMeta(tag) + ` \((e[0-9a-f]{9})\)`).FindStringSubmatch(out)
	if found == nil {
		l.t.Fatalf("candidate set says no ID: %s", out)
	}
	return found[1]
}

// promote promotes by hand.
func (l *loopTest) promote() (stdout, stderr string) {
	l.t.Helper()
	return l.ok("promote", "--reason", "looks good")
}

// pull is the one pull request of a candidate.
func (l *loopTest) pull(id string) forge.Pull {
	l.t.Helper()
	list, err := l.Find(l.ctx, "assay/shop/prod/"+id, "main")
	if err != nil || len(list) != 1 {
		l.t.Fatalf("%s has the pull requests %+v, %v", id, list, err)
	}
	return list[0]
}

// decision is what assay history -o json tells.
type decision struct {
	Outcome, Candidate, ID, Engine, Commit, RevertedBy string
}

// history is the decisions, without what put candidates under test, took their place, or closed pull requests.
func (l *loopTest) history() []decision {
	l.t.Helper()
	out, _ := l.ok("history", "-o", "json")
	var all []decision
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		l.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(d decision) bool {
		return d.Outcome == "candidate" || d.Outcome == "preempt" || d.Outcome == "close"
	})
}

// promoted checks that the history tells of a promotion once, by this commit.
func (l *loopTest) promoted(tag, id, commit string) {
	l.t.Helper()
	found := slices.DeleteFunc(l.history(), func(d decision) bool { return d.ID != id })
	want := []decision{{Outcome: "promote", Candidate: tag, ID: id, Engine: "by hand", Commit: commit}}
	if !slices.Equal(found, want) {
		l.t.Errorf("the history tells of %+v, want %+v", found, want)
	}
}

// openPulls are the numbers that assay status lists.
func (l *loopTest) openPulls() []int64 {
	l.t.Helper()
	out, _ := l.ok("status", "-o", "json")
	var list []struct {
		PullRequests []struct{ Number int64 }
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 {
		l.t.Fatalf("status lists %d environments, %v", len(list), err)
	}
	var numbers []int64
	for _, p := range list[0].PullRequests {
		numbers = append(numbers, p.Number)
	}
	return numbers
}

// onMain checks that main holds the tag and no candidate; more is what it holds beside
// the plan and the manifest.
func (l *loopTest) onMain(tag string, more ...string) {
	l.t.Helper()
	tip := l.tip("main")
	if got := l.git("show", tip+":shop/prod/web.yaml") + "\n"; got != webManifest(tag) {
		l.t.Errorf("main has %s", got)
	}
	want := slices.Sorted(slices.Values(append(more, "shop/prod/assay.yaml", "shop/prod/web.yaml")))
	if names := strings.Split(l.git("ls-tree", "--name-only", tip, "shop/prod/"), "\n"); !slices.Equal(names, want) {
		l.t.Errorf("main has the files %v, want %v", names, want)
	}
}

// outcomes are the refs that tell of what no commit of main tells, less those of closed pull
// requests.
func (l *loopTest) outcomes() string {
	l.t.Helper()
	lines := slices.DeleteFunc(strings.Split(l.git("ls-remote", "origin", "refs/assay/*"), "\n"), func(line string) bool { return strings.Contains(line, "/closed-") })
	return strings.Join(lines, "\n")
}

// expect fails unless a text holds all parts.
func (l *loopTest) expect(text string, parts ...string) {
	l.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			l.t.Errorf("%q is not in: %s", part, text)
		}
	}
}

// promotions is the life of an environment whose plan asks for pull requests.
func promotions(l *loopTest) {
	first := l.opened()
	second := l.superseded(first)
	l.squashed(second)
	l.automatic()
	l.reverted()
}

// opened opens a pull request for a candidate twice: the second process adopts what the first
// one opened.
func (l *loopTest) opened() forge.Pull {
	l.t.Helper()
	id := l.set("2.0.0")
	out, _ := l.promote()
	l.expect(out, "proposed to promote candidate 2.0.0 ("+id+")", "opened pull request ")
	made := l.pull(id)
	if made.State != forge.StateOpen || made.Title != "Deploy the promoted version" || made.HeadSHA != l.tip(made.Head) {
		l.t.Errorf("opened %+v", made)
	}
	l.expect(made.Body, id, "looks good", "Assay-Outcome: promote", "Assay-Environment: shop/prod", "Assay-Experiment: "+id, "Assay-Digest: v2:"+id[1:], "Assay-Promotion: ")
	if got := l.openPulls(); !slices.Equal(got, []int64{made.Number}) {
		l.t.Errorf("status lists %v", got)
	}
	if got := l.history(); len(got) != 0 {
		l.t.Errorf("before the merge the history tells of %+v", got)
	}

	out, _ = l.promote()
	l.expect(out, "adopted pull request ")
	if again := l.pull(id); again.Number != made.Number || again.HeadSHA != made.HeadSHA {
		l.t.Errorf("adopted %+v of %+v", again, made)
	}
	return made
}

// superseded opens one for a newer candidate, which closes the pull request of the
// older one.
func (l *loopTest) superseded(old forge.Pull) forge.Pull {
	l.t.Helper()
	id := l.set("3.0.0")
	out, _ := l.promote()
	l.expect(out, "proposed to promote candidate 3.0.0 ("+id+")", "opened pull request ")
	closed, err := l.Get(l.ctx, old.Number)
	if err != nil || closed.State != forge.StateClosed || !slices.Equal(closed.Labels, []string{"assay/superseded"}) {
		l.t.Errorf("the older one is %+v, %v", closed, err)
	}
	made := l.pull(id)
	comments, err := l.server.Comments(l.ctx, l.name, old.Number)
	if err != nil || len(comments) != 1 {
		l.t.Fatalf("the older one has the comments %q, %v", comments, err)
	}
	l.expect(comments[0], "Superseded", "not under test on `main`")
	if got := l.openPulls(); !slices.Equal(got, []int64{made.Number}) {
		l.t.Errorf("status lists %v", got)
	}
	return made
}

// squashed merges by squash, and with a message that drops the trailers. The
// next run finds out, and the history tells of it.
func (l *loopTest) squashed(pull forge.Pull) {
	l.t.Helper()
	merged, err := l.merge(pull.Number, forge.Merge{HeadSHA: pull.HeadSHA, Method: forge.MethodSquash, Title: "Ship it", Message: "In a hurry."})
	if err != nil {
		l.t.Fatal(err)
	}
	if message := l.git("log", "-1", "--format=%B", l.tip("main")); strings.Contains(message, "Assay-") {
		l.t.Fatalf("the merge keeps the trailers: %s", message)
	}
	out, messages := l.promote()
	if out != "" {
		l.t.Errorf("without a candidate it says %s", out)
	}
	l.expect(messages, "shop/prod has no candidate: nothing to do")
	l.promoted("3.0.0", strings.TrimPrefix(pull.Head, "assay/shop/prod/"), merged)
	if got := l.history(); len(got) != 1 {
		l.t.Errorf("the history tells of %+v", got)
	}
	l.onMain("3.0.0")
	outcomes := l.outcomes()
	if outcomes == "" || strings.Contains(outcomes, "\n") {
		l.t.Errorf("not one outcome is kept: %s", outcomes)
	}
	l.promote()
	if again := l.outcomes(); again != outcomes {
		l.t.Errorf("the next run turns %s into %s", outcomes, again)
	}
}

// automatic has the plan let Assay merge.
func (l *loopTest) automatic() {
	l.t.Helper()
	l.plan("auto")
	id := l.set("4.0.0")
	out, _ := l.promote()
	l.expect(out, "promoted candidate 4.0.0 ("+id+")", "merged pull request ")
	pull := l.pull(id)
	tip := l.tip("main")
	if pull.State != forge.StateMerged || pull.MergeSHA != tip || l.git("rev-parse", tip+"^2") != pull.HeadSHA {
		l.t.Errorf("merged %+v, and main is at %s", pull, tip)
	}
	l.onMain("4.0.0")
	l.promoted("4.0.0", id, tip) // the commit that it merges tells the same, and counts once with it
	if got := l.openPulls(); len(got) != 0 {
		l.t.Errorf("status lists %v", got)
	}
}

// reverted undoes the merged promotion.
func (l *loopTest) reverted() {
	l.t.Helper()
	out, _ := l.ok("revert", "--reason", "errors at checkout")
	l.expect(out, "reverted the promotion of candidate 4.0.0")
	l.onMain("3.0.0")
	list := l.history()
	if tip := l.tip("main"); list[0].Outcome != "revert" || list[0].Commit != tip || list[1].RevertedBy != tip {
		l.t.Errorf("the history tells of %+v", list)
	}
	code, out, messages := l.run("candidate", "set", "--tag", "4.0.0")
	if code != 1 || out != "" {
		l.t.Errorf("what was reverted is set with the exit code %d: %s", code, out)
	}
	l.expect(messages, "was promoted, and reverted in commit")
}

// protectedBranch lets nobody push to main: a candidate gets there by a pull
// request.
func protectedBranch(l *loopTest) {
	if err := l.server.Protect(l.ctx, l.name, "main", 1); err != nil {
		l.t.Fatal(err)
	}
	before := l.tip("main")
	code, out, messages := l.run("candidate", "set", "--tag", "2.0.0")
	if code != 1 || out != "" || l.tip("main") != before {
		l.t.Errorf("the exit code is %d: %s", code, out)
	}
	l.expect(messages, "Not allowed to push to protected branch main", "--pull-request")

	out, _ = l.ok("candidate", "set", "--tag", "2.0.0", "--pull-request")
	l.expect(out, "opened pull request ")
	list, err := l.List(l.ctx, "assay/shop/prod/candidate-", "main")
	if err != nil || len(list) != 1 || l.tip("main") != before {
		l.t.Fatalf("opened %+v, %v", list, err)
	}
	out, _ = l.ok("candidate", "set", "--tag", "2.0.0", "--pull-request")
	l.expect(out, "adopted pull request ")
	if got := l.openPulls(); !slices.Equal(got, []int64{list[0].Number}) {
		l.t.Errorf("status lists %v", got)
	}
}
