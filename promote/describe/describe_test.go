package describe

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/object/drift"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
)

func decoded(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte("kind: Any\napiVersion: v1\n" + text))
	if strings.Contains(text, "kind: ") {
		data, err = yaml.YAMLToJSON([]byte(text))
	}
	o := &unstructured.Unstructured{}
	if err == nil {
		err = o.UnmarshalJSON(data) // numbers as a cluster's client has them
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestStages: what each engine says of itself.
func TestStages(t *testing.T) {
	for name, test := range map[string]struct {
		object string
		want   Judge
	}{
		"Iter8": {
			`
apiVersion: iter8.tools/v2alpha2
kind: Experiment
spec: {duration: {iterationsPerLoop: 6, maxLoops: 2}}
status: {stage: Running, completedIterations: 5, message: "IterationUpdate: Completed Iteration 5", analysis: {winnerAssessment: {data: {winnerFound: true, winner: candidate}}}}`,
			Judge{Stage: "Running", Progress: "5 of 12 iterations", Winner: "candidate", Message: "IterationUpdate: Completed Iteration 5"},
		},
		"Iter8 without a winner": {
			`
apiVersion: iter8.tools/v2alpha2
kind: Experiment
status: {stage: Completed, analysis: {winnerAssessment: {data: {winnerFound: false, winner: candidate}}}}`,
			Judge{Stage: "Completed"},
		},
		"AnalysisRun": {
			`
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
spec: {metrics: [{name: errors, count: 3}, {name: latency}]}
status: {phase: Running, metricResults: [{name: errors, count: 1}, {name: latency, count: 4}]}`,
			Judge{Stage: "Running", Progress: "errors 1 of 3, latency 4"},
		},
		"Rollout": {
			`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
spec: {strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}]}}}
status: {phase: Paused, message: CanaryPauseStep, currentStepIndex: 1}`,
			Judge{Stage: "Paused", Progress: "step 1 of 2", Message: "CanaryPauseStep"},
		},
		"Canary": {
			`
apiVersion: flagger.app/v1beta1
kind: Canary
status: {phase: Progressing, canaryWeight: 30, iterations: 2}`,
			Judge{Stage: "Progressing", Progress: "weight 30 %, iteration 2"},
		},
		"a Job that runs": {
			`
apiVersion: batch/v1
kind: Job
spec: {completions: 3}
status: {active: 1, succeeded: 1}`,
			Judge{Stage: "Active", Progress: "1 of 3 completions"},
		},
		"a Job that failed": {
			`
apiVersion: batch/v1
kind: Job
status: {conditions: [{type: Failed, status: "True", message: Job has reached the specified backoff limit}]}`,
			Judge{Stage: "Failed", Progress: "0 of 1 completions", Message: "Job has reached the specified backoff limit"},
		},
		"k6":                    {"apiVersion: k6.io/v1alpha1\nkind: TestRun\nstatus: {stage: started}", Judge{Stage: "started"}},
		"a status of any types": {"apiVersion: iter8.tools/v2alpha2\nkind: Experiment\nstatus: [1]\nspec: {duration: x}", Judge{}},
	} {
		t.Run(name, func(t *testing.T) {
			var got Judge
			got.read(decoded(t, test.object))
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// TestPods: why a pod is not ready, in the cluster's words.
func TestPods(t *testing.T) {
	for name, test := range map[string]struct{ status, want string }{
		"ready":         {"{phase: Running, conditions: [{type: Ready, status: 'True'}]}", ""},
		"unschedulable": {"{phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: 0/3 nodes are available}]}", "Unschedulable: 0/3 nodes are available"},
		"an image that is not there": {
			"{phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: ImagePullBackOff, message: not found}}}]}",
			"web: ImagePullBackOff: not found",
		},
		"an init container": {"{phase: Pending, initContainerStatuses: [{name: wait, state: {terminated: {reason: Completed}}}, {name: migrate, state: {terminated: {reason: Error}}}]}", "migrate: Error"},
		"only a phase":      {"{phase: Pending}", "Pending"},
	} {
		p := podOf(decoded(t, "metadata: {name: p}\nstatus: "+test.status))
		if p.Why != test.want || p.Ready != (test.want == "") {
			t.Errorf("%s: %+v, want %s", name, p, test.want)
		}
	}
}

// declared is that nothing is to be ignored.
func declared(context.Context) ([]drift.Ignore, error) { return nil, nil }

// TestOf: Git's candidate, and the cluster's objects.
func TestOf(t *testing.T) {
	req, res := envrepo.Rendered(t, envrepo.Prod("method: push").On(t), "prod")
	res.Namespace = "web"
	job := envrepo.Concluded(res.Digest, "Suspended")[0]
	job.SetNamespace("web")
	now := time.Now()
	now = now.Truncate(time.Second).Add(3 * time.Hour) // by the cluster's clock
	job.SetCreationTimestamp(metav1.NewTime(now.Add(-10 * time.Minute)))
	pod := decoded(t, "metadata: {name: web-candidate-1}\nstatus: {phase: Pending}")
	var asked []string
	list := func(_ context.Context, kind schema.GroupVersionKind, namespace, selector string) ([]*unstructured.Unstructured, error) {
		asked = append(asked, kind.Kind+" "+namespace+" "+selector)
		if kind.Kind == "Pod" {
			return []*unstructured.Unstructured{pod}, nil
		}
		return []*unstructured.Unstructured{job}, nil
	}
	tip := promote.Tip{Rendered: res, Now: func() time.Time { return now }, Since: func(context.Context) (time.Time, error) { return now.Add(-11 * time.Minute), nil }}
	r, err := Of(t.Context(), req.Environment, tip, list, "web", promote.LiveDrift(list, nil, "web", declared))
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != decision.Hold || r.ID != res.ID || len(r.Judges) != 1 || !r.Judges[0].Found || len(r.Workloads) != 1 || r.Workloads[0].Ready != 0 {
		t.Errorf("%+v", r)
	}
	text := r.Text()
	for _, want := range []string{"Candidate:   2.0.0 (" + res.ID + ")", "Verdict:     hold", "Under test:  for 11m", "Time left:   50m, then it is rejected", "Job/check-" + res.ID, "web-candidate-1", "Pending", "example.com/shop/web:2.0.0"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if len(asked) != 4 || !strings.HasPrefix(asked[3], "Pod web app=web-candidate") {
		t.Errorf("asked for %q", asked)
	}
}

// TestDrift: what keeps a promotion back since it is not in the cluster as Git renders it.
func TestDrift(t *testing.T) {
	req, res := envrepo.Rendered(t, envrepo.Prod("method: push").On(t), "prod")
	res.Namespace = "web"
	variant, judge := res.Variant[0].DeepCopy(), envrepo.Concluded(res.Digest, "Complete")[0]
	for _, o := range []*unstructured.Unstructured{variant, judge} {
		o.SetNamespace("web")
	}
	other := variant.DeepCopy()
	if err := unstructured.SetNestedField(other.Object, int64(7), "spec", "minReadySeconds"); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		variant *unstructured.Unstructured
		failing error
		verdict decision.Outcome
		drift   string // the one that is told
		text    string
	}{
		"as rendered": {variant, nil, decision.Promote, "", "Verdict:     promote"},
		"edited": {
			other, nil, decision.Hold, "Deployment/web/web-candidate: spec.minReadySeconds is 7 in the cluster, and Git does not render it",
			"Reason:      what was tested is not what Git renders: Deployment/web/web-candidate: spec.minReadySeconds",
		},
		"forbidden": {
			variant, errors.New("deployments.apps is forbidden"), decision.Promote,
			"what differs from Git is not known: compare Deployment/web/web-candidate with what Git renders: deployments.apps is forbidden", "Drift:       what differs from Git is not known",
		},
	} {
		list := func(_ context.Context, kind schema.GroupVersionKind, _, _ string) ([]*unstructured.Unstructured, error) {
			switch kind.Kind {
			case "Deployment":
				return []*unstructured.Unstructured{test.variant}, test.failing
			case "Job":
				return []*unstructured.Unstructured{judge}, nil
			}
			return nil, nil
		}
		r, err := Of(t.Context(), req.Environment, promote.Tip{Rendered: res}, list, "web", promote.LiveDrift(list, nil, "web", declared))
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != test.verdict || strings.Join(r.Drift, "; ") != test.drift || !strings.Contains(r.Text(), test.text) {
			t.Errorf("%s: %+v\n%s", name, r, r.Text())
		}
	}
}

// TestOfWithoutPods: that pods may not be listed is told, and keeps nothing back.
func TestOfWithoutPods(t *testing.T) {
	req, res := envrepo.Rendered(t, envrepo.Prod("method: push").On(t), "prod")
	list := func(_ context.Context, kind schema.GroupVersionKind, _, _ string) ([]*unstructured.Unstructured, error) {
		if kind.Kind == "Pod" {
			return nil, errors.New("pods is forbidden: grant the verb list")
		}
		return nil, nil
	}
	r, err := Of(t.Context(), req.Environment, promote.Tip{Rendered: res}, list, "web", promote.LiveDrift(list, nil, "web", declared))
	if err != nil || !strings.Contains(r.Text(), "pods is forbidden: grant the verb list") || !strings.Contains(r.Reason, "the cluster has no object of it yet") {
		t.Errorf("%+v, %v", r, err)
	}
}
