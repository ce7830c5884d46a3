//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/examples"
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
  metrics:
  - name: ok
    interval: 1s
    count: 2
    failureLimit: 0
    consecutiveErrorLimit: 100
    successCondition: result == true
    provider: {web: {url: "` + l.Metric.URL + `", jsonPath: "{$.data.ok}"}}
`,
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

// runs is a check that an Application is synced and healthy with this baseline alone.
func (l *loop) runs(name, tag string) func() error {
	return l.all(l.settled(name), l.image(name, "web", tag))
}

// settled is a check that an Application is synced and healthy, and has nothing of an experiment.
func (l *loop) settled(name string) func() error {
	return func() error {
		app, err := l.Cluster.Get(l.ctx, "argoproj.io/v1alpha1", "Application", "argocd", name)
		if err != nil || app == nil {
			return because(err, "the Application %s is not there", name)
		}
		sync, _, _ := unstructured.NestedString(app.Object, "status", "sync", "status")
		health, _, _ := unstructured.NestedString(app.Object, "status", "health", "status")
		conditions, _, _ := unstructured.NestedSlice(app.Object, "status", "conditions")
		operation, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "message")
		if sync != "Synced" || health != "Healthy" {
			return fmt.Errorf("%s is %s and %s: %s %v", name, sync, health, operation, conditions)
		}
		for _, kind := range [][2]string{{argoproj, "AnalysisRun"}, {argoproj, "Experiment"}, {argoproj, "Rollout"}, {"batch/v1", "Job"}, {"apps/v1", "Deployment"}} {
			list, err := l.Cluster.List(l.ctx, kind[0], kind[1], name, "assay.dev/experiment")
			if err != nil || len(list) > 0 {
				return because(err, "%d of kind %s belong to an experiment", len(list), kind[1])
			}
		}
		return nil
	}
}

// image is a check that a Deployment runs a version.
func (l *loop) image(namespace, name, tag string) func() error {
	return l.imageOf("apps/v1", "Deployment", namespace, name, tag)
}

// imageOf is a check that a workload runs a version.
func (l *loop) imageOf(apiVersion, kind, namespace, name, tag string) func() error {
	return func() error {
		o, err := l.Cluster.Get(l.ctx, apiVersion, kind, namespace, name)
		if err != nil || o == nil {
			return because(err, "%s %s is not there", kind, name)
		}
		containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
		first, _ := containers[0].(map[string]any)
		if want := "example.com/shop/web:" + tag; first["image"] != want {
			return fmt.Errorf("%s runs %v, want %s", name, first["image"], want)
		}
		return nil
	}
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

// concluded waits until main has this baseline and no candidate, and Argo CD nothing else.
func (l *loop) concluded(tag string) {
	l.t.Helper()
	l.until("main has "+tag+" and no candidate", func() error {
		if marker := l.Repo.File(onShop + "/candidate.yaml"); marker != "" {
			return errors.New("there is a candidate")
		}
		if got := l.Repo.File(onShop + "/web.yaml"); got != webManifest(tag) {
			return fmt.Errorf("main has %s", got)
		}
		return nil
	})
	tip, err := l.Repo.Sync()
	l.must(err)
	l.commits = append(l.commits, state{tip, tag, ""})
	l.until("the cluster runs "+tag+" alone", l.runs(shop, tag))
}

// outcome waits until the annotation on the Application tells of one.
func (l *loop) outcome(parts ...string) {
	l.t.Helper()
	l.outcomeOf(shop, parts...)
}

// outcomeOf is outcome of another Application.
func (l *loop) outcomeOf(name string, parts ...string) {
	l.t.Helper()
	l.until("the Application "+name+" tells of "+strings.Join(parts, ", "), func() error {
		app, err := l.Cluster.Get(l.ctx, argoproj, "Application", "argocd", name)
		if err != nil || app == nil {
			return because(err, "the Application is not there")
		}
		text := app.GetAnnotations()["assay.dev/outcome"]
		for _, part := range parts {
			if !strings.Contains(text, part) {
				return fmt.Errorf("it tells of %s", text)
			}
		}
		return nil
	})
}

// promoted is the way of a good candidate.
func (l *loop) promoted(tag string) {
	l.t.Helper()
	l.Metric.Set(true)
	id := l.set("--tag", tag)
	l.tested(id, tag)
	pull := l.pull(id)
	for _, part := range []string{id, "Argo Rollouts AnalysisRun", "ok Successful (2 of 2)", "Assay-Outcome: promote"} {
		if !strings.Contains(pull.Body, part) {
			l.t.Errorf("the pull request does not tell of %s: %s", part, pull.Body)
		}
	}
	l.outcome(`"outcome":"promote"`, `"id":"`+id+`"`, pull.URL)
	l.merge(pull)
	l.concluded(tag)
}

// rejected is the way of a bad one.
func (l *loop) rejected(tag string) {
	l.t.Helper()
	l.Metric.Set(false)
	before := l.commits[len(l.commits)-1].baseline
	id := l.set("--tag", tag)
	l.tested(id, tag)
	l.concluded(before)
	l.outcome(`"outcome":"reject"`, `"id":"`+id+`"`)
}

// preempted has a newer candidate come while one is judged: only the newer one counts.
func (l *loop) preempted(old, newer string) {
	l.t.Helper()
	l.Metric.Pause()
	l.Metric.Set(true)
	first := l.set("--tag", old)
	l.tested(first, old)
	second := l.set("--tag", newer)
	l.tested(second, newer)
	l.until("the older experiment is gone", func() error {
		if o, err := l.Cluster.Get(l.ctx, "argoproj.io/v1alpha1", "AnalysisRun", shop, "judge-"+first); err != nil || o != nil {
			return because(err, "it is there")
		}
		return nil
	})
	l.Metric.Resume()
	l.merge(l.pull(second))
	l.concluded(newer)
	if list, err := l.forge.Find(l.ctx, "assay/"+onShop+"/"+first, "main"); err != nil || len(list) > 0 {
		l.t.Errorf("the older one has %d pull requests, %v", len(list), err)
	}
}

// killed ends the promoter as the experiment concludes: another one concludes once.
func (l *loop) killed(tag string) {
	l.t.Helper()
	l.Metric.Pause()
	l.Metric.Set(true)
	id := l.set("--tag", tag)
	l.tested(id, tag)
	l.Metric.Resume()
	l.until("the run is successful", func() error {
		o, err := l.Cluster.Get(l.ctx, "argoproj.io/v1alpha1", "AnalysisRun", shop, "judge-"+id)
		if err != nil || o == nil {
			return because(err, "it is not there")
		}
		if phase, _, _ := unstructured.NestedString(o.Object, "status", "phase"); phase != "Successful" {
			return fmt.Errorf("it is %s", phase)
		}
		return nil
	})
	l.restart(stack.Shared...)
	l.merge(l.pull(id))
	l.concluded(tag)
	trailers, err := l.Repo.Git("log", "origin/main", "--format=%(trailers:key=Assay-Experiment,valueonly)%(trailers:key=Assay-Outcome,valueonly)", "--no-merges")
	l.must(err)
	if n := strings.Count(trailers, id+"\npromote"); n != 1 {
		l.t.Errorf("%s is promoted %d times:\n%s", id, n, trailers)
	}
}

// restart ends the promoter at once, and starts another.
func (l *loop) restart(flags ...string) {
	l.t.Helper()
	l.StopPromoter()
	var err error
	l.promoter, err = l.StartPromoter(flags...)
	l.must(err)
}

// next has a promotion go on to the next environment, which is judged there.
func (l *loop) next(tag string) {
	l.t.Helper()
	files := l.environment(byPush)
	files["web.yaml"] = webManifest(l.commits[len(l.commits)-1].baseline)
	l.put(staging, "Add staging", files)
	l.put(onShop, "Go on to staging", map[string]string{"assay.yaml": l.environment("{method: push, to: [{path: ../staging}]}")["assay.yaml"]})
	l.must(l.Cluster.Apply(l.ctx, l.application("staging", staging, "main")))
	l.until("staging is synced", l.runs("staging", l.commits[len(l.commits)-1].baseline))
	id := l.set("--tag", tag)
	l.tested(id, tag)
	l.concluded(tag)
	l.until("staging has "+tag+", judged there", func() error {
		if marker := l.Repo.File(staging + "/candidate.yaml"); marker != "" {
			return errors.New("it is under test")
		}
		if got := l.Repo.File(staging + "/web.yaml"); got != webManifest(tag) {
			return fmt.Errorf("staging has %s", got)
		}
		return l.runs("staging", tag)()
	})
	l.put(onShop, "Stop there", map[string]string{"assay.yaml": l.environment(byPull)["assay.yaml"]})
}

// neverReady rejects a candidate whose pods never run, with a hook that makes Argo CD wait for
// them: the sync that waits is ended, and the rejection lands.
func (l *loop) neverReady(tag string) {
	l.t.Helper()
	before := l.commits[len(l.commits)-1].baseline
	l.put(onShop, "Tell of syncs", map[string]string{"hook.yaml": `apiVersion: batch/v1
