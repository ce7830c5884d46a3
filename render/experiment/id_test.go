package experiment

import (
	"encoding/json"
	"math"
	"regexp"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/spec"
)

func idInput(t testing.TB) IDInput {
	t.Helper()
	return IDInput{
		Path: "apps/shop", Environment: "prod", Attempt: 1,
		Change: spec.Change{
			Images: []types.Image{{Name: "web", NewTag: "v2"}},
			Values: map[string]any{"a": map[string]any{"b": int64(1), "c": "x"}, "d": []any{true, nil}},
		},
		Plan: &spec.Plan{
			Metadata: spec.Metadata{Name: "shop", Annotations: map[string]string{"a": "b"}},
			Spec: spec.PlanSpec{
				Targets:    []spec.Ref{{Kind: "Deployment", Name: "web"}},
				Candidate:  spec.Variant{Mode: "clone", Labels: map[string]string{"x": "1", "y": "2"}},
				Experiment: spec.Experiment{Parameters: map[string]any{"qps": int64(16), "z": "1"}},
				Promotion:  spec.Promotion{Method: "push"},
				Queue:      "latest",
			},
		},
		Resources: []*unstructured.Unstructured{object1(t, job), deployment(t, "load", "v1")},
		Baseline:  []*unstructured.Unstructured{deployment(t, "web", "v1"), deployment(t, "api", "v1")},
		Candidate: []*unstructured.Unstructured{deployment(t, "web", "v2"), deployment(t, "api", "v1")},
	}
}

func id(t testing.TB, in IDInput) string {
	t.Helper()
	got, err := ID(in)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^e[0-9a-f]{9}$`).MatchString(got) {
		t.Fatalf("the ID is %q", got)
	}
	return got
}

func TestIDOfEachIngredient(t *testing.T) {
	changes := map[string]func(*IDInput){
		"path":             func(in *IDInput) { in.Path = "apps/other" },
		"environment":      func(in *IDInput) { in.Environment = "" },
		"attempt":          func(in *IDInput) { in.Attempt = 2 },
		"image":            func(in *IDInput) { in.Change.Images[0].NewTag = "v3" },
		"values":           func(in *IDInput) { in.Change.Values["a"] = map[string]any{"b": int64(2), "c": "x"} },
		"a deleted value":  func(in *IDInput) { in.Change.Values["e"] = nil },
		"diff":             func(in *IDInput) { in.Change.Diff = "x" },
		"targets":          func(in *IDInput) { in.Plan.Spec.Targets = nil },
		"labels":           func(in *IDInput) { in.Plan.Spec.Candidate.Labels["x"] = "2" },
		"parameters":       func(in *IDInput) { in.Plan.Spec.Experiment.Parameters["qps"] = int64(17) },
		"untested":         func(in *IDInput) { in.Plan.Spec.Untested = []spec.Ref{{Kind: "Job", Name: "x"}} },
		"routing":          func(in *IDInput) { in.Plan.Spec.Routing = []spec.Ref{{Kind: "VirtualService", Name: "x"}} },
		"helm":             func(in *IDInput) { in.Plan.Spec.Helm = &spec.HelmSource{ReleaseName: "x"} },
		"resource":         func(in *IDInput) { in.Resources[0].SetName("other") },
		"no resources":     func(in *IDInput) { in.Resources = nil },
		"baseline":         func(in *IDInput) { in.Baseline[0] = deployment(t, "web", "v0") },
		"candidate":        func(in *IDInput) { in.Candidate[0] = deployment(t, "web", "v3") },
		"one more object":  func(in *IDInput) { in.Candidate = append(in.Candidate, deployment(t, "x", "v1")) },
		"sides swapped":    func(in *IDInput) { in.Baseline, in.Candidate = in.Candidate, in.Baseline },
		"moved to a side":  func(in *IDInput) { in.Candidate = append(in.Candidate, in.Baseline[1]); in.Baseline = in.Baseline[:1] },
		"type of a number": func(in *IDInput) { in.Plan.Spec.Experiment.Parameters["qps"] = "16" },
	}
	seen := map[string]string{id(t, idInput(t)): "the original"}
	for name, change := range changes {
		in := idInput(t)
		change(&in)
		got := id(t, in)
		if other, ok := seen[got]; ok {
			t.Errorf("%s has the ID of %s", name, other)
		}
		seen[got] = name
	}
}

func TestIDIgnoresWhatIsNotTested(t *testing.T) {
	changes := map[string]func(*IDInput){
		"nothing":           func(*IDInput) {},
		"promotion":         func(in *IDInput) { in.Plan.Spec.Promotion = spec.Promotion{Title: "x", Paused: true} },
		"queue":             func(in *IDInput) { in.Plan.Spec.Queue = "every" },
		"the plan's name":   func(in *IDInput) { in.Plan.Metadata = spec.Metadata{} },
		"order of objects":  func(in *IDInput) { in.Baseline[0], in.Baseline[1] = in.Baseline[1], in.Baseline[0] },
		"order of files":    func(in *IDInput) { in.Resources[0], in.Resources[1] = in.Resources[1], in.Resources[0] },
		"float for integer": func(in *IDInput) { in.Plan.Spec.Experiment.Parameters["qps"] = float64(16) },
		"empty for nil":     func(in *IDInput) { in.Change.Patches = []types.Patch{} },
	}
	want := id(t, idInput(t))
	for name, change := range changes {
		in := idInput(t)
		change(&in)
		for range 20 {
			if got := id(t, in); got != want {
				t.Errorf("%s changes the ID", name)
				break
			}
		}
	}
}

func TestIDChangesNothingOfItsInput(t *testing.T) {
	in := idInput(t)
	before, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	id(t, in)
	if after, _ := json.Marshal(in); string(after) != string(before) {
		t.Error("the input changed")
	}
}

func TestIDErrors(t *testing.T) {
	in := idInput(t)
	in.Plan = nil
	_, err := ID(in)
	wantError(t, err, "the plan is missing")
	in = idInput(t)
	in.Baseline[0].Object["x"] = math.NaN()
	_, err = ID(in)
	wantError(t, err, "hash Deployment/web")
}
