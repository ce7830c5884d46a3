//go:build e2e

package e2e_test

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/object/drift"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/test/e2e/kube"
	"github.com/assaydev/assay/test/gitserver"
)

// TestCluster runs the command against a real API server: the Application and
// the experiment are there, guarded by RBAC, and the repository is on a real
// Git server.
func TestCluster(t *testing.T) {
	t.Parallel()
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	cli := buildCLI(t)
	server, err := kube.Start(ctx, kube.Options{Dir: t.TempDir(), Root: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	_, repo := gitserver.Serve(t, gitserver.Files(map[string]string{
		"shop/prod/web.yaml":          webManifest("1.0.0"),
		"shop/prod/assay.yaml":        "apiVersion: assay.dev/v1alpha1\nkind: Plan\nmetadata: {name: shop}\nspec: {promotion: {method: push}}\n",
		"shop/prod/experiment/a.yaml": judgeJob,
	})...)
	c := &clusterTest{t: t, ctx: ctx, cli: cli, server: server, repo: repo}
	c.withoutArgoCD()
	c.install()
	c.named()
	c.denied()
	c.verdicts()
}

const judgeJob = `apiVersion: batch/v1
kind: Job
metadata: {name: judge}
spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: judge, image: "example.com/judge:1"}]}}}
`

// boundJob is the Job as a sync makes it of the candidate with a digest.
func boundJob(digest string) string {
	id := "e" + strings.TrimPrefix(digest, "v2:")[:9]
	return strings.Replace(judgeJob, "name: judge}", "name: judge-"+id+", namespace: web, labels: {assay.dev/experiment: "+id+"}, annotations: {assay.dev/digest: '"+digest+"'}}", 1)
}

// passedJob is what the Job's controller writes of it once it has succeeded.
func passedJob(digest string) string {
	return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: judge-e" + strings.TrimPrefix(digest, "v2:")[:9] + ", namespace: web}\n" + jobPassed
}

// jobPassed is the status of a Job that has succeeded.
const jobPassed = `status:
  startTime: "2026-01-01T10:00:00Z"
  completionTime: "2026-01-01T10:01:00Z"
  succeeded: 1
  uncountedTerminatedPods: {}
  conditions:
  - {type: SuccessCriteriaMet, status: "True", reason: CompletionsReached, lastTransitionTime: "2026-01-01T10:01:00Z", lastProbeTime: "2026-01-01T10:01:00Z"}
  - {type: Complete, status: "True", reason: CompletionsReached, lastTransitionTime: "2026-01-01T10:01:00Z", lastProbeTime: "2026-01-01T10:01:00Z"}
`

// accounts are what CI has: one that may read the Application alone, one that
// may read experiments too, and one that may nothing.
const accounts = `
apiVersion: v1
kind: Namespace
metadata: {name: argocd}
---
apiVersion: v1
kind: Namespace
metadata: {name: web}
---
apiVersion: v1
kind: Namespace
metadata: {name: ci}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: ci}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: judge, namespace: ci}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: nobody, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: assay, namespace: argocd}
rules:
- {apiGroups: [argoproj.io], resources: [applications], verbs: [get]}
- {apiGroups: [""], resources: [configmaps], resourceNames: [argocd-cm], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: assay, namespace: argocd}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: assay}
subjects: [{kind: ServiceAccount, name: reader, namespace: ci}, {kind: ServiceAccount, name: judge, namespace: ci}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: assay, namespace: web}
rules: [{apiGroups: [batch], resources: [jobs], verbs: [list]}, {apiGroups: [apps], resources: [deployments], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: assay, namespace: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: assay}
subjects: [{kind: ServiceAccount, name: judge, namespace: ci}]
`

// application is one that deploys the environment.
func application(name, repo, destination string) string {
	return `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: ` + name + `, namespace: argocd}
spec:
  project: default
  destination: ` + destination + `
  source: {repoURL: "` + repo + `", path: shop/prod, targetRevision: main, plugin: {name: assay}}
`
}

// clusterTest is the cluster, the repository and the command.
type clusterTest struct {
	t      *testing.T
	ctx    context.Context
	cli    cli
	server *kube.Server
	repo   *gitserver.Repo
}

func (c *clusterTest) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// as writes a kubeconfig with a token.
func (c *clusterTest) as(name, token, namespace string) string {
	c.t.Helper()
	file, err := c.server.Kubeconfig(name, token, namespace)
	c.must(err)
	return file
}

// account is a kubeconfig of a service account of CI's.
func (c *clusterTest) account(name, namespace string) string {
	c.t.Helper()
	token, err := c.server.Account(c.ctx, "ci", name)
	c.must(err)
	return c.as(name+namespace, token, namespace)
}

// run runs the command in a process of its own, and returns its exit code and
// what it prints.
func (c *clusterTest) run(kubeconfig string, args ...string) (code int, stdout, stderr string) {
	c.t.Helper()
	return c.cli.run(c.ctx, c.t, []string{"KUBECONFIG=" + kubeconfig}, args...)
}

// ok runs what must succeed.
func (c *clusterTest) ok(kubeconfig string, args ...string) string {
	c.t.Helper()
	code, out, messages := c.run(kubeconfig, args...)
	if code != 0 {
		c.t.Fatalf("assay %s: exit code %d: %s", strings.Join(args, " "), code, messages)
	}
	return out
}

// fails runs what must fail: it says why on stderr alone, and changes nothing.
func (c *clusterTest) fails(kubeconfig string, exit int, why string, args ...string) {
	c.t.Helper()
	before, err := c.repo.Tip("main")
	c.must(err)
	code, out, messages := c.run(kubeconfig, args...)
	if code != exit || out != "" || !strings.Contains(messages, why) {
		c.t.Errorf("assay %s: exit code %d, %q, %q: want %d, %q", strings.Join(args, " "), code, out, messages, exit, why)
	}
	for _, secret := range []string{c.server.Admin, "eyJ", filepath.Dir(kubeconfig)} {
		if strings.Contains(messages, secret) {
			c.t.Errorf("assay %s tells %s: %s", strings.Join(args, " "), secret, messages)
		}
	}
	if after, err := c.repo.Tip("main"); err != nil || after != before {
		c.t.Errorf("assay %s: main moved to %s, %v", strings.Join(args, " "), after, err)
	}
}

// withoutArgoCD asks a cluster that does not know Applications.
func (c *clusterTest) withoutArgoCD() {
	c.t.Helper()
	c.fails(c.as("admin", c.server.Admin, ""), 1, "argoproj.io/v1alpha1 is not there, so install what brings it, or choose another context: Argo CD is not installed there", "status", "--app", "shop")
}

// define brings Argo CD's own definition of an Application.
func (c *clusterTest) define() {
	c.t.Helper()
	module := strings.TrimSpace(command(c.t, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-cd/v2"))
	for _, name := range []string{"application", "appproject"} {
		crd, err := os.ReadFile(filepath.Join(module, "manifests", "crds", name+"-crd.yaml"))
		c.must(err)
		c.must(c.server.Apply(c.ctx, string(crd)))
	}
}

// install makes Applications, and accounts that may read them.
func (c *clusterTest) install() {
	c.t.Helper()
	c.define()
	c.must(c.server.Apply(c.ctx, accounts))
	c.must(c.server.Apply(c.ctx, application("shop", c.repo.URL, "{namespace: web, server: https://kubernetes.default.svc}")))
	c.must(c.server.Apply(c.ctx, application("far", c.repo.URL, "{namespace: web, server: https://far.example.com}")))
}

// named names the Application in each way there is, as an account that may get
// Applications and nothing else.
func (c *clusterTest) named() {
	c.t.Helper()
	reader := c.account("reader", "")
	want := regexp.MustCompile(`(?m)^shop/prod +flat +web:1\.0\.0 `)
	for _, args := range [][]string{{"--app", "shop"}, {"--app", "argocd/shop"}, {"--app", "shop", "--kube-context", "e2e"}} {
		if out := c.ok(reader, append([]string{"status"}, args...)...); !want.MatchString(out) {
			c.t.Errorf("assay status %s: %s", strings.Join(args, " "), out)
		}
	}
	if out := c.ok(c.account("reader", "argocd"), "status", "--app", "shop"); !want.MatchString(out) {
		c.t.Errorf("by the context's namespace: %s", out)
	}
	c.ok(reader, "candidate", "set", "--app", "shop", "--tag", "2.0.0")
	if out := c.ok(reader, "promote", "--app", "shop", "--reason", "looks good"); !strings.HasPrefix(out, "promoted candidate 2.0.0 (e") {
		c.t.Errorf("assay promote: %s", out)
	}
	if got, err := c.repo.Git("show", "main:shop/prod/web.yaml"); err != nil || got+"\n" != webManifest("2.0.0") {
		c.t.Errorf("main has %s, %v", got, err)
	}
}

// denied is every way in which the cluster does not give an Application.
func (c *clusterTest) denied() {
	c.t.Helper()
	reader := c.account("reader", "")
	promote := []string{"promote", "--reason", "why", "--app"}
	c.fails(c.account("nobody", ""), 1, `(403): User "system:serviceaccount:ci:nobody" cannot get resource "applications" in API group "argoproj.io" in the namespace "argocd": grant the verb get on applications.argoproj.io there`, append(promote, "shop")...)
	c.fails(c.account("reader", "web"), 1, `in the namespace "web": grant the verb get`, append(promote, "shop")...)
	c.fails(reader, 1, "read applications.argoproj.io shup in the namespace argocd from the cluster of the context e2e: it has no such object; for another namespace give --app NAMESPACE/NAME; to read a file, give --app ./shup", append(promote, "shup")...)
	c.fails(c.as("wrong", "eyJ-is-no-token", ""), 1, "it does not know this account (401): the token or certificate is wrong or has expired", append(promote, "shop")...)
	c.fails(reader, 1, "it has no context pord: there are e2e", append(promote, "shop", "--kube-context", "pord")...)
}

// variantOf is the candidate's Deployment as a sync makes it, with a tag.
func variantOf(id, tag string) string {
	return strings.NewReplacer("name: web}\nspec:\n", "name: web-candidate, namespace: web, labels: {assay.dev/experiment: "+id+"}}\nspec:\n  replicas: 1\n", "{app: web}", "{app: web-candidate}").Replace(webManifest(tag))
}

// drift holds what is not in the cluster as Git renders it, until the cluster has it so: with what the API
// server fills in.
func (c *clusterTest) drift(judge, id string) {
	c.t.Helper()
	conclude := []string{"conclude", "--app", "shop"}
	c.fails(judge, 3, "Deployment/web/web-candidate is not in the cluster, or has lost its label", conclude...)
	c.must(c.server.Apply(c.ctx, variantOf(id, "3.0.1")))
	c.fails(judge, 3, "spec.template.spec.containers[web].image is example.com/shop/web:3.0.1 in the cluster, and Git renders example.com/shop/web:3.0.0", conclude...)
	c.must(c.server.Apply(c.ctx, variantOf(id, "3.0.0")))
}

// TestDefinitions holds what is filled in of custom resources against a real API server.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	server, err := kube.Start(ctx, kube.Options{Dir: t.TempDir(), Root: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	c := &clusterTest{t: t, ctx: ctx, server: server}
	c.must(server.Apply(ctx, accounts))
	c.must(server.Apply(ctx, gauges))
	client, err := cluster.Open(cluster.Options{Kubeconfig: []string{c.account("nobody", "")}})
	c.must(err)
	admin, err := cluster.Open(cluster.Options{Kubeconfig: []string{c.as("admin", server.Admin, "")}})
	c.must(err)
	kind := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Gauge"}
	c.published(client, kind.GroupVersion())
	rules := drift.Rules{Schema: func(ctx context.Context, kind schema.GroupVersionKind) (*drift.Schema, error) {
		document, err := client.OpenAPI(ctx, kind.GroupVersion())
		if err != nil {
			return nil, err
		}
		return drift.ParseSchema(document, kind)
	}}
	for _, spec := range []string{
		"{}",
		"{mode: slow, metrics: [{name: a}]}",
		"{metrics: [{name: a, weight: 1}], labels: {a: {}, b: {value: v}}, retry: {limits: {times: 9}}}",
		"{retry: {on: [c]}, open: {any: thing}}",
	} {
		text := "apiVersion: example.com/v1\nkind: Gauge\nmetadata: {name: a, namespace: web, labels: {a: b}}\nspec: " + spec + "\n"
		c.must(server.Apply(ctx, text))
		live, err := admin.List(ctx, kind, "web", "a=b")
		if err != nil || len(live) != 1 {
			t.Fatal(live, err)
		}
		rendered, err := manifest.Decode("gauge", []byte(text), manifest.Limits{})
		c.must(err)
		if found, err := drift.Of(ctx, rendered[0], live[0], rules); err != nil || len(found) > 0 {
			t.Errorf("%s: %v, %v", spec, found, err)
		}
		c.must(unstructured.SetNestedField(live[0].Object, "x", "spec", "added"))
		if found, err := drift.Of(ctx, rendered[0], live[0], rules); err != nil || len(found) != 1 || found[0].Field != "spec.added" {
			t.Errorf("%s with a field more: %v, %v", spec, found, err)
		}
	}
}

// published waits until the API server has the document of a group and version, which it makes some time after
// the definition.
func (c *clusterTest) published(client *cluster.Client, version schema.GroupVersion) {
	c.t.Helper()
	for until := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
		_, err := client.OpenAPI(c.ctx, version)
		if err == nil {
			return
		}
		if !errors.Is(err, cluster.ErrNoKind) || time.Now().After(until) {
			c.t.Fatal(err)
		}
	}
}

const gauges = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gauges.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Gauge, listKind: GaugeList, plural: gauges, singular: gauge}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              added: {type: string}
              replicas: {type: integer, default: 1}
              ratio: {type: number, default: 0.5}
              mode: {type: string, default: fast}
              retry:
                type: object
                default: {limits: {}}
                properties:
                  limits: {type: object, properties: {times: {type: integer, default: 3}}}
                  on: {type: array, default: [a, b], items: {type: string}}
              metrics:
                type: array
                items: {type: object, properties: {name: {type: string}, weight: {type: integer, default: 100}}}
              labels: {type: object, additionalProperties: {type: object, properties: {value: {type: string, default: none}}}}
              open: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {known: {type: boolean, default: true}}}
