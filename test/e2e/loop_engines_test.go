//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/assaydev/assay/internal/engine"
)

const (
	argoproj = "argoproj.io/v1alpha1"

	byEngine, inPlace = "{mode: none}", "{mode: inPlace}"
)

// planOf is a plan whose candidate runs in a mode.
func planOf(candidate, promotion, more string) string {
	return "# +argocd:skip-file-rendering\napiVersion: assay.dev/v1alpha1\nkind: Plan\nmetadata: {name: shop}\nspec:\n  candidate: " + candidate + "\n  promotion: " + promotion + "\n" + more
}

// analysis is a template that asks the loop's metric.
func (l *loop) analysis() string {
	return `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: ok}
spec:
` + l.metrics()
}

// experiment has Argo Rollouts run candidate and baseline itself, in an Experiment. Its AnalysisRuns
// have no label, and the pull request tells what they measured.
func (l *loop) experiment(name string) {
	l.t.Helper()
	l.Metric.Pause()
	l.Metric.Set(true)
	dir := "engines/" + name
	l.put(dir, "Add "+name, map[string]string{
		"assay.yaml":         planOf(byEngine, byPull, ""),
		"web.yaml":           webManifest("1.0.0"),
		"experiment/ok.yaml": l.analysis(),
		"experiment/trial.yaml.tmpl": `{{- $web := index .Targets 0 }}
apiVersion: argoproj.io/v1alpha1
kind: Experiment
metadata: {name: trial-{{ .ID }}}
spec:
  templates:
{{- range $name, $version := dict "baseline" $web.Baseline "candidate" $web.Candidate }}
  - name: {{ $name }}
    selector: {matchLabels: {app: web-{{ $name }}}}
    template:
      metadata: {labels: {app: web-{{ $name }}}}
      spec: {{ toJson $version.Object.spec.template.spec }}
{{- end }}
  analyses:
  - {name: ok, templateName: ok-{{ .ID }}, requiredForCompletion: true}
`,
	})
	l.must(l.Cluster.Apply(l.ctx, l.application(name, dir, "main")))
	l.until(name+" is synced", l.runs(name, "1.0.0"))
	id := l.set("--path", dir, "--tag", "2.0.0")
	l.until("the Experiment measures, and nothing of ours is copied", l.copiesNothing(name, argoproj, "Experiment", "trial-"+id, "AnalysisRun", "ReplicaSet", "Pod"))
	l.Metric.Resume()
	pull := l.pullOf(dir, id)
	for _, part := range []string{"Argo Rollouts Experiment", "ok: ok", "result == true", "2 of 2 passed"} {
		if !strings.Contains(pull.Body, part) {
			l.t.Errorf("the pull request does not tell of %s: %s", part, pull.Body)
		}
	}
	l.merge(pull)
	l.until(name+" runs 2.0.0 alone", l.runs(name, "2.0.0"))
	l.remove(name)
}

// rollout has a Rollout become the candidate, step by step: once it is promoted at its last step, and
// once its analysis aborts it and Git has the version before.
func (l *loop) rollout(name string) {
	l.t.Helper()
	dir := "engines/" + name
	l.put(dir, "Add "+name, map[string]string{
		"assay.yaml": planOf(inPlace, byPush, ""),
		"ok.yaml":    l.analysis(),
		"web.yaml": `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  strategy: {canary: {steps: [{setWeight: 50}, {pause: {duration: 1s}}, {analysis: {templates: [{templateName: ok}]}}]}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/shop/web:1.0.0"}]}
`,
	})
	l.must(l.Cluster.Apply(l.ctx, l.application(name, dir, "main")))
	runs := func(tag string) func() error {
		return l.all(l.settled(name), l.imageOf(argoproj, "Rollout", name, "web", tag))
	}
	l.until(name+" is synced", runs("1.0.0"))
	for _, test := range []struct {
		tag, ends, outcome string
		good               bool
	}{
		{"2.0.0", "2.0.0", "promote", true},
		{"3.0.0", "2.0.0", "reject", false},
	} {
		l.Metric.Pause()
		l.Metric.Set(test.good)
		id := l.set("--path", dir, "--tag", test.tag)
		l.until("the Rollout analyses "+test.tag+", and its pods have nothing of ours", func() error {
			o, err := l.Cluster.Get(l.ctx, argoproj, "Rollout", name, "web")
			if err != nil || o == nil || o.GetLabels()[engine.ExperimentLabel] != id {
				return because(err, "it does not run the candidate")
			}
			if step, _, _ := unstructured.NestedInt64(o.Object, "status", "currentStepIndex"); step != 2 {
				return fmt.Errorf("it is at step %d", step)
			}
			return l.copiesNothing(name, argoproj, "Rollout", "web", "AnalysisRun", "ReplicaSet", "Pod")()
		})
		l.Metric.Resume()
		l.until(name+" runs "+test.ends+" alone", runs(test.ends))
		if got := l.decided(id); got != test.outcome+" Argo Rollouts Rollout" {
			l.t.Errorf("%s of %s is decided: %s", test.tag, name, got)
		}
	}
	l.remove(name)
}

