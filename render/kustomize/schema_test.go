package kustomize

import (
	"errors"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/spec"
)

// With this schema the containers of a Deployment have no merge key, so that a
// strategic merge replaces the list.
const ownSchema = `{"definitions": {"io.k8s.api.apps.v1.Deployment": {"type": "object",
  "properties": {"spec": {"type": "object"}},
  "x-kubernetes-group-version-kind": [{"group": "apps", "kind": "Deployment", "version": "v1"}]}}}`

func schemaFiles() map[string]string {
	const patch = "resources: [d.yaml]\npatches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {template: {spec: {containers: [{name: side, image: side}]}}}\n"
	return map[string]string{
		"plain/kustomization.yaml": patch, "plain/d.yaml": deployment,
		"own/kustomization.yaml": patch + "openapi: {path: schema.json}\n", "own/d.yaml": deployment, "own/schema.json": ownSchema,
		"over/kustomization.yaml": "resources: [../own]\n", "broken/kustomization.yaml": patch + "openapi: {path: schema.json}\n", "broken/d.yaml": deployment, "broken/schema.json": "{\"definitions\": 1}",
	}
}

func containers(t *testing.T, dir string) int {
	t.Helper()
	objs, _, err := Render(t.Context(), repo(schemaFiles()), dir, spec.KustomizeSource{}, Options{})
	if err != nil {
		t.Error(err)
		return -1
	}
	list, _, _ := unstructured.NestedSlice(objs[0].Object, "spec", "template", "spec", "containers")
	return len(list)
}

// TestSchemaStaysWithItsBuild runs builds with a schema of their own among
// plain ones: each must see its own schema and no other.
func TestSchemaStaysWithItsBuild(t *testing.T) {
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			if got := containers(t, "plain"); got != 2 {
				t.Errorf("a plain build has %d containers, want 2: another build's schema was used", got)
			}
		})
		if i%10 == 0 {
			for _, dir := range []string{"own", "over"} {
				group.Go(func() {
					if got := containers(t, dir); got != 1 {
						t.Errorf("%s has %d containers, want 1: its schema was not used", dir, got)
					}
				})
			}
			group.Go(func() {
				if _, _, err := Render(t.Context(), repo(schemaFiles()), "broken", spec.KustomizeSource{}, Options{}); err == nil {
					t.Error("a broken schema is not an error")
				}
			})
		}
	}
	group.Wait()
	if got := containers(t, "plain"); got != 2 {
		t.Errorf("after all: %d containers, want 2", got)
	}
}

func TestWithDefaultSchema(t *testing.T) {
	want := errors.New("mine")
	if err := WithDefaultSchema(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("error %v", err)
	}
}
