package application

import (
	"strings"
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

func TestReadIgnored(t *testing.T) {
	for name, test := range map[string]struct {
		settings map[string]string
		want     []drift.Ignore
	}{
		"nothing": {nil, nil},
		"of others": {map[string]string{
			"resource.customizations.health.apps_Deployment":                "x",
			"resource.customizations.ignoreResourceUpdates.apps_Deployment": "jsonPointers: [/spec]",
			"resource.customizations.ignoreDifferencesOfOthers":             "x",
		}, nil},
		"kinds": {map[string]string{
			"resource.customizations.ignoreDifferences.apps_Deployment": "jsonPointers: [/spec/replicas]\njqPathExpressions:\n- .spec.paused\n",
			"resource.customizations.ignoreDifferences.ConfigMap":       "managedFieldsManagers: [hpa]",
			"resource.customizations.ignoreDifferences.all":             "jsonPointers: [/spec/x]",
		}, []drift.Ignore{
			{From: "resource.customizations.ignoreDifferences.all of the ConfigMap argocd-cm", Group: "*", Kind: "*", Pointers: []string{"/spec/x"}},
			{From: "resource.customizations.ignoreDifferences.ConfigMap of the ConfigMap argocd-cm", Kind: "ConfigMap", Managers: []string{"hpa"}},
			{From: "resource.customizations.ignoreDifferences.apps_Deployment of the ConfigMap argocd-cm", Group: "apps", Kind: "Deployment", Pointers: []string{"/spec/replicas"}, Expressions: []string{".spec.paused"}},
		}},
		"the former key, and one that takes its place": {map[string]string{
			"resource.customizations": `
apps/Deployment:
  health.lua: return {}
  ignoreDifferences: |
    jsonPointers: [/spec/replicas]
"*.example.com/*":
  knownTypeFields: [{field: spec, type: core/v1/PodSpec}]
  ignoreDifferences: |
    jsonPointers: [/spec/y]
`,
			"resource.customizations.ignoreDifferences.apps_Deployment": "jsonPointers: [/spec/paused]",
		}, []drift.Ignore{
			{From: "resource.customizations (*.example.com/*) of the ConfigMap argocd-cm", Group: "*.example.com", Kind: "*", Pointers: []string{"/spec/y"}},
			{From: "resource.customizations.ignoreDifferences.apps_Deployment of the ConfigMap argocd-cm", Group: "apps", Kind: "Deployment", Pointers: []string{"/spec/paused"}},
		}},
		"aggregated roles": {map[string]string{"resource.compareoptions": "ignoreAggregatedRoles: true\nignoreResourceStatusField: all\n"}, []drift.Ignore{
			{From: "resource.compareoptions of the ConfigMap argocd-cm", Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Expressions: []string{"select(.aggregationRule) | .rules"}},
		}},
		"other options": {map[string]string{"resource.compareoptions": "ignoreResourceStatusField: none"}, nil},
	} {
		got, err := ReadIgnored(test.settings)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestReadIgnoredRefuses(t *testing.T) {
	for key, values := range map[string]map[string]string{
		"resource.customizations.ignoreDifferences.apps_Deployment": {"[": "did not find", "jsonPointers: /spec": "cannot unmarshal"},
		"resource.customizations.ignoreDifferences.a_b_C":           {"": "a kind is named as GROUP_KIND or KIND"},
		"resource.customizations.ignoreDifferences.a_":              {"": "a kind is named as GROUP/KIND or KIND"},
		"resource.customizations": {
			"[": "did not find", "apps/Deployment: x": "cannot unmarshal", "a/b/C: {}": "(a/b/C) of the ConfigMap argocd-cm: a kind is named",
			"apps/Deployment: {ignoreDifferences: 'jsonPointers: 3'}": "(apps/Deployment) of the ConfigMap argocd-cm: ",
		},
		"resource.compareoptions": {"[": "did not find", "ignoreAggregatedRoles: 7": "cannot unmarshal"},
	} {
		for value, want := range values {
			_, err := ReadIgnored(map[string]string{key: value})
			if err == nil || !strings.HasPrefix(err.Error(), key) || !strings.Contains(err.Error(), "of the ConfigMap argocd-cm: ") || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %s: %v, want %s", key, value, err, want)
			}
		}
	}
}
