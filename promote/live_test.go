package promote

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/test/envrepo"
)

const testRun = `apiVersion: k6.io/v1alpha1
kind: TestRun
metadata: {name: load, namespace: k6}
spec: {parallelism: 1, script: {configMap: {name: script}}}
`

// judged is an environment whose experiment is these files, and whose plan knows
// these engines too.
func judged(resources envrepo.Files, engines string) envrepo.Files {
	tree := envrepo.Prod("method: push")
	delete(tree, "prod/experiment/check.yaml")
	tree["prod/assay.yaml"] = envrepo.Plan("experiment: {engines: [" + engines + "]}")
	for name, text := range resources {
		tree["prod/experiment/"+name] = text
	}
	return tree
}

// asked records what a cluster is asked for, as kind namespace selector.
func asked(list *[]string, found ...*unstructured.Unstructured) List {
	return func(_ context.Context, kind schema.GroupVersionKind, namespace, selector string) ([]*unstructured.Unstructured, error) {
		*list = append(*list, kind.GroupVersion().String()+"/"+kind.Kind+" "+namespace+" "+selector)
		return found, nil
	}
}

// TestLive: each kind that judges is asked for once, in its namespace, by the ID.
func TestLive(t *testing.T) {
	for name, test := range map[string]struct {
		resources envrepo.Files
		want      []string
	}{
		"one":          {envrepo.Files{"a.yaml": envrepo.CheckJob}, []string{"batch/v1/Job web assay.dev/experiment=ID"}},
		"two of them":  {envrepo.Files{"a.yaml": envrepo.CheckJob, "b.yaml": strings.Replace(envrepo.CheckJob, "name: check", "name: other", 1)}, []string{"batch/v1/Job web assay.dev/experiment=ID"}},
		"its own Jobs": {envrepo.Files{"a.yaml": testRun}, []string{"k6.io/v1alpha1/TestRun k6 assay.dev/experiment=ID", "batch/v1/Job k6 app=k6,k6_cr=load-ID,runner=true"}},
	} {
		t.Run(name, func(t *testing.T) {
			res := mustRender(t, judged(test.resources, "").On(t), "prod")
			var got []string
			objs, err := Live(asked(&got), "web")(t.Context(), res)
			if err != nil || len(objs) > 0 {
				t.Fatalf("found %v, %v", objs, err)
			}
			for i := range test.want {
				test.want[i] = strings.ReplaceAll(test.want[i], "ID", res.ID)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("asked for %q, want %q", got, test.want)
			}
			choice, err := ByVerdict(Live(asked(&got), "web"), "").Choose(t.Context(), Tip{Rendered: res})
			if err != nil || choice.Held != decision.Hold || !strings.Contains(choice.Reason, "the cluster has no object of it yet: expected ") {
				t.Errorf("nothing there is %+v, %v", choice, err)
			}
		})
	}
}

// TestLiveDecides: what judges decides, and a Job of the variant with the same
// label does not speak for it.
func TestLiveDecides(t *testing.T) {
	res := mustRender(t, judged(envrepo.Files{"a.yaml": envrepo.CheckJob}, "").On(t), "prod")
	res.Namespace = "web"
	done := envrepo.Concluded(res.Digest, "Complete")[0]
	done.SetNamespace("web")
	other := done.DeepCopy()
	other.SetName("migrate-candidate")
	var got []string
	choice, err := ByVerdict(Live(asked(&got, other, done), "web"), "").Choose(t.Context(), Tip{Rendered: res})
	if err != nil || choice.Held != "" || choice.Outcome != decision.Promote || choice.Digest != res.Digest {
		t.Errorf("%+v, %v", choice, err)
	}
	choice, err = ByVerdict(Live(asked(&got, other), "web"), "").Choose(t.Context(), Tip{Rendered: res})
	if err != nil || choice.Held != decision.Hold {
		t.Errorf("without what judges: %+v, %v", choice, err)
	}
}

const argoExperiment = `apiVersion: argoproj.io/v1alpha1
kind: Experiment
metadata: {name: trial}
spec: {templates: [], analyses: [{name: ok, templateName: ok, requiredForCompletion: true}]}
`