`

// verdicts follows what the cluster has of the experiment.
func (c *clusterTest) verdicts() {
	c.t.Helper()
	judge := c.account("judge", "")
	if code, out, messages := c.run(judge, "conclude", "--app", "shop"); code != 0 || out != "" || !strings.Contains(messages, "shop/prod has no candidate: nothing to do") {
		c.t.Errorf("without a candidate: exit code %d, %q, %q", code, out, messages)
	}
	out := c.ok(judge, "candidate", "set", "--app", "shop", "--tag", "3.0.0")
	found := regexp.MustCompile(`^wrote candidate 3\.0\.0 \((e[0-9a-f]{9})\)`).FindStringSubmatch(out)
	if found == nil {
		c.t.Fatalf("candidate set says no ID: %s", out)
	}
	id := found[1]
	absent := "candidate 3.0.0 (" + id + ") is not promoted: the verdict is hold: the cluster has no object of it yet: expected Job/judge-" + id
	c.fails(judge, 3, absent, "conclude", "--app", "shop")
	c.fails(c.account("reader", ""), 1, `cannot list resource "jobs" in API group "batch" in the namespace "web": grant the verb list on jobs.batch there`, "conclude", "--app", "shop")
	c.fails(judge, 1, "Application argocd/far: spec.destination: it deploys to the cluster https://far.example.com, and not to the one that it is in; or pass the experiment's objects with --experiment FILE", "conclude", "--app", "far")

	show := c.ok(judge, "candidate", "show", "--app", "shop", "-o", "json")
	digest := regexp.MustCompile(`"digest": "(v2:[0-9a-f]{64})"`).FindStringSubmatch(show)
	if digest == nil {
		c.t.Fatalf("candidate show says no digest: %s", show)
	}
	c.must(c.server.Apply(c.ctx, boundJob(digest[1])))
	c.fails(judge, 3, "it has not concluded", "conclude", "--app", "shop")
	described := c.ok(judge, "describe", "--app", "shop")
	for _, want := range []string{"Verdict:     hold", "Reason:      it has not concluded", "Job/judge-" + id, "Deployment/web-candidate", `cannot list resource "pods"`} {
		if !strings.Contains(described, want) {
			c.t.Errorf("describe does not tell of %q: %s", want, described)
		}
	}
	c.must(c.server.Conclude(c.ctx, passedJob(digest[1])))
	c.drift(judge, id)
	clone := filepath.Join(c.t.TempDir(), "envs")
	command(c.t, "git", "clone", "-q", c.repo.URL, clone)
	c.ok(judge, "conclude", "--namespace", "web", filepath.Join(clone, "shop", "prod"))
	if got, err := os.ReadFile(filepath.Join(clone, "shop", "prod", "web.yaml")); err != nil || string(got) != webManifest("3.0.0") {
		c.t.Errorf("the directory has %s, %v", got, err)
	}
	if out := c.ok(judge, "conclude", "--app", "shop"); !strings.HasPrefix(out, "promoted candidate 3.0.0 ("+id+")") {
		c.t.Errorf("assay conclude: %s", out)
	}
	if got, err := c.repo.Git("show", "main:shop/prod/web.yaml"); err != nil || got+"\n" != webManifest("3.0.0") {
		c.t.Errorf("main has %s, %v", got, err)
	}
	if out := c.ok(judge, "history", "--app", "shop"); !strings.Contains(out, "3.0.0") {
		c.t.Errorf("assay history: %s", out)
	}
}
