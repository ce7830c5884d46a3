package experiment

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/spec"
)

func tested(t testing.TB) Tested {
	t.Helper()
	return Tested{
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
		Sources: []Source{
			{File: "a.yaml", Data: []byte("a: 1")}, {File: "b.yaml.tmpl", Data: []byte("a: {{ .ID }}")}, {File: "c.yml.tmpl", Data: []byte("b: {{ .ID }}")},
		},
		Baseline:  []*unstructured.Unstructured{deployment(t, "web", "v1"), deployment(t, "api", "v1")},
		Candidate: []*unstructured.Unstructured{deployment(t, "web", "v2"), deployment(t, "api", "v1")},
	}
}

func digestOf(t testing.TB, in Tested) digest.Digest {
	t.Helper()
	got, err := Digest(in)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^v2:[0-9a-f]{64}$`).MatchString(string(got)) {
		t.Fatalf("the digest is %q", got)
	}
	return got
}

func TestDigestOfEachIngredient(t *testing.T) {
	changes := map[string]func(*Tested){
		"path":                func(in *Tested) { in.Path = "apps/other" },
		"environment":         func(in *Tested) { in.Environment = "" },
		"attempt":             func(in *Tested) { in.Attempt = 2 },
		"image":               func(in *Tested) { in.Change.Images[0].NewTag = "v3" },
		"values":              func(in *Tested) { in.Change.Values["a"] = map[string]any{"b": int64(2), "c": "x"} },
		"a deleted value":     func(in *Tested) { in.Change.Values["e"] = nil },
		"diff":                func(in *Tested) { in.Change.Diff = "x" },
		"targets":             func(in *Tested) { in.Plan.Spec.Targets = nil },
		"labels":              func(in *Tested) { in.Plan.Spec.Candidate.Labels["x"] = "2" },
		"parameters":          func(in *Tested) { in.Plan.Spec.Experiment.Parameters["qps"] = int64(17) },
		"untested":            func(in *Tested) { in.Plan.Spec.Untested = []spec.Ref{{Kind: "Job", Name: "x"}} },
		"routing":             func(in *Tested) { in.Plan.Spec.Routing = []spec.Ref{{Kind: "VirtualService", Name: "x"}} },
		"helm":                func(in *Tested) { in.Plan.Spec.Helm = &spec.HelmSource{ReleaseName: "x"} },
		"plan's name":         func(in *Tested) { in.Plan.Metadata.Name = "other" },
		"template":            func(in *Tested) { in.Sources[1].Data = []byte("a: {{ .Name }}") },
		"no templates":        func(in *Tested) { in.Sources = nil },
		"same template twice": func(in *Tested) { in.Sources = append(in.Sources, in.Sources[1]) },
		"resource":            func(in *Tested) { in.Resources[0].SetName("other") },
		"no resources":        func(in *Tested) { in.Resources = nil },
		"baseline":            func(in *Tested) { in.Baseline[0] = deployment(t, "web", "v0") },
		"candidate":           func(in *Tested) { in.Candidate[0] = deployment(t, "web", "v3") },
		"one more object":     func(in *Tested) { in.Candidate = append(in.Candidate, deployment(t, "x", "v1")) },
		"sides swapped":       func(in *Tested) { in.Baseline, in.Candidate = in.Candidate, in.Baseline },
		"moved to a side":     func(in *Tested) { in.Candidate = append(in.Candidate, in.Baseline[1]); in.Baseline = in.Baseline[:1] },
		"type of a number":    func(in *Tested) { in.Plan.Spec.Experiment.Parameters["qps"] = "16" },
	}
	seen := map[digest.Digest]string{digestOf(t, tested(t)): "the original"}
	for name, change := range changes {
		in := tested(t)
		change(&in)
		got := digestOf(t, in)
		if other, ok := seen[got]; ok {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[got] = name
	}
}

func TestDigestIgnoresWhatIsNotTested(t *testing.T) {
	changes := map[string]func(*Tested){
		"nothing":                func(*Tested) {},
		"promotion":              func(in *Tested) { in.Plan.Spec.Promotion = spec.Promotion{Title: "x", Paused: true} },
		"queue":                  func(in *Tested) { in.Plan.Spec.Queue = "every" },
		"annotations":            func(in *Tested) { in.Plan.Metadata.Annotations = nil },
		"name, and no templates": func(in *Tested) { in.Plan.Metadata.Name = "other" },
		"order of templates":     func(in *Tested) { in.Sources[1], in.Sources[2] = in.Sources[2], in.Sources[1] },
		"name of a template":     func(in *Tested) { in.Sources[1].File = "other.yaml.tmpl" },
		"plain file's bytes":     func(in *Tested) { in.Sources[0].Data = []byte("a: 2") },
		"order of objects":       func(in *Tested) { in.Baseline[0], in.Baseline[1] = in.Baseline[1], in.Baseline[0] },
		"order of files":         func(in *Tested) { in.Resources[0], in.Resources[1] = in.Resources[1], in.Resources[0] },
		"float for integer":      func(in *Tested) { in.Plan.Spec.Experiment.Parameters["qps"] = float64(16) },
		"empty for nil":          func(in *Tested) { in.Change.Patches = []types.Patch{} },
	}
	for name, change := range changes {
		in := tested(t)
		if name == "name, and no templates" {
			in.Sources = in.Sources[:1]
		}
		want := digestOf(t, in)
		change(&in)
		for range 20 {
			if got := digestOf(t, in); got != want {
				t.Errorf("%s changes the digest", name)
				break
			}
		}
	}
}

func TestDigestChangesNothingOfItsInput(t *testing.T) {
	in := tested(t)
	before, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	digestOf(t, in)
	if after, _ := json.Marshal(in); string(after) != string(before) {
		t.Error("the input changed")
	}
}

func TestDigestErrors(t *testing.T) {
	in := tested(t)
	in.Plan = nil
	_, err := Digest(in)
	wantError(t, err, "the plan is missing")
	in = tested(t)
	in.Baseline[0].Object["x"] = math.NaN()
	_, err = Digest(in)
	wantError(t, err, "hash Deployment/web")
}

// TestDigestRefusesWhatIsNotUTF8: JSON has one form for all of it, so that two
// different trees would have one digest.
func TestDigestRefusesWhatIsNotUTF8(t *testing.T) {
	const bad = "a\xffb"
	for name, change := range map[string]func(*Tested){
		"path":           func(in *Tested) { in.Path = bad },
		"environment":    func(in *Tested) { in.Environment = bad },
		"value":          func(in *Tested) { in.Change.Values["a"] = bad },
		"key":            func(in *Tested) { in.Change.Values[bad] = true },
		"image":          func(in *Tested) { in.Change.Images[0].NewTag = bad },
		"diff":           func(in *Tested) { in.Change.Diff = bad },
		"label":          func(in *Tested) { in.Plan.Spec.Candidate.Labels["x"] = bad },
		"plan's name":    func(in *Tested) { in.Plan.Metadata.Name = bad },
		"helm parameter": func(in *Tested) { in.Plan.Spec.Helm = &spec.HelmSource{ReleaseName: bad} },
		"resource":       func(in *Tested) { in.Resources[0].SetName(bad) },
		"baseline":       func(in *Tested) { in.Baseline[0].Object["x"] = []any{map[string]any{"y": bad}} },
		"candidate":      func(in *Tested) { in.Candidate[0].Object[bad] = "x" },
	} {
		in := tested(t)
		change(&in)
		_, err := Digest(in)
		if err == nil {
			t.Errorf("%s: it is not refused", name)
			continue
		}
		wantError(t, err, "not UTF-8")
	}
}

// TestDigestOfWhatIsRead: what the experiment reads of the environment is tested with
// it, also what that reads in turn; nothing else beside it is.
func TestDigestOfWhatIsRead(t *testing.T) {
	judge := object1(t, `{apiVersion: argoproj.io/v1alpha1, kind: Experiment, metadata: {name: x}, spec: {analyses: [{name: a, templateName: strict}]}}`)
	template := func(condition string) *unstructured.Unstructured {
		return object1(t, `{apiVersion: argoproj.io/v1alpha1, kind: AnalysisTemplate, metadata: {name: strict}, spec: {metrics: [{name: m, successCondition: "`+condition+
			`", provider: {job: {spec: {template: {spec: {containers: [{name: j, envFrom: [{configMapRef: {name: script}}]}]}}}}}}]}}`)
	}
	config := func(name, text string) *unstructured.Unstructured {
		return object1(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: `+name+`}, data: {text: "`+text+`"}}`)
	}
	of := func(beside ...*unstructured.Unstructured) digest.Digest {
		in := tested(t)
		in.Resources, in.Beside = append(in.Resources, judge), beside
		return digestOf(t, in)
	}
	want := of(template("a"), config("script", "a"), config("other", "a"))
	if got := of(config("other", "b"), config("script", "a"), template("a")); got != want {
		t.Error("what nobody reads, or the order, makes another digest")
	}
	for name, got := range map[string]digest.Digest{
		"the template": of(template("b"), config("script", "a")), "what the template reads": of(template("a"), config("script", "b")), "nothing": of(),
	} {
		if got == want {
			t.Errorf("%s: the digest is the same", name)
		}
	}
	judge = object1(t, `{apiVersion: argoproj.io/v1alpha1, kind: Experiment, metadata: {name: x}, spec: {analyses: [{name: a, templateName: strict, clusterScope: true}]}}`)
	ofCluster := func(condition, text string) digest.Digest {
		cluster := template(condition)
		cluster.SetKind("ClusterAnalysisTemplate")
		return of(cluster, config("script", text))
	}
	if want := ofCluster("a", "a"); ofCluster("b", "a") == want || ofCluster("a", "b") == want {
		t.Error("a template of the cluster, or what it reads, is not part of the digest")
	}
	judge = object1(t, `{apiVersion: iter8.tools/v2alpha2, kind: Experiment, metadata: {name: x}, spec: {criteria: {objectives: [{metric: shop/latency}]}}}`)
	metric := func(query string) *unstructured.Unstructured {
		return object1(t, `{apiVersion: iter8.tools/v2alpha2, kind: Metric, metadata: {name: latency, namespace: shop}, spec: {jqExpression: "`+query+`"}}`)
	}
	if of(metric("a")) == of(metric("b")) {
		t.Error("a metric that is named with its namespace is not part of the digest")
	}
}

// TestDigestIsExplained: docs/engines.md has a row for each key that is hashed, and for no other.
func TestDigestIsExplained(t *testing.T) {
	in := tested(t)
	in.Resources = append(in.Resources, object1(t, `{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: c, envFrom: [{configMapRef: {name: script}}]}]}}`))
	in.Beside = []*unstructured.Unstructured{object1(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: script}}`)}
	bound, err := in.bound()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/engines.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "### What the digest binds\n")
	section, _, _ = strings.Cut(section, "The destination's namespace")
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?`) \\|").FindAllStringSubmatch(section, -1) {
		for _, key := range strings.Split(row[1], ", ") {
			told = append(told, strings.Trim(key, "`"))
		}
	}
	slices.Sort(told)
	if keys := slices.Sorted(maps.Keys(bound)); !slices.Equal(told, keys) {
		t.Errorf("docs/engines.md explains %s, and the digest is of %s", told, keys)
	}
}