kind: Job
metadata: {generateName: told-, annotations: {argocd.argoproj.io/hook: PostSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: told, image: "example.com/told:1"}]}}}
`})
	l.until("the hook is synced", l.all(l.revision(), l.runs(shop, before)))
	l.Metric.Pause()
	l.Metric.Set(false)
	patch := filepath.Join(l.t.TempDir(), "patch.yaml")
	l.must(os.WriteFile(patch, []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {nodeSelector: {there-is: none}}}}\n"), 0o600))
	id := l.set("--tag", tag, "--patch", patch)
	l.tested(id, tag)
	l.until("the sync waits", func() error {
		app, err := l.Cluster.Get(l.ctx, "argoproj.io/v1alpha1", "Application", "argocd", shop)
		if err != nil || app == nil {
			return because(err, "the Application is not there")
		}
		phase, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "phase")
		message, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "message")
		if phase != "Running" || !strings.HasPrefix(message, "waiting for ") {
			return fmt.Errorf("it is %s: %s", phase, message)
		}
		return nil
	})
	l.Metric.Resume()
	l.concluded(before)
	l.put(onShop, "Tell no more", map[string]string{"hook.yaml": ""})
	l.until("the hook is gone", l.all(l.revision(), l.runs(shop, before)))
}

// iter8 is the tutorial's own way: live traffic is moved to the candidate while an Iter8 Experiment
// runs, and is Git's again when it has ended. The test does what Iter8's controller does.
func (l *loop) iter8() {
	l.t.Helper()
	l.must(l.Engines())
	files := map[string]string{}
	l.must(fs.WalkDir(examples.FS(), "flat", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(examples.FS(), name)
		files[strings.TrimPrefix(name, "flat/")] = string(data)
		return err
	}))
	l.put("iter8", "Add the tutorial's app", files)
	l.must(l.Cluster.Apply(l.ctx, `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: iter8, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  destination: {server: "https://kubernetes.default.svc", namespace: shop}
  source: {repoURL: "`+l.Repo.URL+`", path: iter8, targetRevision: main, plugin: {name: assay}}
  syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true, ApplyOutOfSyncOnly=true]}
  ignoreDifferences: [{group: networking.istio.io, kind: VirtualService, jqPathExpressions: [".spec.http[].route[].weight"]}]
