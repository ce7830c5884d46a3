package object_test

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

func deployments(n int) []*unstructured.Unstructured {
	var objs []*unstructured.Unstructured
	for i := range n {
		objs = append(objs, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment",
			"metadata": map[string]any{"name": fmt.Sprintf("web-%d", i), "labels": map[string]any{"app": "web", "n": fmt.Sprint(i)}},
			"spec": map[string]any{
				"replicas": int64(i), "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
				"template": map[string]any{
					"metadata": map[string]any{"labels": map[string]any{"app": "web"}},
					"spec": map[string]any{"containers": []any{map[string]any{
						"name": "web", "image": "nginx:1.25", "args": []any{"--port=80", "-c", "echo hello\nworld\n"},
						"resources": map[string]any{"limits": map[string]any{"cpu": "100m", "memory": "128Mi"}, "share": 0.5},
					}}},
				},
			},
		}})
	}
	return objs
}

func BenchmarkMarshalYAML(b *testing.B) {
	objs := deployments(10_000)
	b.ReportAllocs()
	for b.Loop() {
		data, err := object.MarshalYAML(objs)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(data)))
	}
}
