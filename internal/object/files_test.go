package object

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestFileNames(t *testing.T) {
	taken := map[string][]byte{}
	var got []string
	for _, o := range []struct{ apiVersion, kind, namespace, name string }{
		{"v1", "Service", "", "web"},
		{"v1", "Service", "prod", "web"},
		{"serving.knative.dev/v1", "Service", "", "web"},
		{"v1", "Service", "", "web"},
		{"rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:x/../../y"},
	} {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": o.apiVersion, "kind": o.kind}}
		u.SetName(o.name)
		u.SetNamespace(o.namespace)
		name := fileName(u, "yaml", taken)
		taken[name] = nil
		got = append(got, name)
	}
	want := []string{"service-web.yaml", "service-web-prod.yaml", "service-web-serving.knative.dev.yaml", "service-web-2.yaml", "clusterrole-system_x_.._.._y.yaml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
