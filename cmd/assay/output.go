package main

import (
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/visible"
)

// output starts counting what is printed of the environment in dir.
func (e *environmentFlags) output(dir string) *object.Printer {
	return object.NewPrinter(dir, e.Limits.OutputBytes)
}

// structured prints a result for programs.
func (a *app) structured(format string, v any) error {
	data, err := visible.MarshalJSON(v)
	if err == nil && format == formatYAML {
		data, err = yaml.JSONToYAML(data)
	}
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	a.data(data)
	return nil
}
