package application

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestLocate(t *testing.T) {
	plugin := "    plugin:\n      name: assay-v1\n"
	for _, test := range []struct {
		name, text string
		want       Place
	}{
		{"plain", head + plugin, Place{RepoURL: "https://example.com/env.git", Path: "shop/prod", Project: "default", Name: "shop", Namespace: "web", Env: map[string]string{}}},
		{
			"all", head + "    targetRevision: live\n" + plugin + "      env: [{name: REGION, value: eu}]\n      parameters: [{name: environment, string: prod}]\n",
			Place{
				RepoURL: "https://example.com/env.git", Revision: "live", Path: "shop/prod", Project: "default", Name: "shop", Namespace: "web",
				Parameters: `[{"name":"environment","string":"prod"}]`, Env: map[string]string{"REGION": "eu"},
			},
		},
		{
			"another cluster", strings.Replace(head, "{namespace: web}", "{namespace: web, name: far}", 1) + plugin,
			Place{RepoURL: "https://example.com/env.git", Path: "shop/prod", Project: "default", Name: "shop", Namespace: "web", Cluster: "far", Target: Target{Name: "far"}, Env: map[string]string{}},
		},
		{
			"another cluster by URL", strings.Replace(head, "{namespace: web}", "{namespace: web, server: 'https://far.example.com'}", 1) + plugin,
			Place{RepoURL: "https://example.com/env.git", Path: "shop/prod", Project: "default", Name: "shop", Namespace: "web", Cluster: "https://far.example.com", Target: Target{Server: "https://far.example.com"}, Env: map[string]string{}},
		},
		{
			"Argo CD's own cluster", strings.Replace(head, "{namespace: web}", "{namespace: web, server: 'https://kubernetes.default.svc', name: in-cluster}", 1) + plugin,
			Place{RepoURL: "https://example.com/env.git", Path: "shop/prod", Project: "default", Name: "shop", Namespace: "web", Target: Target{InCluster, InClusterName}, Env: map[string]string{}},
		},
		{
			"one of several sources",
			strings.Replace(head, "  source:\n    repoURL: https://example.com/env.git\n    path: shop/prod\n",
				"  sources:\n  - {repoURL: https://example.com/values.git, ref: values}\n  - {repoURL: https://example.com/env.git, path: a, plugin: {name: assay}}\n", 1),
			Place{RepoURL: "https://example.com/env.git", Path: "a", Source: 1, Project: "default", Name: "shop", Namespace: "web", Env: map[string]string{}},
		},
	} {
		got, err := Locate("app.yaml", []byte(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
	}
}

func TestLocateObject(t *testing.T) {
	o := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": "shop", "namespace": "argocd"},
		"spec": map[string]any{
			"destination": map[string]any{"namespace": "web"},
			"source": map[string]any{
				"repoURL": "https://example.com/env.git", "path": "shop/prod",
				"plugin": map[string]any{"name": "assay", "parameters": []any{map[string]any{"name": "environment", "string": "prod"}}},
			},
		},
	}}
	want := Place{
		RepoURL: "https://example.com/env.git", Path: "shop/prod", Name: "shop", Namespace: "web",
		Parameters: `[{"name":"environment","string":"prod"}]`, Env: map[string]string{},
	}
	got, err := LocateObject(o)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	unstructured.RemoveNestedField(o.Object, "spec", "source", "path")
	if _, err := LocateObject(o); err == nil || err.Error() != "Application argocd/shop: spec.source: its path is missing: name the environment's directory" {
		t.Errorf("without a path: %v", err)
	}
}

func TestLocateRefuses(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"no plugin", head, "no source of it uses the plugin assay"},
		{"another plugin", head + "    plugin: {name: other}\n", "no source of it uses the plugin assay"},
		{"no repository", strings.Replace(head, "    repoURL: https://example.com/env.git\n", "", 1) + "    plugin: {name: assay}\n", "its repoURL is missing"},
		{"no path", strings.Replace(head, "    path: shop/prod\n", "", 1) + "    plugin: {name: assay}\n", "its path is missing"},
		{"two", head + "    plugin: {name: assay}\n---\n" + head, "several Applications"},
		{"none", "kind: List\n", "no Application"},
	} {
		if _, err := Locate("app.yaml", []byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "app.yaml") {
			t.Errorf("%s: error %v, want %s", test.name, err, test.want)
		}
	}
}