// flagger has a Canary judge. The test does what Flagger's controller does.
func (l *loop) flagger(name string) {
	l.t.Helper()
	l.must(l.Engines())
	dir := "engines/" + name
	l.put(dir, "Add "+name, map[string]string{
		"assay.yaml": planOf(inPlace, byPush, "  targets: [{kind: Deployment, name: web}, {kind: Canary, name: web}]\n"),
		"web.yaml":   webManifest("1.0.0"),
		"canary.yaml": `apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: web}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  service: {port: 80}
  analysis: {interval: 1s, threshold: 1, maxWeight: 50, stepWeight: 50}
`,
	})
	l.must(l.Cluster.Apply(l.ctx, l.application(name, dir, "main")))
	canary := func(what string, check func(*unstructured.Unstructured) error) {
		l.t.Helper()
		l.until(what, func() error {
			o, err := l.Cluster.Get(l.ctx, "flagger.app/v1beta1", "Canary", name, "web")
			if err != nil || o == nil {
				return because(err, "the Canary is not there")
			}
			return check(o)
		})
	}
	succeeded := func(spec string, at time.Time) {
		l.t.Helper()
		when := at.UTC().Format(time.RFC3339)
		l.must(l.Cluster.Conclude(l.ctx, `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: web, namespace: `+name+`}
status:
  phase: Succeeded
  failedChecks: 0
  canaryWeight: 0
  iterations: 0
  lastAppliedSpec: "`+spec+`"
  lastPromotedSpec: "`+spec+`"
  lastTransitionTime: "`+when+`"
  conditions:
  - {type: Promoted, status: "True", reason: Succeeded, message: "Canary analysis completed successfully, promotion finished.", lastUpdateTime: "`+when+`", lastTransitionTime: "`+when+`"}
`))
	}
	canary("the Canary is there", func(*unstructured.Unstructured) error { return nil })
	succeeded("5cf5b4d7c9", time.Now().Add(-time.Hour)) // the rollout before
	l.until(name+" is synced", l.runs(name, "1.0.0"))
	id := l.set("--path", dir, "--tag", "2.0.0")
	canary("the Canary judges the candidate", func(o *unstructured.Unstructured) error {
		if o.GetLabels()[engine.ExperimentLabel] != id {
			return errors.New("it has not its label")
		}
		return nil
	})
	l.outcomeOf(name, `"outcome":"hold"`, `"id":"`+id+`"`) // the success of the rollout before does not count
	succeeded("7bd88f6b5d", time.Now())
	l.until(name+" runs 2.0.0 alone", l.runs(name, "2.0.0"))
	if got := l.decided(id); got != "promote Flagger" {
		l.t.Errorf("it is decided: %s", got)
	}
	l.remove(name)
}

// decided is the outcome of an experiment and what judged it, as main tells.
func (l *loop) decided(id string) string {
	l.t.Helper()
	_, err := l.Repo.Sync()
	l.must(err)
	out, err := l.Repo.Git("log", "--no-merges", "--all-match", "--grep=^Assay-Experiment: "+id+"$", "--grep=^Assay-Engine: ",
		"--format=%(trailers:key=Assay-Outcome,valueonly,separator=%x20) %(trailers:key=Assay-Engine,valueonly,separator=%x20)")
	l.must(err)
	return out
}

// remove deletes an Application, and what it deployed.
func (l *loop) remove(name string) {
	l.t.Helper()
	l.must(l.Cluster.Delete(l.ctx, argoproj, "Application", "argocd", name))
	l.until("the Application "+name+" is gone", l.gone(name))
}

// copiesNothing is a check that controllers have made objects of these kinds from an object, and
// that none of them has our label or an annotation of ours: they would be found, and judged, as if
// Git named them. Only a ReplicaSet gets the annotations of its Deployment or Rollout, as all of
// theirs, and nothing looks for it.
func (l *loop) copiesNothing(namespace, apiVersion, kind, name string, want ...string) func() error {
	return func() error {
		made, err := l.made(namespace, apiVersion, kind, name)
		if err != nil {
			return err
		}
		missing := slices.Clone(want)
		for _, o := range made {
			if id, found := o.GetLabels()[engine.ExperimentLabel]; found {
				l.t.Fatalf("%s %s has the label of %s %s: %s", o.GetKind(), o.GetName(), kind, name, id)
			}
			missing = slices.DeleteFunc(missing, func(kind string) bool { return kind == o.GetKind() })
			if o.GetKind() == "ReplicaSet" && kind != "Experiment" {
				continue
			}
			for key := range o.GetAnnotations() {
				if strings.HasPrefix(key, "assay.dev/") {
					l.t.Fatalf("%s %s has the annotation %s of %s %s", o.GetKind(), o.GetName(), key, kind, name)
				}
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("%s %s has made no %v yet", kind, name, missing)
		}
		return nil
	}
}

// made are the objects that controllers made of an object, and of those.
func (l *loop) made(namespace, apiVersion, kind, name string) ([]unstructured.Unstructured, error) {
	top, err := l.Cluster.Get(l.ctx, apiVersion, kind, namespace, name)
	if err != nil || top == nil {
		return nil, because(err, "%s %s is not there", kind, name)
	}
	owners := map[types.UID]bool{top.GetUID(): true}
	var out []unstructured.Unstructured
	for _, k := range [][2]string{{argoproj, "Experiment"}, {argoproj, "AnalysisRun"}, {"apps/v1", "ReplicaSet"}, {"batch/v1", "Job"}, {"v1", "Pod"}} {
		list, err := l.Cluster.List(l.ctx, k[0], k[1], namespace, "")
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			for _, ref := range o.GetOwnerReferences() {
				if owners[ref.UID] {
					owners[o.GetUID()] = true
					o.SetKind(k[1])
					out = append(out, o)
					break
				}
			}
		}
	}
	return out, nil
}
