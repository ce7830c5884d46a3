package pullrequest_test

import (
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/pullrequest"
	"github.com/assaydev/assay/internal/spec"
)

var update = flag.Bool("update", false, "write the golden files")

const testID = "e123456789"

var testDigest = digest.Digest("v2:" + testID[1:] + strings.Repeat("0", 55))

// concluded judges one of the experiments that internal/engine/evidence is tested with.
func concluded(t *testing.T, file string) verdict.Verdict {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	objs, err := verdict.Read(file, data)
	if err != nil {
		t.Fatal(err)
	}
	if text, ok, _ := unstructured.NestedString(objs[0].Object, "stringData", "experiment.yaml"); ok { // as a cluster has it
		objs[0].Object["data"] = map[string]any{"experiment.yaml": base64.StdEncoding.EncodeToString([]byte(text))}
	}
	if err := unstructured.SetNestedField(objs[0].Object, string(testDigest), "metadata", "annotations", digest.Annotation); err != nil {
		t.Fatal(err)
	}
	expect := verdict.Expect{Digest: testDigest, Judges: []object.Key{object.KeyOf(objs[0])}, Since: time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC)}
	v, err := verdict.Judge(t.Context(), objs, expect, verdict.Options{Engines: []spec.Engine{{
		Kind: "Secret", Concluded: `doc.result.numCompletedTasks == doc.spec.size()`,
		Promote: `false`, Reject: `doc.result.insights.SLOsSatisfied.upper.exists(row, row.exists(b, !b))`, Message: `"an SLO is not satisfied"`,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func parse(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return o
}

// changes are a new image, a Secret with another value, and a new ConfigMap.
func changes(t testing.TB) []object.Difference {
	deployment := func(tag string) *unstructured.Unstructured {
		return parse(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {replicas: 2, template: {spec: {containers: [{name: web, image: "example.com/web:`+tag+`"}]}}}}`)
	}
	secret := func(value string) *unstructured.Unstructured {
		return parse(t, `{apiVersion: v1, kind: Secret, metadata: {name: web, namespace: shop}, stringData: {password: `+value+`, user: hunter0}}`)
	}
	config := parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: notes, namespace: shop}, data: {notes.md: \"# Notes\\n```sh\\necho @everyone\\n```\\n\"}}")
	return object.Diff(
		[]*unstructured.Unstructured{deployment("v1"), secret("hunter1")},
		[]*unstructured.Unstructured{deployment("v2"), secret("hunter2"), config},
	)
}

func body(t testing.TB, v verdict.Verdict) pullrequest.Body {
	b := pullrequest.Body{
		Outcome: v.Outcome, Environment: "shop/prod", Candidate: "v2.1.0", ID: v.Digest.ID(),
		Engine: v.Engine, Verdict: string(v.Outcome), Message: v.Message, Metrics: v.Metrics,
		Differences: changes(t),
		Untested:    []string{"ConfigMap/shop/notes", "Deployment/shop/web (labels)"},
		Rewritten:   []string{"Deployment/shop/web of the variant: variable CART_URL addresses Service/shop/cart, and is pointed at the variant's copy"},
		Files: []git.File{
			{Path: "shop/prod/kustomization.yaml", Before: []byte("a\n"), After: []byte("b\n")},
			{Path: "shop/prod/candidate.yaml", Before: []byte("1\n2\n3\n4\n5\n6\n")},
		},
		Next:     []pullrequest.Next{{Environment: "shop/staging", State: "set"}, {Environment: "shop/eu", State: "elsewhere"}},
		Proof:    pullrequest.Proof{Laws: []int{2, 4, 5}, Commit: "31cd470e0c4e1d5e2f7b8a9c0d1e2f3a4b5c6d7e", Objects: 12},
		Links:    []pullrequest.Link{{Text: "Argo CD", URL: "https://argocd.example.com/applications/shop?view=tree"}},
		Trailers: "Assay-Outcome: " + string(v.Outcome) + "\nAssay-Environment: shop/prod\nAssay-Experiment: " + v.Digest.ID() + "\nAssay-Candidate: v2.1.0\n",
	}
	if v.Outcome == decision.Reject {
		b.Untested, b.Rewritten, b.Next, b.Files, b.Proof.Laws = nil, nil, nil, b.Files[1:], []int{3, 4}
	}
	return b
}

// TestGolden writes one body for each engine; -update rewrites the files.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("../engine/evidence/testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no experiments", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			v := concluded(t, file)
			if v.Outcome != decision.Promote && v.Outcome != decision.Reject {
				t.Fatalf("the verdict is %s: %s", v.Outcome, v.Message)
			}
			golden(t, name, body(t, v), 65536)
		})
	}
}

// TestGoldenOthers are the bodies that no engine had a part in, and a short one.
func TestGoldenOthers(t *testing.T) {
	full := body(t, concluded(t, "../engine/evidence/testdata/iter8.yaml"))
	byHand := body(t, verdict.Verdict{Outcome: decision.Reject, Digest: testDigest})
	byHand.Reason = "it looks <odd>, see #12"
	test := pullrequest.Body{Outcome: decision.Candidate, Environment: "shop/prod", Candidate: "v2.1.0", ID: testID, Differences: full.Differences[1:2]}
	revert := pullrequest.Body{
		Outcome: decision.Revert, Environment: "shop/prod", Candidate: "v2.1.0", ID: testID, Reason: "it leaks",
		Proof: pullrequest.Proof{Laws: []int{4}, Commit: full.Proof.Commit},
	}
	golden(t, "by-hand", byHand, 65536)
	golden(t, "revert", revert, 65536)
	golden(t, "candidate", test, 65536)
	golden(t, "short", full, 1800)
}

func golden(t *testing.T, name string, b pullrequest.Body, limit int) {
	t.Helper()
	got, err := b.Markdown(limit)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".md")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: run go test ./internal/pullrequest -update if this is right:\n%s", file, diff)
	}
	check(t, b, got, limit)
}
