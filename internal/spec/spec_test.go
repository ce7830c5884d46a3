package spec_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/assaydev/assay/internal/spec"
)

const (
	planHead      = "apiVersion: assay.dev/v1alpha1\nkind: Plan\n"
	candidateHead = "apiVersion: assay.dev/v1alpha1\nkind: Candidate\n"
)

func example(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDecodePlan(t *testing.T) {
	got, err := spec.DecodePlan("envs/bookinfo/assay.yaml", example(t, "plan.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	one := int64(1)
	want := &spec.Plan{
		APIVersion: spec.APIVersion, Kind: "Plan", Metadata: spec.Metadata{Name: "bookinfo"},
		Spec: spec.PlanSpec{
			Targets: []spec.Ref{{Kind: "Deployment", Name: "productpage-stable"}},
			Candidate: spec.Variant{
				Mode: "clone", Traffic: "isolated", Name: "productpage-candidate",
				Labels: map[string]string{"iter8type": "candidate"}, Replicas: &one, Patches: []types.Patch{},
			},
			Experiment: spec.Experiment{Resources: []string{"experiment/*"}, Parameters: map[string]any{"qps": int64(16)}, Deadline: "1h"},
			Untested:   []spec.Ref{{Kind: "Job", Name: "migrate"}},
			Routing:    []spec.Ref{{Kind: "VirtualService", Name: "bookinfo"}},
			Helm:       &spec.HelmSource{ReleaseName: "shop", Namespace: "shop"},
			Promotion: spec.Promotion{
				Method: "pull-request", Reject: "push", Title: "Deploy version recommended by Iter8", Merge: "manual",
				To: []spec.Destination{{Path: "../staging/bookinfo"}},
			},
			Queue: "preempt",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeCandidates(t *testing.T) {
	got, err := spec.DecodeCandidates("envs/bookinfo/candidate.yaml", example(t, "candidate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := []spec.Candidate{{
		APIVersion: spec.APIVersion, Kind: "Candidate", Metadata: spec.Metadata{Name: "v2.1.0", Annotations: map[string]string{}},
		Spec: spec.CandidateSpec{Change: spec.Change{
			Images:  []types.Image{{Name: "iter8/productpage", NewTag: "v2"}},
			Values:  map[string]any{"image": map[string]any{"tag": "v2"}},
			Patches: []types.Patch{},
		}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDefaults(t *testing.T) {
	got, err := spec.DecodePlan("envs/shop/assay.yaml", []byte(planHead))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(spec.NewPlan("shop"), got); diff != "" {
		t.Errorf("an empty plan differs from none: %s", diff)
	}
	want := spec.PlanSpec{
		Candidate:  spec.Variant{Mode: "clone", Traffic: "isolated", NameSuffix: "-candidate"},
		Experiment: spec.Experiment{Resources: []string{"experiment/*"}, Deadline: "1h"},
		Promotion:  spec.Promotion{Method: "pull-request", Reject: "push", Merge: "manual"},
		Queue:      "preempt",
	}
	if diff := cmp.Diff(want, got.Spec); diff != "" {
		t.Error(diff)
	}
	for file, name := range map[string]string{"assay.yaml": "environment", "a/b/assay.prod.yaml": "b"} {
		p, err := spec.DecodePlan(file, []byte(planHead))
		if err != nil || p.Metadata.Name != name {
			t.Errorf("%s is called %v, %v", file, p, err)
		}
	}
	if p := spec.NewPlan("."); p.Metadata.Name != "environment" {
		t.Errorf("the root is called %s", p.Metadata.Name)
	}
}

func TestNoResourcesIsNotTheDefault(t *testing.T) {
	p, err := spec.DecodePlan("assay.yaml", []byte(planHead+"spec: {experiment: {resources: []}}\n"))
	if err != nil || p.Spec.Experiment.Resources == nil || len(p.Spec.Experiment.Resources) != 0 {
		t.Errorf("got %#v, %v", p, err)
	}
}

func TestOrdinaryManifestsAreNotOurs(t *testing.T) {
	for _, text := range []string{
		"", "---\n", "# nothing\n", "a: 1\n", "[1]\n", "text\n",
		"apiVersion: v1\nkind: ConfigMap\n", "apiVersion: other.dev/v1\nkind: Candidate\nspec: {nothing: ours}\n",
		"kind: ConfigMap\n", "replicas: {{ .Values.n }}\n", "\ta: 1\n", "\xff\n", "apiVersion: [1]\n",
		"a: &a [x]\nb: &b [*a, *a]\n",
	} {
		p, err := spec.DecodePlan("assay.yaml", []byte(text))
		if p != nil || err != nil {
			t.Errorf("plan of %q: %v, %v", text, p, err)
		}
		c, err := spec.DecodeCandidates("candidate.yaml", []byte(text))
		if c != nil || err != nil {
			t.Errorf("candidates of %q: %v, %v", text, c, err)
		}
	}
}

func TestBOMAndCRLF(t *testing.T) {
	plain := candidateHead + "metadata:\n  name: x\nspec:\n  images:\n  - name: web\n    newTag: v2\n"
	want, err := spec.DecodeCandidates("candidate.yaml", []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	got, err := spec.DecodeCandidates("candidate.yaml", []byte("\xef\xbb\xbf"+strings.ReplaceAll(plain, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSeveralCandidatesWait(t *testing.T) {
	text := "---\n" + candidateHead + "metadata: {name: first}\nspec: {diff: x}\n---\n---\n" + candidateHead + "metadata: {name: second}\nspec: {diff: y}\n"
	got, err := spec.DecodeCandidates("candidate.yaml", []byte(text))
	if err != nil || len(got) != 2 || got[0].Metadata.Name != "first" || got[1].Metadata.Name != "second" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestValuesKeepTheirTypes(t *testing.T) {
	got, err := spec.DecodeCandidates("candidate.yaml", []byte(candidateHead+`spec:
  values:
    int: 5
    big: 9007199254740993
    hex: 0x10
    float: 1.5
    exponent: 1e3
    bool: true
    text: "5"
    quoted: "yes"
    none: null
    "null": gone
    date: 2001-01-01
    list: [1, [2.5, {a: ~}]]
    base: &base {x: 1}
    again: *base
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"int": int64(5), "big": int64(9007199254740993), "hex": int64(16), "float": 1.5, "exponent": 1000.0, "bool": true, "text": "5", "quoted": "yes",
		"none": nil, "null": "gone", "date": "2001-01-01", "list": []any{int64(1), []any{2.5, map[string]any{"a": nil}}},
		"base": map[string]any{"x": int64(1)}, "again": map[string]any{"x": int64(1)},
	}
	if diff := cmp.Diff(want, got[0].Spec.Values); diff != "" {
		t.Error(diff)
	}
}

func TestKustomizesInlineFields(t *testing.T) {
	got, err := spec.DecodeCandidates("candidate.yaml", []byte(candidateHead+`spec:
  patches:
  - target: {group: apps, version: v1, kind: Deployment, name: web, namespace: shop, labelSelector: a=b}
    patch: "[]"
    options: {allowNameChange: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []types.Patch{{
		Patch: "[]", Options: &types.PatchArgs{AllowNameChange: true},
		Target: &types.Selector{
			ResId:         resid.ResId{Gvk: resid.Gvk{Group: "apps", Version: "v1", Kind: "Deployment"}, Name: "web", Namespace: "shop"},
			LabelSelector: "a=b",
		},
	}}
	if diff := cmp.Diff(want, got[0].Spec.Patches, cmpopts.IgnoreUnexported(resid.Gvk{})); diff != "" {
		t.Error(diff)
	}
}

func TestFileNames(t *testing.T) {
	for env, want := range map[string]string{"": ".yaml", "prod": ".prod.yaml", "eu-west1": ".eu-west1.yaml"} {
		plan, err := spec.PlanFile(env)
		if err != nil || plan != "assay"+want {
			t.Errorf("%q: %q, %v", env, plan, err)
		}
		candidate, err := spec.CandidateFile(env)
		if err != nil || candidate != "candidate"+want {
			t.Errorf("%q: %q, %v", env, candidate, err)
		}
	}
	for _, env := range []string{"Prod", "a.b", "../x", "a/b", "-a", " ", "\n", strings.Repeat("a", 64)} {
		if _, err := spec.PlanFile(env); err == nil || !strings.HasPrefix(err.Error(), "name environment ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", env, err)
		}
	}
}

func TestEncodeCandidate(t *testing.T) {
	got, err := spec.EncodeCandidate(spec.Candidate{
		Metadata: spec.Metadata{Name: "v2", Annotations: map[string]string{"commit": "1e3", "author": "x"}},
		Spec: spec.CandidateSpec{Attempt: 1, Change: spec.Change{
			Images: []types.Image{{Name: "web", NewTag: "2024", Digest: ""}},
			Values: map[string]any{"b": int64(1), "a": map[string]any{"on": nil, "list": []any{}}},
			Diff:   "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n x\n-a\n+b\n",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `# +argocd:skip-file-rendering
apiVersion: assay.dev/v1alpha1
kind: Candidate
metadata:
  name: v2
  annotations:
    author: x
    commit: "1e3"
spec:
  images:
  - name: web
    newTag: "2024"
  values:
    a:
      list: []
      "on": null
    b: 1
  diff: |
    --- a/x
    +++ b/x
    @@ -1,2 +1,2 @@
     x
    -a
    +b
  attempt: 1
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	again(t, got)
}

// again decodes what was encoded, and encodes that.
func again(t *testing.T, data []byte) {
	t.Helper()
	back, err := spec.DecodeCandidates("candidate.yaml", data)
	if err != nil || len(back) != 1 {
		t.Fatalf("%v\n%s", err, data)
	}
	twice, err := spec.EncodeCandidate(back[0])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, twice) {
		t.Errorf("encoded again: %s", cmp.Diff(string(data), string(twice)))
	}
}

func TestEncodeRefusesWhatYAMLCannotHold(t *testing.T) {
	c := spec.Candidate{Spec: spec.CandidateSpec{Change: spec.Change{Values: map[string]any{"a": "\xff"}}}}
	if _, err := spec.EncodeCandidate(c); err == nil || !strings.HasPrefix(err.Error(), "the candidate is not valid: candidate.yaml:") {
		t.Errorf("got %v", err)
	}
}
