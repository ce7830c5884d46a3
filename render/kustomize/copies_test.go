package kustomize

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// TestCopiesAreBounded: each operation of a patch doubles an object.
func TestCopiesAreBounded(t *testing.T) {
	var ops []string
	for i := range 40 {
		ops = append(ops, fmt.Sprintf(`{"op": "copy", "from": "/data", "path": "/data/c%d"}`, i))
	}
	files := fstest.MapFS{
		"env/kustomization.yaml": {Data: []byte("resources: [a.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: '[" + strings.Join(ops, ", ") + "]'\n")},
		"env/a.yaml":             {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {text: x}\n")},
	}
	_, _, err := Render(t.Context(), envfs.New(files, envfs.Limits{}), "env", spec.KustomizeSource{}, Options{})
	if err == nil || !strings.Contains(err.Error(), "copy") {
		t.Errorf("error %v", err)
	}
}
