//go:build e2e

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/test/e2e/stack"
)

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
