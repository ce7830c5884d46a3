//go:build e2e

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/test/e2e/stack"
)

// disturbed has people and machines interfere while a candidate is judged: somebody deletes the
// experiment, and takes the label off the next; the API server dies and comes back. Argo CD makes
// both good, and the promoter, which has lived through it, concludes.
func (l *loop) disturbed(tag string) {
	l.t.Helper()
	l.Metric.Pause()
	l.Metric.Set(true)
	id := l.set("--tag", tag)
	l.tested(id, tag)
	l.until("nothing of ours is on the variant's pods", l.copiesNothing(shop, "apps/v1", "Deployment", "web-candidate", "ReplicaSet", "Pod"))
	l.until("nothing of ours is on the load's pods", l.copiesNothing(shop, "batch/v1", "Job", "load-"+id, "Pod"))
	judge := func(check func(*unstructured.Unstructured) error) func() error {
		return func() error {
			o, err := l.Cluster.Get(l.ctx, argoproj, "AnalysisRun", shop, "judge-"+id)
			if err != nil || o == nil {
				return because(err, "it is not there")
			}
			return check(o)
		}
	}
	first := ""
	l.must(judge(func(o *unstructured.Unstructured) error { first = string(o.GetUID()); return nil })())
	l.must(l.Cluster.Delete(l.ctx, argoproj, "AnalysisRun", shop, "judge-"+id))
	l.until("the experiment is there anew", judge(func(o *unstructured.Unstructured) error {
		if string(o.GetUID()) == first {
			return errors.New("it is the one of before")
		}
		return nil
	}))
	l.must(l.Cluster.Patch(l.ctx, argoproj, "AnalysisRun", shop, "judge-"+id, `{"metadata":{"labels":{"`+engine.ExperimentLabel+`":null}}}`))
	l.until("its label is there again", judge(func(o *unstructured.Unstructured) error {
		if o.GetLabels()[engine.ExperimentLabel] != id {
			return errors.New("it has none")
		}
		return nil
	}))
	l.must(l.Cluster.RestartAPIServer())
	l.Metric.Resume()
	l.merge(l.pull(id))
	l.concluded(tag)
	l.must(l.Died())
	if got := l.decided(id); got != "promote Argo Rollouts AnalysisRun" {
		l.t.Errorf("%s is decided: %s", tag, got)
	}
}

// readOnly has the promoter run in a cluster where it may only read: it promotes in Git, and tells
// nobody in the cluster.
func (l *loop) readOnly(tag string) {
	l.t.Helper()
	role, err := l.Cluster.Get(l.ctx, "rbac.authorization.k8s.io/v1", "Role", "argocd", "assay-promoter")
	l.must(err)
	rules, _, err := unstructured.NestedSlice(role.Object, "rules")
	l.must(err)
	var reading []any
	for _, item := range rules {
		rule, _ := item.(map[string]any)
		verbs, _ := rule["verbs"].([]any)
		verbs = slices.DeleteFunc(slices.Clone(verbs), func(verb any) bool { return !slices.Contains([]any{"get", "list", "watch"}, verb) })
		if resources, _ := rule["resources"].([]any); len(verbs) > 0 && !slices.Contains(resources, any("leases")) {
			rule = maps.Clone(rule)
			rule["verbs"] = verbs
			reading = append(reading, rule)
		}
	}
	l.grant(reading)
	l.restart()
	l.Metric.Set(true)
	id := l.set("--tag", tag)
	l.tested(id, tag)
	l.merge(l.pull(id))
	l.concluded(tag)
	l.must(l.Died())
	if text := l.told(shop); strings.Contains(text, id) {
		l.t.Errorf("the Application tells of %s, which the promoter may not write", text)
	}
	l.grant(rules)
	l.restart(stack.Shared...)
}

// grant sets the rules of the promoter's Role.
func (l *loop) grant(rules []any) {
	l.t.Helper()
	patch, err := json.Marshal(map[string]any{"rules": rules})
	l.must(err)
	l.must(l.Cluster.Patch(l.ctx, "rbac.authorization.k8s.io/v1", "Role", "argocd", "assay-promoter", string(patch)))
}

