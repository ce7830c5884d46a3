//go:build linux

package worktree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
)

// What the test tells the process that it kills.
const (
	crashDir  = "ASSAY_TEST_CRASH_DIR"
	crashEnv  = "ASSAY_TEST_CRASH_ENV"
	crashStep = "ASSAY_TEST_CRASH_STEP" // number of the step before which it dies
	crashGit  = "ASSAY_TEST_CRASH_GIT"
	crashWhat = "ASSAY_TEST_CRASH_OUTCOME"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := crashed(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashed is the process that kills itself.
func crashed(dir string) error {
	last, err := strconv.Atoi(os.Getenv(crashStep))
	if err != nil {
		return err
	}
	c := crash{env: os.Getenv(crashEnv), outcome: decision.Outcome(os.Getenv(crashWhat)), git: os.Getenv(crashGit)}
	at := 0
	return c.decide(context.Background(), dir, func(string) {
		if at++; at == last {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	})
}

// decide is what the commands run, by people who look at what is under test.
func (c crash) decide(ctx context.Context, dir string, step func(string)) error {
	d := at(dir)
	d.View.Request.Dir, d.Commit, d.step = c.env, c.git != "", step
	_, err := d.Decide(ctx, promote.Decider{Wanted: c.outcome, Choose: func(_ context.Context, tip promote.Tip) (promote.Choice, error) {
		return promote.Choice{Decision: promote.Decision{Outcome: c.outcome, Reason: "it was looked at", ID: digest.Selector(tip.Rendered.ID)}}, nil
	}})
	return err
}

// finish runs the decision in this process, which knows nothing of those that
// were killed.
func (c crash) finish(t *testing.T, dir string) {
	t.Helper()
	if err := c.decide(t.Context(), dir, quiet); err != nil {
		t.Fatal(err)
	}
}

// run runs the decision in a process of its own and reports whether it was killed.
func (c crash) run(t *testing.T, dir string, step int) (killed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashEnv+"="+c.env, crashStep+"="+strconv.Itoa(step), crashWhat+"="+string(c.outcome), crashGit+"="+c.git, "GOGC=off")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			return true
		}
	}
	if err != nil {
		t.Fatalf("step %d: %v\n%s", step, err, out)
	}
	return false
}

type crash struct {
	name, env, git string
	outcome        decision.Outcome
	files          envrepo.Files
}

func crashes() []crash {
	web, cart := envrepo.Deployment("web"), envrepo.Deployment("cart")
	prod := envrepo.Files{
		"prod/web.yaml": web, "prod/cart.yaml": cart, "prod/z.yaml": strings.ReplaceAll(web, "web\n", "z\n"),
		"prod/candidate.yaml":    envrepo.Skip + envrepo.Marker("2.0.0"),
		"staging/web.yaml":       web,
		"staging/candidate.yaml": envrepo.Skip + envrepo.Marker("1.9.0"),
		"prod/assay.yaml":        envrepo.Plan("promotion: {to: [{path: ../staging}]}"),
	}
	appends := prod.With(envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.MarkerHead("2.0.0") + `  patches:
  - target: {kind: Deployment}
    patch: |
      - op: add
        path: /spec/template/spec/containers/0/args
        value: []
  - target: {kind: Deployment, name: web}
    patch: |
      - op: add
        path: /spec/template/spec/containers/0/args/-
        value: --once
`})
	queue := prod.With(envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("2.0.0") + "---\n" + envrepo.Marker("3.0.0")})
	return []crash{
		{"promote", "prod", "", decision.Promote, prod},
		{"promote a change that appends", "prod", "", decision.Promote, appends},
		{"promote with a queue", "prod", "", decision.Promote, queue},
		{"reject", "prod", "", decision.Reject, prod},
		{"reject with a queue", "prod", "", decision.Reject, queue},
		{"promote and commit", "prod", "yes", decision.Promote, queue},
		{"reject and commit", "prod", "yes", decision.Reject, prod},
	}
}

