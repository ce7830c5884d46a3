package object

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yaml "sigs.k8s.io/yaml/goyaml.v2"
)

// ErrTooLarge says that the output would pass its limit.
var ErrTooLarge = errors.New("the output is larger than the limit")

// MarshalYAML prints objects as YAML documents separated by "---", as kubectl
// does. Keys are sorted: the same objects give the same bytes.
func MarshalYAML(objs []*unstructured.Unstructured) ([]byte, error) {
	return MarshalYAMLWithin(objs, math.MaxInt64)
}

// MarshalYAMLWithin is MarshalYAML of at most limit bytes. It stops with
// ErrTooLarge on the way there: indentation makes much of little.
func MarshalYAMLWithin(objs []*unstructured.Unstructured, limit int64) ([]byte, error) {
	out := bounded{limit: limit}
	for i, o := range objs {
		if i > 0 {
			_, _ = out.Write([]byte("---\n"))
		}
		if err := out.document(o.Object); err != nil && !out.full {
			return nil, fmt.Errorf("print %s: %w", KeyOf(o), err)
		}
		if out.full {
			return nil, ErrTooLarge
		}
	}
	return out.text.Bytes(), nil
}

// bounded keeps what is written to it, up to a limit.
type bounded struct {
	text  bytes.Buffer
	limit int64
	full  bool
}

func (b *bounded) Write(data []byte) (int, error) {
	if b.full = b.full || int64(b.text.Len()+len(data)) > b.limit; b.full {
		return 0, ErrTooLarge
	}
	return b.text.Write(data)
}

// document writes one YAML document.
func (b *bounded) document(value any) error {
	encoder := yaml.NewEncoder(b)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	return encoder.Close()
}
