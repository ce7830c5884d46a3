package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/yamledit"
	"github.com/assaydev/assay/render"
)

// envFlag is --env: the name of an environment, or NAME=VALUE for a variable
// of the container under test, which may be given again.
type envFlag struct {
	name      *string
	variables *[]string
}

func (f envFlag) Set(text string) error {
	if !strings.Contains(text, "=") {
		*f.name = text
		return nil
	}
	name, _, _ := strings.Cut(text, "=")
	if problems := validation.IsEnvVarName(name); len(problems) > 0 {
		return usagef("%q is no name of a variable", name)
	}
	if slices.ContainsFunc(*f.variables, func(other string) bool { return strings.HasPrefix(other, name+"=") }) {
		return usagef("%s is given twice: keep one", name)
	}
	*f.variables = append(*f.variables, text)
	return nil
}

func (f envFlag) String() string { return *f.name }

func (f envFlag) Type() string { return "name" }

// parsePatches reads --patch and --env.
func (a *app) parsePatches(ctx context.Context, opt candidateOptions, m *markerPlace) ([]types.Patch, error) {
	var patches []types.Patch
	for _, name := range opt.patches {
		data, err := a.readInput(name)
		if err != nil {
			return nil, err
		}
		more, err := m.readPatches(ctx, name, data)
		if err != nil {
			return nil, err
		}
		patches = append(patches, more...)
	}
	if len(opt.variables) == 0 {
		return patches, nil
	}
	o, err := m.onlyTarget(ctx, "--env NAME=VALUE")
	if err != nil {
		return nil, err
	}
	patch, err := variablePatch(o, opt.variables)
	return append(patches, patch), err
}

// readPatches takes what Kustomize takes: entries of patches, strategic merge
// patches, and a JSON patch, which is for the only workload under test.
func (m *markerPlace) readPatches(ctx context.Context, name string, data []byte) ([]types.Patch, error) {
	file, err := yamledit.Parse(name, data)
	if err != nil {
		return nil, err
	}
	var values []any
	for i := range file.Documents() {
		v := file.Value(i)
		if list, ok := v.([]any); ok && len(list) > 0 && !slices.ContainsFunc(list, func(item any) bool { return !isEntry(item) }) {
			values = append(values, list...)
		} else {
			values = append(values, v)
		}
	}
	var patches []types.Patch
	for _, v := range values {
		text, err := yaml.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", name, err)
		}
		_, isMap := v.(map[string]any)
		_, isOperations := v.([]any)
		switch {
		case isEntry(v):
			var p types.Patch
			if err := yaml.UnmarshalStrict(text, &p); err != nil {
				return nil, fmt.Errorf("%s: it is no entry of Kustomize's patches: give patch, and target or options", name)
			}
			patches = append(patches, p)
		case isMap:
			patches = append(patches, types.Patch{Patch: string(text)})
		case isOperations:
			o, err := m.onlyTarget(ctx, "--patch with JSON patch operations")
			if err != nil {
				return nil, err
			}
			patches = append(patches, types.Patch{Patch: string(text), Target: selectorOf(o)})
		default:
			return nil, fmt.Errorf("%s: it holds what is no patch: give a strategic merge patch, JSON patch operations, or entries of Kustomize's patches", name)
		}
	}
	if len(patches) == 0 {
		return nil, fmt.Errorf("%s holds no patch", name)
	}
	return patches, nil
}

// isEntry reports whether a value is meant as an entry of Kustomize's patches.
func isEntry(v any) bool {
	fields, _ := v.(map[string]any)
	_, ok := fields["patch"]
	return ok
}

