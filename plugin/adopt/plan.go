package adopt

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	goyaml "sigs.k8s.io/yaml/goyaml.v2"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/yamledit"
)

// section is where a plan keeps the source options of a layout.
func section(l spec.Layout) string {
	switch l {
	case spec.Helm:
		return "helm"
	case spec.Kustomize:
		return "kustomize"
	default:
		return "directory"
	}
}

// planWith is a plan with the options added: a new one where before is nil. It is nil
// where the plan says them already.
func planWith(file, title string, before []byte, section string, options map[string]any) ([]byte, error) {
	var after []byte
	var err error
	if before == nil {
		after, err = newPlan(title, section, options)
	} else {
		after, err = addToPlan(file, before, section, options)
	}
	if err != nil {
		return nil, err
	}
	if _, err := spec.DecodePlan(file, after); err != nil {
		return nil, err
	}
	if bytes.Equal(after, before) {
		return nil, nil
	}
	return after, nil
}

func newPlan(name, section string, options map[string]any) ([]byte, error) {
	data, err := goyaml.Marshal(goyaml.MapSlice{
		{Key: "apiVersion", Value: spec.APIVersion},
		{Key: "kind", Value: spec.KindPlan},
		{Key: "metadata", Value: map[string]any{"name": name}},
		{Key: "spec", Value: map[string]any{section: options}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	return append([]byte(spec.SkipLine+"\n"), data...), nil
}

// addToPlan adds options to a plan, and keeps what it says already.
func addToPlan(name string, data []byte, section string, options map[string]any) ([]byte, error) {
	file, err := yamledit.Parse(name, data)
	if err != nil {
		return nil, err
	}
	root, _ := file.Value(0).(map[string]any)
	at := yamledit.Path{yamledit.Key("spec")}
	body, hasBody := root["spec"].(map[string]any)
	if !hasBody {
		return file.Apply(insert(root, at, map[string]any{section: options}))
	}
	at = append(at, yamledit.Key(section))
	existing, _ := body[section].(map[string]any)
	if len(existing) == 0 {
		return file.Apply(insert(body, at, options))
	}
	var edits []yamledit.Edit
	for _, key := range slices.Sorted(maps.Keys(options)) {
		was, has := existing[key]
		switch {
		case !has:
			edits = append(edits, insert(existing, append(slices.Clone(at), yamledit.Key(key)), options[key]))
		case key != "imageValues" && !object.Equal(was, options[key]):
			return nil, fmt.Errorf("%s: spec.%s.%s differs from the Application: make them the same", name, section, key)
		}
	}
	return file.Apply(edits...)
}

// insert gives a mapping a key that it has not, or has without a value.
func insert(into map[string]any, at yamledit.Path, value any) yamledit.Edit {
	op := yamledit.Insert
	if _, empty := into[at[len(at)-1].Key]; empty {
		op = yamledit.Set
	}
	return yamledit.Edit{Op: op, Path: at, Value: value}
}
