package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/visible"
)

const defaultOutputBytes = 128 << 20

// output is how much a command may still print of one environment.
type output struct {
	where     string // the environment as the user names it
	max, left int64
}

// output starts counting what is printed of the environment in dir.
func (e *environmentFlags) output(dir string) *output {
	limit := e.limits.OutputBytes
	if limit == 0 {
		limit = defaultOutputBytes
	}
	return &output{dir, limit, limit}
}

// take counts n bytes.
func (o *output) take(n int) error {
	if o.left -= int64(n); o.left < 0 {
		return o.exceeded()
	}
	return nil
}

func (o *output) exceeded() error {
	return fmt.Errorf("%s: the output is larger than %d bytes: make the environment smaller, or raise the limit with --max-output-bytes", o.where, o.max)
}

// yaml prints objects as a YAML stream.
func (o *output) yaml(objs ...*unstructured.Unstructured) ([]byte, error) {
	data, err := object.MarshalYAMLWithin(objs, o.left)
	if errors.Is(err, object.ErrTooLarge) {
		return nil, o.exceeded()
	}
	if err != nil {
		return nil, err
	}
	return data, o.take(len(data))
}

// list prints objects as one JSON List.
func (o *output) list(objs []*unstructured.Unstructured) ([]byte, error) {
	items := make([]any, len(objs))
	for i, obj := range objs {
		items[i] = obj.Object
	}
	return o.json(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
}

// json prints what an object may hold. It is measured before: the encoder
// writes nothing until it is done.
func (o *output) json(value any) ([]byte, error) {
	if afterJSON(value, 1, o.left) < 0 {
		return nil, o.exceeded()
	}
	data, err := encodeJSON(value)
	if err != nil {
		return nil, err
	}
	return data, o.take(len(data))
}

// afterJSON is what is left of budget once value is printed as indented JSON, or
// a little more. Below 0, it does not fit.
func afterJSON(value any, depth int, budget int64) int64 {
	budget--
	switch value := value.(type) {
	case string:
		return budget - int64(len(value))
	case map[string]any:
		for key, item := range value {
			if budget = afterJSON(item, depth+1, budget-int64(2*depth+len(key))); budget < 0 {
				return budget
			}
		}
	case []any:
		for _, item := range value {
			if budget = afterJSON(item, depth+1, budget-int64(2*depth)); budget < 0 {
				return budget
			}
		}
	}
	return budget
}

// structured prints a result for programs.
func (a *app) structured(format string, v any) error {
	data, err := encodeJSON(v)
	if err == nil && format == formatYAML {
		data, err = yaml.JSONToYAML(data)
	}
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	a.data(data)
	return nil
}

func encodeJSON(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return append(visible.JSON(data), '\n'), nil
}
