package variant

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// Stray is that of a variant beside the live objects.
func Stray(live, injected []*unstructured.Unstructured, namespace string) error {
	return (&Result{live: newSet(live, namespace)}).Stray(injected)
}
