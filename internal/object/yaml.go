package object

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/yamltext"
)

// MarshalYAML prints objects as YAML documents separated by "---". Keys are
// sorted: the same objects give the same bytes, and YAML 1.1 and 1.2 readers
// get the same values.
func MarshalYAML(objs []*unstructured.Unstructured) ([]byte, error) {
	var out []byte
	for i, o := range objs {
		if i > 0 {
			out = append(out, "---\n"...)
		}
		var err error
		if out, err = yamltext.Append(out, o.Object); err != nil {
			return nil, fmt.Errorf("print %s: %w", KeyOf(o), err)
		}
	}
	return out, nil
}
