//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/test/e2e/stack"
)

// TestLoop closes the loop in a cluster: Argo CD syncs, Argo Rollouts judges, and the
// promoter concludes in Gitea, by itself. What does not depend on Argo CD's version is tried
// with one.
func TestLoop(t *testing.T) {
	t.Parallel()
	for _, version := range []loopVersion{
		{"v3.2.11", "argocd-v3", "helm-3.18.4", "kustomize-5.7.1", true},
		{"v2.14.21", "argocd-v2", "helm-3.16.3", "kustomize-5.4.3", false},
	} {
		t.Run(version.name, func(t *testing.T) {
			t.Parallel()
			if !stack.Isolated() {
				isolate(t)
				return
			}
			l := startLoop(t, version)
			if version.all {
				l.tutorial()
			}
			l.synced()
			l.promoted("2.0.0")
			l.rejected("3.0.0")
			l.preempted("4.0.0", "5.0.0")
			l.killed("6.0.0")
			l.next("7.0.0")
			l.neverReady("8.0.0")
			l.iter8()
			if version.all {
				l.disturbed("9.0.0")
				l.readOnly("9.1.0")
			}
			l.quiet("10.0.0", func() {
				l.generated("kept", true)
				l.generated("dropped", false)
				l.appOfApps("child")
				if version.all {
					l.experiment("trial")
					l.rollout("rollout")
					l.flagger("flagger")
				}
			})
			l.rebuilt()
		})
	}
}

// loopVersion is a version of Argo CD with what it renders with.
type loopVersion struct {
	name, argocd, helm, kustomize string
	all                           bool
}

// isolate runs this test in a network of its own. What needs another is built first.
func isolate(t *testing.T) {
	t.Helper()
	command(t, "test/components/build", "argo-rollouts", "argocd-v2", "argocd-v3", "etcd", "gitea", "helm-3.16.3", "helm-3.18.4",
		"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kustomize-5.4.3", "kustomize-5.7.1", "kwok")
	parts := strings.Split(t.Name(), "/")
	for i := range parts {
		parts[i] = "^" + regexp.QuoteMeta(parts[i]) + "$"
	}
	c, err := stack.Isolate(os.Args[0], "-test.run", strings.Join(parts, "/"), "-test.v", "-test.timeout", "20m")
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("%v: %s", err, bytes.Join(regexp.MustCompile(`(?m)^ +\w+\.go:\d+: failed: .*$`).FindAll(out, -1), []byte("\n")))
	}
}

const (
	soon    = 5 * time.Minute // what takes seconds on a machine that does nothing else
	onShop  = "shop/prod"     // the environment
	staging = "shop/staging"  // the next one
	shop    = "shop"          // its namespace, and the Application's name
	watched = 2 * time.Minute // how long nothing may flap
)

// loop is the stack, and the command that CI runs.
type loop struct {
	*stack.Stack
	t     *testing.T
	ctx   context.Context
	cli   cli
	forge *forge.Client

	promoter *stack.Promoter
	marked   string  // the commit that set the last candidate
	commits  []state // of main, in order
}

// state is what a commit of main has: the version that is proven, and the one under test.
type state struct{ commit, baseline, candidate string }

func startLoop(t *testing.T, version loopVersion) *loop {
	t.Helper()
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	dir, err := os.MkdirTemp("", "loop") // t.TempDir is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logs(t, dir)
		}
		_ = os.RemoveAll(dir)
	})
	bin := t.TempDir()
	command(t, "./build", filepath.Join(bin, "assay"))
	command(t, "./build", filepath.Join(bin, "assayd"))
	s, err := stack.Start(ctx, stack.Options{
		Dir: dir, Root: root, ArgoCD: version.argocd, Helm: version.helm, Kustomize: version.kustomize,
		Assay: filepath.Join(bin, "assay"), Assayd: filepath.Join(bin, "assayd"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	l := &loop{Stack: s, t: t, ctx: ctx, cli: cli{filepath.Join(bin, "assay")}}
	at, err := forge.Detect(s.Repo.URL)
	if err == nil {
		at, err = at.As(forge.Gitea, "")
	}
	if err == nil {
		l.forge, err = forge.Open(forge.Options{Repo: at, Token: func(context.Context) (string, error) { return s.Repo.Token, nil }})
	}
	l.must(err)
	l.promoter, err = s.StartPromoter(stack.Shared...)
	l.must(err)
	return l
}

// logs shows the end of each log of what runs.
func logs(t *testing.T, dir string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".log" {
			return nil
		}
		data, _ := os.ReadFile(name)
		t.Logf("--- %s\n%s", filepath.Base(name), data[max(0, len(data)-3000):])
		return nil
	})
}

func (l *loop) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatalf("failed: %v", err)
	}
}

// because is the error, or what is wrong where there is none.
func because(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return fmt.Errorf(format, args...)
}

// until waits for a condition.
func (l *loop) until(what string, check func() error) {
	l.t.Helper()
	began := time.Now()
	l.must(l.Until(soon, what, check))
	l.t.Logf("%s after %s", what, time.Since(began).Round(100*time.Millisecond))
}