`))
	l.until("the tutorial's baseline is there", l.weights(100, 0))
	id := l.set("--path", "iter8", "--image", "storefront:1.5.0")
	name := "storefront-" + id
	l.until("its experiment runs", func() error {
		if o, err := l.Cluster.Get(l.ctx, "iter8.tools/v2alpha2", "Experiment", shop, name); err != nil || o == nil {
			return because(err, "it is not there")
		}
		return nil
	})
	l.must(l.Cluster.Patch(l.ctx, "networking.istio.io/v1beta1", "VirtualService", shop, "storefront",
		`{"spec":{"http":[{"route":[{"destination":{"host":"storefront","subset":"stable"},"weight":40},{"destination":{"host":"storefront","subset":"candidate"},"weight":60}]}]}}`))
	won, err := fs.ReadFile(examples.FS(), "verdicts/flat.won.yaml")
	l.must(err)
	status := map[string]any{}
	l.must(yaml.Unmarshal(won, &status))
	text, err := json.Marshal(map[string]any{"apiVersion": "iter8.tools/v2alpha2", "kind": "Experiment", "metadata": map[string]any{"name": name, "namespace": shop}, "status": status})
	l.must(err)
	l.must(l.weights(40, 60)())
	l.must(l.Cluster.Conclude(l.ctx, string(text)))
	pull := l.pullOf("iter8", id)
	if pull.Title != "Deploy version recommended by Iter8" {
		l.t.Errorf("it is called %s", pull.Title)
	}
	l.must(l.weights(40, 60)()) // nothing has set them back while it ran
	l.merge(pull)
	l.until("traffic is Git's again", func() error {
		if o, err := l.Cluster.Get(l.ctx, "iter8.tools/v2alpha2", "Experiment", shop, name); err != nil || o != nil {
			return because(err, "the experiment is there")
		}
		return l.weights(100, 0)()
	})
	l.remove("iter8")
}

// gone is a check that an Application is not there any more.
func (l *loop) gone(name string) func() error {
	return func() error {
		if app, err := l.Cluster.Get(l.ctx, "argoproj.io/v1alpha1", "Application", "argocd", name); err != nil || app != nil {
			return because(err, "it is there")
		}
		return nil
	}
}

// weights is a check of how the live VirtualService routes.
func (l *loop) weights(stable, candidate int64) func() error {
	return func() error {
		o, err := l.Cluster.Get(l.ctx, "networking.istio.io/v1beta1", "VirtualService", shop, "storefront")
		if err != nil || o == nil {
			return because(err, "the VirtualService is not there")
		}
		http, _, _ := unstructured.NestedSlice(o.Object, "spec", "http")
		var got []int64
		for _, item := range http {
			route, _ := item.(map[string]any)["route"].([]any)
			for _, r := range route {
				weight, _ := r.(map[string]any)["weight"].(int64)
				got = append(got, weight)
			}
		}
		if !slices.Equal(got, []int64{stable, candidate}) {
			return fmt.Errorf("the weights are %v", got)
		}
		return nil
	}
}

// generated has an ApplicationSet write the Application. One that preserves the promoter's
// annotation gets it, and where that ends the promoter does not write it again; for another, an
// Event tells.
func (l *loop) generated(name string, preserves bool) {
	l.t.Helper()
	l.Metric.Pause()
	defer l.Metric.Resume()
	l.held(name)
	kept := "[]"
	if preserves {
		kept = "[assay.dev/outcome]"
	}
	l.must(l.Cluster.Apply(l.ctx, `
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: `+name+`, namespace: argocd}
spec:
  generators: [{list: {elements: [{name: `+name+`}]}}]
  preservedFields: {annotations: `+kept+`}
  template:
    metadata: {name: "{{name}}"}
    spec:
      project: default
      destination: {server: "https://kubernetes.default.svc", namespace: "{{name}}"}
      source: {repoURL: "`+l.Repo.URL+`", path: "shop/{{name}}", targetRevision: main, plugin: {name: assay}}
      syncPolicy: {automated: {prune: true}, syncOptions: [CreateNamespace=true]}
