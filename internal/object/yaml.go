package object

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// MarshalYAML prints objects as YAML documents separated by "---". The same
// objects give the same bytes: keys are sorted.
func MarshalYAML(objs []*unstructured.Unstructured) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	for _, o := range objs {
		if err := enc.Encode(o.Object); err != nil {
			return nil, fmt.Errorf("print %s: %w", KeyOf(o), err)
		}
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("print objects: %w", err)
	}
	return out.Bytes(), nil
}