// onlyTarget is the workload that a flag is for: the only one of the plan's
// targets, or of all.
func (m *markerPlace) onlyTarget(ctx context.Context, flag string) (*unstructured.Unstructured, error) {
	req := m.Request
	req.FS = req.FS.With(map[string][]byte{m.Path: nil})
	res, err := render.Environment(ctx, req)
	if err != nil {
		return nil, err
	}
	switch objs := render.UnderTest(res.Plan, res.Baseline); {
	case res.Layout == spec.Helm:
		return nil, fmt.Errorf("%s changes manifests, and a chart has values: use --set or --values", flag)
	case len(objs) == 0:
		return nil, errors.New("no workload renders that could be changed")
	case len(objs) > 1:
		var names []string
		for _, o := range objs {
			names = append(names, object.KeyOf(o).String())
		}
		return nil, fmt.Errorf("%s needs the only workload under test, and there are %s: name the one under spec.targets of the plan, or give --patch with a target", flag, listed(names))
	default:
		return objs[0], nil
	}
}

func selectorOf(o *unstructured.Unstructured) *types.Selector {
	gvk := o.GroupVersionKind()
	s := &types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Kind: gvk.Kind}, Name: o.GetName(), Namespace: o.GetNamespace()}}
	if !builtIn(gvk) {
		s.Group = gvk.Group
	}
	return s
}

// builtIn kinds have a schema, by which lists are merged.
func builtIn(gvk schema.GroupVersionKind) bool {
	return gvk.Group == "" || gvk.Group == "apps" || gvk.Group == "batch"
}

// variablePatch sets variables of the workload's only container.
func variablePatch(o *unstructured.Unstructured, variables []string) (types.Patch, error) {
	path, _ := object.PodTemplate(o)
	path = append(slices.Clone(path), "spec", "containers")
	list, _, _ := unstructured.NestedSlice(o.Object, path...)
	if len(list) != 1 {
		return types.Patch{}, fmt.Errorf("--env NAME=VALUE needs the only container, and %s has %d: use --patch", object.KeyOf(o), len(list))
	}
	container, _ := list[0].(map[string]any)
	existing, _ := container["env"].([]any)
	if builtIn(o.GroupVersionKind()) {
		return mergeVariables(o, path, container["name"], existing, variables)
	}
	return jsonVariables(o, path, existing, variables)
}

func mergeVariables(o *unstructured.Unstructured, path []string, container any, existing []any, variables []string) (types.Patch, error) {
	env := make([]any, 0, len(variables))
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		entry := map[string]any{"name": name, "value": value}
		if _, entryNow := variable(existing, name); entryNow["valueFrom"] != nil {
			entry["valueFrom"] = nil
		}
		env = append(env, entry)
	}
	patch := map[string]any{"apiVersion": o.GetAPIVersion(), "kind": o.GetKind(), "metadata": map[string]any{"name": o.GetName()}}
	if err := unstructured.SetNestedField(patch, []any{map[string]any{"name": container, "env": env}}, path...); err != nil {
		return types.Patch{}, err
	}
	text, err := yaml.Marshal(patch)
	return types.Patch{Patch: string(text), Target: selectorOf(o)}, err
}

// jsonVariables is for kinds without a schema: a merge would replace the list.
func jsonVariables(o *unstructured.Unstructured, path []string, existing []any, variables []string) (types.Patch, error) {
	at := "/" + strings.Join(path, "/") + "/0/env"
	var ops []map[string]any
	if existing == nil {
		ops = append(ops, map[string]any{"op": "add", "path": at, "value": []any{}})
	}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		entry := map[string]any{"name": name, "value": value}
		if i, now := variable(existing, name); now != nil {
			ops = append(ops, map[string]any{"op": "replace", "path": at + "/" + strconv.Itoa(i), "value": entry})
		} else {
			ops = append(ops, map[string]any{"op": "add", "path": at + "/-", "value": entry})
		}
	}
	text, err := yaml.Marshal(ops)
	return types.Patch{Patch: string(text), Target: selectorOf(o)}, err
}

// variable finds one by its name.
func variable(list []any, name string) (int, map[string]any) {
	for i, v := range list {
		if entry, ok := v.(map[string]any); ok && entry["name"] == name {
			return i, entry
		}
	}
	return -1, nil
}
