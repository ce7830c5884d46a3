package manifest

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Flatten replaces every list (an object whose items are a list) by its items,
// and drops lists whose items are null, as Argo CD does for every layout.
func Flatten(file string, objs []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	flat := make([]*unstructured.Unstructured, 0, len(objs))
	for _, o := range objs {
		items, ok := o.Object["items"]
		if !ok {
			flat = append(flat, o)
			continue
		}
		switch items := items.(type) {
		case []any:
			for i, item := range items {
				m, ok := item.(map[string]any)
				if !ok {
					return nil, &Error{File: file, Reason: fmt.Sprintf("items[%d] of %s is not an object", i, o.GetKind())}
				}
				flat = append(flat, &unstructured.Unstructured{Object: m})
			}
		case nil:
			if !nullList(o) {
				flat = append(flat, o)
			}
		default:
			flat = append(flat, o)
		}
	}
	return flat, nil
}

func nullList(o *unstructured.Unstructured) bool {
	_, spec := o.Object["spec"]
	_, status := o.Object["status"]
	return !spec && !status
}