// TestLiveMeasures: an Experiment's AnalysisRuns are found by who owns them, and tell people
// what was measured. Who may not list them gets the verdict all the same.
func TestLiveMeasures(t *testing.T) {
	res := mustRender(t, judged(envrepo.Files{"a.yaml": argoExperiment}, "").On(t), "prod")
	res.Namespace = "web"
	trial := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Experiment",
		"spec": map[string]any{"analyses": []any{map[string]any{"name": "ok", "requiredForCompletion": true}}},
		"status": map[string]any{"phase": "Successful", "analysisRuns": []any{
			map[string]any{"name": "ok", "analysisRun": "trial-ok", "phase": "Successful"},
		}},
	}}
	trial.SetName("trial-" + res.ID)
	trial.SetNamespace("web")
	trial.SetUID("u1")
	trial.SetLabels(map[string]string{engine.ExperimentLabel: res.ID})
	trial.SetAnnotations(map[string]string{digest.Annotation: string(res.Digest)})
	run := func(owner types.UID, value string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
			"status": map[string]any{"phase": "Successful", "metricResults": []any{map[string]any{
				"name": "latency", "phase": "Successful", "measurements": []any{map[string]any{"value": value}},
			}}},
		}}
		o.SetName("trial-ok")
		o.SetNamespace("web")
		controls := true
		o.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "argoproj.io/v1alpha1", Kind: "Experiment", Name: trial.GetName(), UID: owner, Controller: &controls}})
		return o
	}
	forbidden := errors.New("analysisruns is forbidden")
	for name, test := range map[string]struct {
		runs []*unstructured.Unstructured
		err  error
		want string // of the one metric
	}{
		"its own":                 {[]*unstructured.Unstructured{run("u1", "12")}, nil, "12"},
		"another's, of that name": {[]*unstructured.Unstructured{run("u2", "13")}, nil, ""},
		"may not be listed":       {nil, forbidden, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			list := func(_ context.Context, kind schema.GroupVersionKind, namespace, selector string) ([]*unstructured.Unstructured, error) {
				asked = append(asked, kind.Kind+" "+namespace+" "+selector)
				if kind.Kind == "AnalysisRun" {
					return test.runs, test.err
				}
				return []*unstructured.Unstructured{trial}, nil
			}
			choice, err := ByVerdict(Live(list, "web"), "").Choose(t.Context(), Tip{Rendered: res})
			if err != nil || choice.Outcome != decision.Promote || choice.Held != "" {
				t.Fatalf("%+v, %v", choice, err)
			}
			if len(choice.Metrics) != 1 || choice.Metrics[0].Candidate != test.want {
				t.Errorf("metrics %+v, want %q", choice.Metrics, test.want)
			}
			if want := []string{"Experiment web " + engine.ExperimentLabel + "=" + res.ID, "AnalysisRun web "}; !slices.Equal(asked, want) {
				t.Errorf("asked for %q, want %q", asked, want)
			}
		})
	}
}

func TestLiveRefuses(t *testing.T) {
	down := errors.New("the cluster is down")
	const engine = "{group: batch, kind: Job, concluded: 'true', promote: 'children.all(c, c.ok)', reject: 'false'}"
	for name, test := range map[string]struct {
		tree      envrepo.Files
		namespace string
		want      string
	}{
		"no namespace":            {judged(envrepo.Files{"a.yaml": envrepo.CheckJob}, ""), "", "it names no namespace: give the one that the Application deploys to"},
		"children of any kind":    {judged(envrepo.Files{"a.yaml": envrepo.CheckJob}, engine), "web", "its engine reads children, and nothing says of which kind they are"},
		"a cluster that is down":  {judged(envrepo.Files{"a.yaml": envrepo.CheckJob}, ""), "web", down.Error()},
		"one that is down for k6": {judged(envrepo.Files{"a.yaml": testRun}, ""), "", down.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			res := mustRender(t, test.tree.On(t), "prod")
			list := func(context.Context, schema.GroupVersionKind, string, string) ([]*unstructured.Unstructured, error) {
				return nil, down
			}
			_, err := ByVerdict(Live(list, test.namespace), "").Choose(t.Context(), Tip{Rendered: res})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// TestLiveWithoutAJudge: nothing that could come decides.
func TestLiveWithoutAJudge(t *testing.T) {
	res := mustRender(t, judged(envrepo.Files{"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"}, "").On(t), "prod")
	var got []string
	if _, err := ByVerdict(Live(asked(&got), "web"), "").Choose(t.Context(), Tip{Rendered: res}); err == nil || !strings.Contains(err.Error(), "nothing in it judges") || len(got) > 0 {
		t.Errorf("asked for %q: %v", got, err)
	}
}
