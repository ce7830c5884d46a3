package application

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/object/drift"
)

func TestIgnored(t *testing.T) {
	d := deployed(t, `spec:
  source: {repoURL: https://a/r, path: p, plugin: {name: assay}}
  ignoreDifferences:
  - {group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}
  - {group: "*", kind: "*", name: web, namespace: shop, jqPathExpressions: [.spec.replicas, .spec.paused], managedFieldsManagers: [hpa]}
  - {kind: ConfigMap, jsonPointers: /data}
  - text
`)
	want := []drift.Ignore{
		{From: "spec.ignoreDifferences[0] of the " + d.Name.String(), Group: "apps", Kind: "Deployment", Pointers: []string{"/spec/replicas"}},
		{From: "spec.ignoreDifferences[1] of the " + d.Name.String(), Group: "*", Kind: "*", Name: "web", Namespace: "shop", Expressions: []string{".spec.replicas", ".spec.paused"}, Managers: []string{"hpa"}},
		{From: "spec.ignoreDifferences[2] of the " + d.Name.String(), Kind: "ConfigMap"},
		{From: "spec.ignoreDifferences[3] of the " + d.Name.String()},
	}
	if diff := cmp.Diff(want, d.Ignored); diff != "" {
		t.Error(diff)
	}
}