// environment is what people committed: one Deployment, judged by a metric, with load.
func (l *loop) environment(promotion string) map[string]string {
	return map[string]string{
		"assay.yaml": "# +argocd:skip-file-rendering\napiVersion: assay.dev/v1alpha1\nkind: Plan\nmetadata: {name: shop}\nspec:\n  promotion: " + promotion + "\n",
		"experiment/judge.yaml": `apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: judge}
spec:
` + l.metrics(),
		"experiment/load.yaml": `apiVersion: batch/v1
kind: Job
metadata: {name: load, annotations: {assay.dev/role: load}}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 600
  template: {spec: {restartPolicy: Never, containers: [{name: fortio, image: "fortio/fortio:1.69.5"}]}}
`,
	}
}

// metrics measure whether the loop's metric is good, twice.
func (l *loop) metrics() string {
	return `  metrics:
  - name: ok
    interval: 1s
    count: 2
    failureLimit: 0
    consecutiveErrorLimit: 100
    successCondition: result == true
    provider: {web: {url: "` + l.Metric.URL + `", jsonPath: "{$.data.ok}"}}
`
}

// put commits an environment's files.
func (l *loop) put(dir, message string, files map[string]string) string {
	l.t.Helper()
	at := map[string]string{}
	for name, text := range files {
		at[dir+"/"+name] = text
	}
	commit, err := l.Repo.Commit(message, at)
	l.must(err)
	return commit
}

// application is the Application of an environment, at a revision.
func (l *loop) application(name, dir, revision string) string {
	return `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: ` + name + `, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  destination: {server: "https://kubernetes.default.svc", namespace: ` + name + `}
  source: {repoURL: "` + l.Repo.URL + `", path: ` + dir + `, targetRevision: ` + revision + `, plugin: {name: assay}}
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions: [CreateNamespace=true, ApplyOutOfSyncOnly=true]
    retry: {limit: 10, backoff: {duration: 1s, maxDuration: 10s}} # Argo CD syncs no revision twice by itself
`
}

const (
	byPull = "{method: pull-request, reject: push}"
	byPush = "{method: push}"
)

// synced has Argo CD deploy the baseline.
func (l *loop) synced() {
	l.t.Helper()
	files := l.environment(byPull)
	files["web.yaml"] = webManifest("1.0.0")
	l.commits = append(l.commits, state{l.put(onShop, "Add the shop", files), "1.0.0", ""})
	l.must(l.Cluster.Apply(l.ctx, l.application(shop, onShop, "main")))
	l.until("the baseline is synced", l.runs(shop, "1.0.0"))
}

// set puts a candidate under test as CI does, and returns its ID.
func (l *loop) set(args ...string) string {
	l.t.Helper()
	if !slices.Contains(args, "--path") {
		args = append(args, "--path", onShop)
	}
	args = append([]string{"candidate", "set", "--repo", l.Repo.URL, "--allow-http"}, args...)
	code, out, messages := l.cli.run(l.ctx, l.t, []string{"ASSAY_TOKEN=" + l.Repo.Token}, args...)
	found := regexp.MustCompile(`^wrote candidate \S+ \((e[0-9a-f]{9})\)`).FindStringSubmatch(out)
	if code != 0 || found == nil {
		l.t.Fatalf("candidate set: exit code %d: %s%s", code, out, messages)
	}
	commit := regexp.MustCompile(`commit ([0-9a-f]{7,40}) is on main`).FindStringSubmatch(out + messages)
	if commit == nil {
		l.t.Fatalf("candidate set names no commit: %s%s", out, messages)
	}
	_, err := l.Repo.Sync()
	l.must(err)
	l.marked, err = l.Repo.Git("rev-parse", commit[1])
	l.must(err)
	return found[1]
}

// tested waits until Argo CD has the variant, the experiment and its load there.
func (l *loop) tested(id, tag string) {
	l.t.Helper()
	l.until("candidate "+tag+" runs beside the baseline", func() error {
		for _, want := range [][3]string{{"argoproj.io/v1alpha1", "AnalysisRun", "judge-" + id}, {"batch/v1", "Job", "load-" + id}} {
			if o, err := l.Cluster.Get(l.ctx, want[0], want[1], shop, want[2]); err != nil || o == nil {
				return because(err, "%s is not there", want[2])
			}
		}
		return l.image(shop, "web-candidate", tag)()
	})
	l.commits = append(l.commits, state{l.marked, l.commits[len(l.commits)-1].baseline, tag})
}

// pull waits for the one open pull request of a candidate.
func (l *loop) pull(id string) forge.Pull {
	l.t.Helper()
	return l.pullOf(onShop, id)
}

// pullOf is pull in another environment.
func (l *loop) pullOf(dir, id string) forge.Pull {
	l.t.Helper()
	var pull forge.Pull
	l.until("the pull request of "+id+" is open", func() error {
		list, err := l.forge.Find(l.ctx, "assay/"+dir+"/"+id, "main")
		if err != nil || len(list) != 1 {
			return because(err, "there are %d", len(list))
		}
		pull = list[0]
		return nil
	})
	return pull
}

// merge merges as a person does who clicks.
func (l *loop) merge(pull forge.Pull) {
	l.t.Helper()
	l.until("the pull request is merged", func() error {
		_, err := l.forge.Merge(l.ctx, pull.Number, forge.Merge{HeadSHA: pull.HeadSHA, Method: forge.MethodMerge})
		return err
	})
}
