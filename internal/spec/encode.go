package spec

import (
	"fmt"
	"reflect"

	yaml "sigs.k8s.io/yaml/goyaml.v2"
)

// EncodeCandidate writes a marker of one document, with the line that keeps
// Argo CD from applying it. Its apiVersion and kind are set. The same candidate
// gives the same bytes, and decoding them gives the candidate; text that YAML
// cannot hold is an error.
func EncodeCandidate(c Candidate) ([]byte, error) {
	c.APIVersion, c.Kind = APIVersion, KindCandidate
	out, err := yaml.Marshal(encode(reflect.ValueOf(c)))
	if err != nil {
		return nil, fmt.Errorf("encode candidate: %w", err)
	}
	out = append([]byte(SkipLine+"\n"), out...)
	if _, err := DecodeCandidates("candidate.yaml", out); err != nil {
		return nil, fmt.Errorf("the candidate is not valid: %w", err)
	}
	return out, nil
}

// encode turns a Go value of this package into one for the printer: structs keep
// the order of their fields, and leave out what is empty.
func encode(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Struct:
		out := yaml.MapSlice{}
		for _, f := range fields(v.Type()) {
			value := v.FieldByIndex(f.index)
			if f.required || !isEmpty(value) {
				out = append(out, yaml.MapItem{Key: f.name, Value: encode(value)})
			}
		}
		return out
	case reflect.Map:
		out := make(map[string]any, v.Len())
		for key, value := range v.Seq2() {
			out[key.String()] = encode(value)
		}
		return out
	case reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = encode(v.Index(i))
		}
		return out
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return encode(v.Elem())
	}
	return v.Interface()
}

// isEmpty extends encoding/json's omitempty to structs.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice:
		return v.Len() == 0
	case reflect.Struct:
		for _, f := range fields(v.Type()) {
			if !isEmpty(v.FieldByIndex(f.index)) {
				return false
			}
		}
		return true
	}
	return v.IsZero()
}
