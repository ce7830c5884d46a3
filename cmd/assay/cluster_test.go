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
		answerAPI(w, r, objs)
	}))
	ts.Defer(server.Close)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), fmt.Appendf(nil, kubeconfig, server.URL), 0o600))
}

// kubeconfig has the context test, for a server's URL.
const kubeconfig = `apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: %q}}]
users: [{name: test, user: {}}]
`

// answerAPI answers as a kube-apiserver that has these objects.
func answerAPI(w http.ResponseWriter, r *http.Request, objs []*unstructured.Unstructured) {
	answer := apiAnswer(r, objs)
	if answer == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// apiAnswer is what kube-apiserver answers to what assay asks it for: which resources
// there are, those of a namespace with a label, and one by its name.
func apiAnswer(r *http.Request, objs []*unstructured.Unstructured) any {
	kinds := map[string]map[string]string{
		"v1":                   {"pods": "Pod", "services": "Service", "configmaps": "ConfigMap", "serviceaccounts": "ServiceAccount"},
		"apps/v1":              {"deployments": "Deployment"},
		"batch/v1":             {"jobs": "Job"},
		"argoproj.io/v1alpha1": {"analysisruns": "AnalysisRun", "applications": "Application", "appprojects": "AppProject"},
	}
	path := strings.TrimPrefix(r.URL.Path, "/apis/")
	if path == r.URL.Path {
		path = strings.Replace(path, "/api/v1", "/v1", 1) // a group without a name
	}
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return nil
	}
	version := strings.TrimPrefix(parts[0]+"/"+parts[1], "/")
	if len(parts) == 2 && kinds[version] != nil {
		resources := []any{}
		for name, kind := range kinds[version] {
			resources = append(resources, map[string]any{"name": name, "singularName": strings.ToLower(kind), "namespaced": true, "kind": kind, "verbs": []string{"get", "list", "watch"}})
		}
		return map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}
	}
	if len(parts) < 5 || parts[2] != "namespaces" || kinds[version][parts[4]] == "" {
		return nil
	}
	kind := kinds[version][parts[4]]
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		return nil
	}
	items := []any{}
	for _, o := range objs {
		switch {
		case o.GetKind() != kind || o.GetNamespace() != parts[3]:
		case len(parts) == 6 && o.GetName() == parts[5]:
			return o.Object
		case selector.Matches(labels.Set(o.GetLabels())):
			items = append(items, o.Object)
		}
	}
	if len(parts) == 6 {
		return nil
	}
	return map[string]any{"kind": kind + "List", "apiVersion": version, "metadata": map[string]any{"resourceVersion": "1"}, "items": items}
}
