package drift

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Schema is as much of a kind's OpenAPI schema as it takes to fill in what a
// CustomResourceDefinition declares as defaults.
type Schema struct {
	Default    any                `json:"default"`
	Nullable   bool               `json:"nullable"`
	Properties map[string]*Schema `json:"properties"`
	Items      *Schema            `json:"items"`
	Additional additional         `json:"additionalProperties"`

	Builtin bool `json:"-"` // of Kubernetes' own kinds, which fill in more than their schemas say
}

// additional is the schema of the fields that have no name in it, or whether there may be such.
type additional struct{ *Schema }

func (a *additional) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return nil
	}
	return utiljson.Unmarshal(data, &a.Schema)
}

// ParseSchema finds the schema of a kind in the OpenAPI v3 document of its group and version. One
// that is not in there has no defaults.
func ParseSchema(document []byte, kind schema.GroupVersionKind) (*Schema, error) {
	var all struct {
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &all); err != nil {
		return nil, fmt.Errorf("read OpenAPI document of %s: %w", kind.GroupVersion(), err)
	}
	for name, data := range all.Components.Schemas {
		var of struct {
			Kinds []schema.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
		}
		if !bytes.Contains(data, []byte(`"x-kubernetes-group-version-kind"`)) {
			continue
		}
		if err := json.Unmarshal(data, &of); err != nil || len(of.Kinds) != 1 || of.Kinds[0] != kind {
			continue
		}
		s := &Schema{}
		if err := utiljson.Unmarshal(data, s); err != nil {
			return nil, fmt.Errorf("read schema of %s: %w", kind, err)
		}
		s.Builtin = strings.HasPrefix(name, "io.k8s.api.")
		return s, nil
	}
	return &Schema{}, nil
}

// fill gives a value the defaults of its schema, as the API server does of custom resources
// (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting).
func (s *Schema) fill(value any) {
	if s == nil {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for name, property := range s.Properties {
			if have, found := v[name]; property.defaults(have, found) {
				v[name] = runtime.DeepCopyJSONValue(property.Default)
			}
		}
		for name, have := range v {
			of, named := s.Properties[name]
			if !named {
				of = s.Additional.Schema
				if of.defaults(have, true) {
					v[name] = runtime.DeepCopyJSONValue(of.Default)
				}
			}
			of.fill(v[name])
		}
	case []any:
		for i, have := range v {
			if s.Items.defaults(have, true) {
				v[i] = runtime.DeepCopyJSONValue(s.Items.Default)
			}
			s.Items.fill(v[i])
		}
	}
}

// defaults reports whether a field takes the schema's default.
func (s *Schema) defaults(have any, found bool) bool {
	return s != nil && s.Default != nil && (!found || have == nil && !s.Nullable)
}
