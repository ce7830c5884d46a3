package render

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// UnderTest are the plan's targets, or all workloads where it names none.
func UnderTest(plan *spec.Plan, objs []*unstructured.Unstructured) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(objs), func(o *unstructured.Unstructured) bool {
		if len(plan.Spec.Targets) == 0 {
			return !object.IsWorkload(o)
		}
		k := object.KeyOf(o)
		return !slices.ContainsFunc(plan.Spec.Targets, func(t spec.Ref) bool {
			return t.Kind == k.Kind && t.Name == k.Name && (t.Group == "" || t.Group == k.Group) && (t.Namespace == "" || t.Namespace == k.Namespace)
		})
	})
}