// TestCanonicalAtOnce: what is written at once is what sorting its JSON again gives.
func TestCanonicalAtOnce(t *testing.T) {
	type pair struct{ B, A string }
	for _, value := range []any{
		"plain", "<&>\u2028\x00\"\\", "", nil, true, int64(math.MaxInt64), int64(-1), 1.0, 0.1, 1e21, 1e-7, math.Copysign(0, -1), math.MaxFloat64,
		[]any{},
		[]any(nil),
		map[string]any{},
		map[string]any(nil),
		map[string]any{"b": 1, "a": map[string]any{"<": []any{nil, "z"}}, "\u00e9": 1.5, "": ""},
		3,
		pair{"x", "y"},
		map[string]string{"b": "1", "a": "2"},
		[]string{"x"},
		json.Number("1.0"),
	} {
		o := &unstructured.Unstructured{Object: map[string]any{"z": value, "a": []any{value}}}
		want, err := canonical(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (Tested{}).canonicalObject(o); err != nil || string(got) != string(want) {
			t.Errorf("%#v: %s, %v, want %s", value, got, err, want)
		}
	}
}

// TestDigestIsOfOneObject: its members are hashed as one JSON object with sorted keys.
func TestDigestIsOfOneObject(t *testing.T) {
	in := tested(t)
	bound, err := in.bound()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := canonical(bound)
	if err != nil {
		t.Fatal(err)
	}
	if got := joined(bound); string(got) != string(whole) {
		t.Errorf("%s\nis not\n%s", got, whole)
	}
	if got := digestOf(t, in); got != digest.Of(whole) {
		t.Errorf("the digest is %s", got)
	}
}