`))
	l.until("an Event tells of "+name, func() error {
		list, err := l.Cluster.List(l.ctx, "v1", "Event", "argocd", "")
		if err != nil {
			return err
		}
		for _, e := range list {
			about, _, _ := unstructured.NestedString(e.Object, "involvedObject", "name")
			reason, _, _ := unstructured.NestedString(e.Object, "reason")
			if about == name && reason == "Held" {
				return nil
			}
		}
		return fmt.Errorf("none of %d does", len(list))
	})
	if preserves {
		l.outcomeOf(name, `"outcome":"hold"`)
		l.takenAway(name, func() {
			l.must(l.Cluster.Patch(l.ctx, argoproj, "ApplicationSet", "argocd", name, `{"spec":{"preservedFields":{"annotations":[]}}}`))
		})
	} else if text := l.told(name); text != "" {
		l.t.Errorf("the Application %s has %q", name, text)
	}
	l.must(l.Cluster.Delete(l.ctx, "argoproj.io/v1alpha1", "ApplicationSet", "argocd", name))
	l.until("the Application "+name+" is gone", l.gone(name))
}

// quiet watches an experiment that runs: nothing is out of sync, and nothing flaps, whatever happens
// to other Applications meanwhile.
func (l *loop) quiet(tag string, meanwhile func()) {
	l.t.Helper()
	judge := strings.NewReplacer("count: 2", "count: 130", l.Metric.URL, l.Metric.Good).Replace(l.environment(byPull)["experiment/judge.yaml"])
	l.put(onShop, "Judge for longer", map[string]string{"experiment/judge.yaml": judge})
	id := l.set("--tag", tag)
	l.tested(id, tag)
	l.until("it is synced", l.status("Synced"))
	seen := make(chan []string, 1)
	go func() { seen <- l.flaps() }()
	meanwhile()
	if states := <-seen; len(states) > 0 {
		l.t.Errorf("while an experiment ran: %v", states)
	}
	l.merge(l.pull(id))
	l.concluded(tag)
}

// flaps are the ways in which the Application was not synced, of the time that it is watched.
func (l *loop) flaps() (states []string) {
	end := time.After(watched)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := l.status("Synced")(); err != nil && !slices.Contains(states, err.Error()) {
			states = append(states, err.Error())
		}
		select {
		case <-tick.C:
		case <-end:
			return states
		case <-l.ctx.Done():
			return nil
		}
	}
}

// revision is a check that Argo CD has compared the cluster with the tip of main.
func (l *loop) revision() func() error {
	tip, err := l.Repo.Sync()
	l.must(err)
	return func() error {
		app, err := l.Cluster.Get(l.ctx, "argoproj.io/v1alpha1", "Application", "argocd", shop)
		if err != nil || app == nil {
			return because(err, "the Application is not there")
		}
		if got, _, _ := unstructured.NestedString(app.Object, "status", "sync", "revision"); got != tip {
			return fmt.Errorf("it is at %s", got)
		}
		return nil
	}
}

// all is a check that all of these pass at once.
func (l *loop) all(checks ...func() error) func() error {
	return func() error {
		for _, check := range checks {
			if err := check(); err != nil {
				return err
			}
		}
		return nil
	}
}

// status is a check of an Application's sync status.
func (l *loop) status(want string) func() error { return l.statusOf(shop, want) }

// statusOf is status of another Application.
func (l *loop) statusOf(name, want string) func() error {
	return func() error {
		app, err := l.Cluster.Get(l.ctx, argoproj, "Application", "argocd", name)
		if err != nil || app == nil {
			return because(err, "the Application is not there")
		}
		if got, _, _ := unstructured.NestedString(app.Object, "status", "sync", "status"); got != want {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	}
}

// rebuilt deletes the whole cluster at five commits: what syncs is the proven baseline of that
// commit, and at most its experiment.
func (l *loop) rebuilt() {
	l.t.Helper()
	l.Metric.Pause() // nothing concludes
	at := l.commits[:min(5, len(l.commits))]
	for _, s := range at {
		l.must(l.Rebuild())
		l.must(l.Cluster.Apply(l.ctx, l.application(shop, onShop, s.commit)))
		if s.candidate == "" {
			l.until("an empty cluster runs "+s.baseline+" alone", l.runs(shop, s.baseline))
			continue
		}
		l.until("an empty cluster runs "+s.baseline+" and tests "+s.candidate, func() error {
			return errors.Join(l.status("Synced")(), l.image(shop, "web", s.baseline)(), l.image(shop, "web-candidate", s.candidate)())
		})
	}
	if versions := slices.Collect(func(yield func(string) bool) {
		for _, s := range at {
			if !yield(s.baseline) {
				return
			}
		}
	}); !slices.Contains(versions, "2.0.0") || !slices.Contains(versions, "1.0.0") {
		l.t.Errorf("the commits are %v", at)
	}
	l.Metric.Resume()
}
