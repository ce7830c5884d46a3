package application

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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
