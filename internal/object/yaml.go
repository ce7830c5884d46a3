package object

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yaml "sigs.k8s.io/yaml/goyaml.v2"
)

// MarshalYAML prints objects as YAML documents separated by "---", as kubectl
// does. Keys are sorted: the same objects give the same bytes.
func MarshalYAML(objs []*unstructured.Unstructured) ([]byte, error) {
	var out []byte
	for i, o := range objs {
		if i > 0 {
			out = append(out, "---\n"...)
		}
		data, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("print %s: %w", KeyOf(o), err)
		}
		out = append(out, data...)
	}
	return out, nil
}
