// Package envrepo makes environment repositories on the disk for tests: trees of
// files, deployments, plans and markers.
package envrepo

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Files are a tree by slash path.
type Files map[string]string

// On writes the tree to a new directory.
func (f Files) On(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		Put(t, dir, name, text)
	}
	return dir
}

// Put writes one file, and makes its directory.
func Put(t *testing.T, dir, name, text string) {
	t.Helper()
	at := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Read returns the files of a tree, less Git's own.
func Read(t *testing.T, fsys fs.FS) Files {
	t.Helper()
	out := Files{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && name == ".git" {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		out[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// With returns the tree with more files laid over it.
func (f Files) With(more Files) Files {
	out := maps.Clone(f)
	maps.Copy(out, more)
	return out
}

// Same fails the test where two trees differ.
func Same(t *testing.T, what string, want, got Files) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

// Request asks for an environment on the disk, read anew.
func Request(dir, env string) (render.Request, error) {
	fsys, err := envfs.OpenDir(dir, envfs.Limits{})
	return render.Request{FS: fsys, Environment: spec.Environment{Dir: env}}, err
}

// Rendered asks for an environment on the disk, and renders it.
func Rendered(t *testing.T, dir, env string) (render.Request, *render.Result) {
	t.Helper()
	req, err := Request(dir, env)
	if err != nil {
		t.Fatal(err)
	}
	res, err := render.Environment(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return req, res
}

// Skip is the first line of a file that Argo CD is to skip.
const Skip = "# +argocd:skip-file-rendering\n"

// Deployment is a manifest at version 1.0.0, with a comment.
func Deployment(name string) string {
	return strings.ReplaceAll(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  selector:
    matchLabels: {app: NAME}
  template:
    metadata:
      labels: {app: NAME}
    spec:
      containers:
      - name: NAME
        image: "example.com/shop/web:1.0.0"   # the version
`, "NAME", name)
}

// MarkerHead is a candidate up to its spec.
func MarkerHead(name string) string {
	return "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata:\n  name: " + name + "\nspec:\n"
}

// Marker is a candidate with another tag of what Deployment runs.
func Marker(tag string) string {
	return MarkerHead(tag) + "  images:\n  - name: example.com/shop/web\n    newTag: " + tag + "\n"
}

// Plan is a plan with the body below its spec.
func Plan(body string) string {
	return Skip + "apiVersion: assay.dev/v1alpha1\nkind: Plan\nspec:\n  " + body + "\n"
}

// Shop is an environment of two deployments, with a candidate under test.
func Shop() Files {
	return Files{"prod/web.yaml": Deployment("web"), "prod/cart.yaml": Deployment("cart"), "prod/candidate.yaml": Skip + Marker("2.0.0")}
}

// CheckJob is an experiment that a Job judges.
const CheckJob = `apiVersion: batch/v1
kind: Job
metadata: {name: check}
spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: check, image: "example.com/check:1"}]}}}
`

// Prod is an environment with a candidate and an experiment, whose plan promotes
// as promotion says.
func Prod(promotion string) Files {
	return Files{
		"prod/web.yaml":              Deployment("web"),
		"prod/experiment/check.yaml": CheckJob,
		"prod/assay.yaml":            Plan("promotion: {" + promotion + "}"),
		"prod/candidate.yaml":        Skip + Marker("2.0.0"),
		"README.md":                  "environments\n",
	}
}

// SameObjects fails the test where what is applied of two renders differs.
func SameObjects(t *testing.T, what string, want, got []*unstructured.Unstructured) {
	t.Helper()
	if len(want) == 0 {
		t.Fatalf("%s: nothing to compare", what)
	}
	for _, d := range object.Diff(object.Applied(want), object.Applied(got)) {
		t.Errorf("%s: %s differs", what, d.Key)
	}
}

// Concluded is the object of an experiment with one of Job's conditions.
func Concluded(tested digest.Digest, condition string) []*unstructured.Unstructured {
	status := map[string]any{"conditions": []any{map[string]any{"type": condition, "status": "True", "reason": "BackoffLimitExceeded"}}}
	if condition == "Complete" {
		status["succeeded"] = int64(1)
	}
	return []*unstructured.Unstructured{{Object: map[string]any{
		"apiVersion": "batch/v1", "kind": "Job",
		"metadata": map[string]any{
			"name":   "check-" + tested.ID(),
			"labels": map[string]any{"assay.dev/experiment": tested.ID()}, "annotations": map[string]any{digest.Annotation: string(tested)},
		},
		"spec": map[string]any{"backoffLimit": int64(0), "template": map[string]any{"spec": map[string]any{
			"restartPolicy": "Never", "containers": []any{map[string]any{"name": "check", "image": "example.com/check:1"}},
		}}},
		"status": status,
	}}}
}
