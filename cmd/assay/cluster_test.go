package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/assaydev/assay/internal/object/manifest"
)

// serveCluster starts an API server that lists the objects of a file, which may
// change or come later: cluster FILE KUBECONFIG. The second is written: a
// kubeconfig for it.
func serveCluster(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.MkAbs(args[0])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var objs []*unstructured.Unstructured
		if data, err := os.ReadFile(file); err == nil {
			if objs, err = manifest.Decode(file, data, manifest.Limits{}); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		answer := apiAnswer(r, objs)
		if answer == nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	ts.Defer(server.Close)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: %q}}]
users: [{name: test, user: {}}]
`, server.URL), 0o600))
}

// apiAnswer is what kube-apiserver answers to what assay asks it for: which
// resources Jobs and pods are, and those of a namespace with labels.
func apiAnswer(r *http.Request, objs []*unstructured.Unstructured) any {
	for _, kind := range []struct{ path, group, kind, resource string }{{"/apis/batch/v1", "batch/v1", "Job", "jobs"}, {"/api/v1", "v1", "Pod", "pods"}} {
		if r.URL.Path == kind.path {
			return map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": kind.group, "resources": []any{
				map[string]any{"name": kind.resource, "singularName": strings.ToLower(kind.kind), "namespaced": true, "kind": kind.kind, "verbs": []string{"get", "list", "watch"}},
			}}
		}
		namespace, ok := strings.CutPrefix(r.URL.Path, kind.path+"/namespaces/")
		namespace, resource, _ := strings.Cut(namespace, "/")
		selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
		if !ok || resource != kind.resource || err != nil {
			continue
		}
		items := []any{}
		for _, o := range objs {
			if o.GetKind() == kind.kind && o.GetNamespace() == namespace && selector.Matches(labels.Set(o.GetLabels())) {
				items = append(items, o.Object)
			}
		}
		return map[string]any{"kind": kind.kind + "List", "apiVersion": kind.group, "metadata": map[string]any{"resourceVersion": "1"}, "items": items}
	}
	return nil
}
