package application

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object/drift"
)

// ignored are the rules of spec.ignoreDifferences.
func ignored(name Name, spec map[string]any) []drift.Ignore {
	var out []drift.Ignore
	list, _ := spec["ignoreDifferences"].([]any)
	for i, item := range list {
		r, _ := item.(map[string]any)
		rule := drift.Ignore{
			From:  fmt.Sprintf("spec.ignoreDifferences[%d] of the %s", i, name),
			Group: text(r, "group"), Kind: text(r, "kind"), Namespace: text(r, "namespace"), Name: text(r, "name"),
		}
		rule.Pointers, _, _ = unstructured.NestedStringSlice(r, "jsonPointers")
		rule.Expressions, _, _ = unstructured.NestedStringSlice(r, "jqPathExpressions")
		rule.Managers, _, _ = unstructured.NestedStringSlice(r, "managedFieldsManagers")
		out = append(out, rule)
	}
	return out
}

// Settings is the ConfigMap with Argo CD's settings, of the resource SettingsResource.
const Settings = "argocd-cm"

// SettingsResource is the resource that Settings is of.
func SettingsResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
}

// Keys of the settings: one about all kinds, those that begin so and end in one kind, and one about
// how objects are compared.
const (
	customizations = "resource.customizations"
	ofOneKind      = customizations + ".ignoreDifferences."
	compareOptions = "resource.compareoptions"
)

// ignoredFields are the fields of a kind that are not compared.
type ignoredFields struct {
	JSONPointers          []string `json:"jsonPointers"`
	JQPathExpressions     []string `json:"jqPathExpressions"`
	ManagedFieldsManagers []string `json:"managedFieldsManagers"`
}

func (f ignoredFields) rule(from, kind string) (drift.Ignore, error) {
	group, name, grouped := strings.Cut(kind, "/")
	if !grouped {
		group, name = "", kind
	}
	if name == "" || strings.Contains(name, "/") {
		return drift.Ignore{}, fmt.Errorf("%s: a kind is named as GROUP/KIND or KIND", from)
	}
	return drift.Ignore{From: from, Group: group, Kind: name, Pointers: f.JSONPointers, Expressions: f.JQPathExpressions, Managers: f.ManagedFieldsManagers}, nil
}

// ReadIgnored reads the rules of Argo CD's settings. As there, a key about one kind takes the place of
// what the one about all kinds says of it. The error names the key that is wrong.
func ReadIgnored(settings map[string]string) ([]drift.Ignore, error) {
	rules, err := customized(settings[customizations])
	if err != nil {
		return nil, err
	}
	for key, value := range settings {
		kind, found := strings.CutPrefix(key, ofOneKind)
		if !found {
			continue
		}
		from := of(key)
		if strings.Count(kind, "_") > 1 {
			return nil, fmt.Errorf("%s: a kind is named as GROUP_KIND or KIND", from)
		}
		var fields ignoredFields
		if err := yaml.Unmarshal([]byte(value), &fields); err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		kind = strings.Replace(kind, "_", "/", 1)
		if kind == "all" {
			kind = "*/*"
		}
		if rules[kind], err = fields.rule(from, kind); err != nil {
			return nil, err
		}
	}
	var out []drift.Ignore
	for _, kind := range slices.Sorted(maps.Keys(rules)) {
		out = append(out, rules[kind])
	}
	return aggregated(settings[compareOptions], out)
}

func of(key string) string { return fmt.Sprintf("%s of the ConfigMap %s", key, Settings) }

// customized are the rules in the key about all kinds, by their kinds.
func customized(text string) (map[string]drift.Ignore, error) {
	var kinds map[string]struct {
		IgnoreDifferences string `json:"ignoreDifferences"`
	}
	if err := yaml.Unmarshal([]byte(text), &kinds); err != nil {
		return nil, fmt.Errorf("%s: %w", of(customizations), err)
	}
	rules := map[string]drift.Ignore{}
	for kind, one := range kinds {
		from := of(customizations + " (" + kind + ")")
		var fields ignoredFields
		err := yaml.Unmarshal([]byte(one.IgnoreDifferences), &fields)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		if rules[kind], err = fields.rule(from, kind); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// aggregated adds what the options of comparisons ignore. The status, which is another of them, is never
// compared here.
func aggregated(text string, rules []drift.Ignore) ([]drift.Ignore, error) {
	var options struct {
		IgnoreAggregatedRoles bool `json:"ignoreAggregatedRoles"`
	}
	if err := yaml.Unmarshal([]byte(text), &options); err != nil {
		return nil, fmt.Errorf("%s: %w", of(compareOptions), err)
	}
	if !options.IgnoreAggregatedRoles {
		return rules, nil
	}
	return append(rules, drift.Ignore{
		From: of(compareOptions), Group: "rbac.authorization.k8s.io", Kind: "ClusterRole",
		Expressions: []string{"select(.aggregationRule) | .rules"},
	}), nil
}