// appOfApps has an Application deploy the Application of an environment. The promoter's annotation
// on the one does not make the other differ; and when somebody takes it away, it is not written
// again before the outcome is another.
func (l *loop) appOfApps(name string) {
	l.t.Helper()
	l.Metric.Pause()
	l.Metric.Set(true)
	l.held(name)
	l.put("apps", "Deploy "+name, map[string]string{name + ".yaml": l.application(name, "shop/"+name, "main")})
	l.must(l.Cluster.Apply(l.ctx, `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: apps, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  destination: {server: "https://kubernetes.default.svc", namespace: argocd}
  source: {repoURL: "`+l.Repo.URL+`", path: apps, targetRevision: main}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`))
	l.outcomeOf(name, `"outcome":"hold"`)
	l.until("the parent is synced", l.statusOf("apps", "Synced"))
	synced := l.lastSync("apps")
	l.takenAway(name, func() {
		l.must(l.Cluster.Patch(l.ctx, argoproj, "Application", "argocd", name, `{"metadata":{"annotations":{"assay.dev/outcome":null}}}`))
	})
	l.Metric.Resume()
	l.outcomeOf(name, `"outcome":"promote"`)
	l.until(name+" runs 2.0.0 alone", l.runs(name, "2.0.0"))
	l.must(l.statusOf("apps", "Synced")())
	if again := l.lastSync("apps"); again != synced {
		l.t.Errorf("the parent was synced at %s, and at %s again", synced, again)
	}
	l.remove("apps")
	l.until("the child is gone, too", l.gone(name))
}

// held commits an environment of its own with a candidate that waits.
func (l *loop) held(name string) {
	l.t.Helper()
	files := l.environment(byPush)
	files["web.yaml"] = webManifest("1.0.0")
	files["candidate.yaml"] = "# +argocd:skip-file-rendering\napiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata: {name: 2.0.0}\nspec: {images: [{name: example.com/shop/web, newTag: 2.0.0}]}\n"
	l.put("shop/"+name, "Add "+name, files)
}

// told is the promoter's annotation on an Application.
func (l *loop) told(name string) string {
	l.t.Helper()
	app, err := l.Cluster.Get(l.ctx, argoproj, "Application", "argocd", name)
	l.must(err)
	return app.GetAnnotations()["assay.dev/outcome"]
}

// takenAway has somebody take the annotation away. The promoter looks at the environment again, and
// leaves it at that.
func (l *loop) takenAway(name string, take func()) {
	l.t.Helper()
	take()
	l.until("the annotation of "+name+" is gone", func() error {
		if text := l.told(name); text != "" {
			return errors.New("it has " + text)
		}
		return nil
	})
	for range 2 { // the first look may have begun before
		l.look("shop/" + name)
	}
	if text := l.told(name); text != "" {
		l.t.Errorf("%s was taken away from %s, and is there again", text, name)
	}
}

// look calls the promoter's webhook, and waits until it has looked at an environment after that.
func (l *loop) look(dir string) {
	l.t.Helper()
	before := l.looks(dir)
	req, err := http.NewRequestWithContext(l.ctx, http.MethodPost, l.promoter.Notify, nil)
	l.must(err)
	req.Header.Set("Authorization", "Bearer "+stack.NotifySecret)
	res, err := http.DefaultClient.Do(req)
	l.must(err)
	l.must(res.Body.Close())
	if res.StatusCode != http.StatusAccepted {
		l.t.Fatalf("the webhook answers %s", res.Status)
	}
	l.until("the promoter has looked at "+dir, func() error {
		if l.looks(dir) == before {
			return errors.New("not yet")
		}
		return nil
	})
}

// looks counts how often the promoter has looked at an environment.
func (l *loop) looks(dir string) int {
	l.t.Helper()
	log, err := os.ReadFile(l.promoter.Log)
	l.must(err)
	n := 0
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, `"msg":"looked"`) && strings.Contains(line, " "+dir+" on main\"") {
			n++
		}
	}
	return n
}

// lastSync is when the last sync of an Application began, and how many there were.
func (l *loop) lastSync(name string) string {
	l.t.Helper()
	app, err := l.Cluster.Get(l.ctx, argoproj, "Application", "argocd", name)
	l.must(err)
	began, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "startedAt")
	history, _, _ := unstructured.NestedSlice(app.Object, "status", "history")
	return fmt.Sprintf("%s (%d in its history)", began, len(history))
}
