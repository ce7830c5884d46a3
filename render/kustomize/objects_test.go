package kustomize

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"

	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

// broken holds a resource that nothing can be made of.
type broken struct{ resmap.ResMap }

func (broken) Resources() []*resource.Resource { return []*resource.Resource{nil} }

func TestObjectsSurvivesAPanic(t *testing.T) {
	_, err := objects("app", broken{}, manifest.Limits{}.WithDefaults(), nil)
	if err == nil || !strings.HasPrefix(err.Error(), "app: a library cannot handle") {
		t.Fatalf("error %v", err)
	}
}

// The API server refuses the label that krusty makes of a program's version.
func TestManagedByLabel(t *testing.T) {
	files := map[string]string{"app/kustomization.yaml": "resources: [d.yaml, s.yaml]\nbuildMetadata: [managedByLabel]\n", "app/d.yaml": deployment, "app/s.yaml": service}
	for _, o := range render(t, files, "app") {
		if got := o.GetLabels()["app.kubernetes.io/managed-by"]; got != "kustomize-v5.8.1" {
			t.Errorf("%s: %q", o.GetKind(), got)
		}
	}
	files["app/kustomization.yaml"] = "resources: [d.yaml, s.yaml]\nlabels: [{pairs: {app.kubernetes.io/managed-by: kustomize-mine}}]\n"
	for _, o := range render(t, files, "app") {
		if got := o.GetLabels()["app.kubernetes.io/managed-by"]; got != "kustomize-mine" {
			t.Errorf("%s: %q", o.GetKind(), got)
		}
	}
}

// A new api belongs to a new release.
func TestReleaseFollowsTheModule(t *testing.T) {
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "sigs.k8s.io/kustomize/api v0.21.1\n") || release != "v5.8.1" {
		t.Errorf("go.mod and release %s do not belong together: see the release's kustomize/go.mod", release)
	}
}

// FuzzObjects holds that objects gives what Argo CD reads from the output of
// `kustomize build`.
func FuzzObjects(f *testing.F) {
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for _, seed := range []string{
		deployment, service, head + "data: {a: on, b: \"on\", c: 'yes', d: ~, e: 1.0, f: 1e3, g: 0x10, h: 017, i: 1_000, j: .5, k: 2001-01-01, l: 1:30}\n",
		head + "data:\n  a: |\n    x\n     y\n  b: |+\n    z\n\n  c: >\n    one\n    two\n\n      three\n  d: \"  lead\\n\\ttab \"\n  e: \" \\n \"\n",
		head + "data: {a: \"\\u2028\\U0001F600\\x07\", b: '# no', c: ': ', d: '- x', e: '*a', f: '&b', g: '!c', h: '%d', i: '@e', j: '`f', k: '{', l: '[', m: ']'}\n",
		head + "data: &x {a: b}\nbinaryData: {<<: *x}\n", head + "data: {1: a}\n", head + "data: {a: .nan}\n", head + "x: !!binary aGk=\ny: !custom z\n",
		head + "n: [9223372036854775807, 9223372036854775808, -9223372036854775808, 18446744073709551616, 1e400, -0.0, 1e21, 123456789.123]\n",
		"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n", head + "items: []\n", head + "items:\n", head + "items: [1]\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if manifest.CheckAliases("a.yaml", data) != nil {
			return
		}
		built, err := resmaps().NewResMapFromBytes(data)
		if err != nil {
			return
		}
		text, wantErr := built.AsYaml()
		if wantErr != nil && strings.Contains(wantErr.Error(), "control characters are not allowed") {
			return // kustomize stumbles over its own output; the objects are fine
		}
		var want []*unstructured.Unstructured
		if wantErr == nil {
			want, wantErr = manifest.Decode("a", text, manifest.Limits{Depth: 10_000})
		}
		if wantErr == nil {
			want, wantErr = manifest.Flatten("a", want)
		}
		got, err := objects("a", built, manifest.Limits{Documents: 1000, Depth: 10_000}, nil)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, want %v\n%q", err, wantErr, data)
		}
		if err != nil {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%d objects, want %d", len(got), len(want))
		}
		for i := range want {
			if !reflect.DeepEqual(want[i].Object, got[i].Object) {
				t.Errorf("object %d: got %#v\nwant %#v", i, got[i].Object, want[i].Object)
			}
		}
	})
}

// Builds of trees that are much alike share what is the same, and nothing else.
func TestConverted(t *testing.T) {
	files := map[string]string{"app/kustomization.yaml": "resources: [d.yaml, s.yaml]\n", "app/d.yaml": deployment, "app/s.yaml": service}
	known := new(Converted)
	of := func(files map[string]string) []*unstructured.Unstructured {
		t.Helper()
		objs, _, err := Render(t.Context(), repo(files), "app", spec.KustomizeSource{}, Options{Converted: known})
		if err != nil {
			t.Fatal(err)
		}
		return objs
	}
	first := of(files)
	files["app/s.yaml"] = strings.Replace(service, "port: 80", "port: 81", 1)
	second := of(files)
	if len(first) != 2 || len(second) != 2 {
		t.Fatalf("%d and %d objects", len(first), len(second))
	}
	for i, o := range first {
		if same := second[i] == o; same != (o.GetKind() == "Deployment") {
			t.Errorf("%s: shared %v", o.GetKind(), same)
		}
	}
}