// TestKilledAtEveryStep kills the process before every step, and once more at
// every step of finishing: the same command then leaves the tree that it leaves
// when nothing happens.
func TestKilledAtEveryStep(t *testing.T) {
	for _, c := range crashes() {
		t.Run(c.name, func(t *testing.T) {
			want := c.tree(t)
			c.finish(t, want)
			finished := envrepo.Read(t, os.DirFS(want))
			if finished["prod/candidate.yaml"] == c.files["prod/candidate.yaml"] {
				t.Fatal("nothing was decided")
			}
			step := 1
			for ; ; step++ {
				dir := c.tree(t)
				if !c.run(t, dir, step) {
					break
				}
				c.check(t, dir)
				if c.run(t, dir, step%3+1) {
					c.finish(t, dir)
				}
				envrepo.Same(t, fmt.Sprintf("killed before step %d", step), finished, envrepo.Read(t, os.DirFS(dir)))
				if c.git != "" {
					c.checkGit(t, want, dir)
				}
			}
			if step < 4 {
				t.Errorf("there were only %d steps to be killed at", step-1)
			}
		})
	}
}

// check holds that each file is the old or the new one, whole.
func (c crash) check(t *testing.T, dir string) {
	t.Helper()
	now := envrepo.Read(t, os.DirFS(dir))
	for name, text := range c.files {
		if got, ok := now[name]; ok && got != text && !strings.HasSuffix(got, "\n") {
			t.Errorf("%s is cut off", name)
		}
	}
}

// tree is a new copy of the files, committed where that is under test.
func (c crash) tree(t *testing.T) string {
	t.Helper()
	dir := c.files.On(t)
	if c.git != "" {
		t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
		for _, name := range []string{"AUTHOR", "COMMITTER"} {
			t.Setenv("GIT_"+name+"_NAME", "A")
			t.Setenv("GIT_"+name+"_EMAIL", "a@example.com")
		}
		runGit(t, dir, "init", "-q")
		runGit(t, dir, "add", "-A")
		runGit(t, dir, "commit", "-q", "-m", "start")
	}
	return dir
}

func (c crash) checkGit(t *testing.T, want, got string) {
	t.Helper()
	if status := runGit(t, got, "status", "--porcelain"); status != "" {
		t.Errorf("not committed: %s", status)
	}
	if a, b := runGit(t, want, "rev-parse", "HEAD^{tree}"), runGit(t, got, "rev-parse", "HEAD^{tree}"); a != b {
		t.Errorf("committed is tree %s, not %s", b, a)
	}
	if n := runGit(t, got, "rev-list", "--count", "HEAD"); n != "2" {
		t.Errorf("there are %s commits", n)
	}
}

func runGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestSwept: what a decision that was killed before its record has staged does
// not outlast another decision, and what one that has a record needs does.
func TestSwept(t *testing.T) {
	c := crash{env: "prod", outcome: decision.Promote, files: envrepo.Shop()}
	want := envrepo.Shop()
	delete(want, "prod/candidate.yaml")
	dir := c.tree(t)
	if !c.run(t, dir, 3) || len(envrepo.Read(t, os.DirFS(dir))) <= len(c.files) {
		t.Fatal("nothing was left behind")
	}
	decided(t, dir, decision.Reject)
	envrepo.Same(t, "after the rejection", want, envrepo.Read(t, os.DirFS(dir)))

	// What another environment of the directory needs to finish, and what lies there
	// as a record did once.
	other := envrepo.Files{"prod/.other.yaml.assay-part": "x\n", "prod/.candidate.other.yaml.assay-record": "{}\n"}
	dir = c.files.With(other).On(t)
	d := at(dir)
	d.View.Request.Name = "other"
	s, err := d.store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := (&Record{Root: s.root, Outcome: decision.Promote, Environment: s.env}).of([]git.File{{Path: "prod/other.yaml", After: []byte("x\n")}})
	if err := errors.Join(s.ready(), s.save(r, quiet)); err != nil {
		t.Fatal(err)
	}
	decided(t, dir, decision.Reject)
	envrepo.Same(t, "another environment's", want.With(other), envrepo.Read(t, os.DirFS(dir)))
}
