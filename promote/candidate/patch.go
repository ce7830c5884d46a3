package candidate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/yamledit"
	"github.com/assaydev/assay/render"
)

// Patches reads what Kustomize takes: entries of patches, strategic merge
// patches, and a JSON patch, which is for the only workload under test. The name
// is that of the file, for errors.
func (m *Marker) Patches(ctx context.Context, name string, data []byte) ([]types.Patch, error) {
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
				return nil, fmt.Errorf("%s: it is not an entry of Kustomize's patches: give patch, and target or options", name)
			}
			patches = append(patches, p)
		case isMap:
			patches = append(patches, types.Patch{Patch: string(text)})
		case isOperations:
			o, err := m.onlyTarget(ctx)
			if err != nil {
				return nil, err
			}
			patches = append(patches, types.Patch{Patch: string(text), Target: selectorOf(o)})
		default:
			return nil, fmt.Errorf("%s: it holds something that is not a patch: give a strategic merge patch, JSON patch operations, or entries of Kustomize's patches", name)
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

// ErrChart is returned for a change of manifests in a chart, which has values
// instead.
var ErrChart = errors.New("it changes manifests, and a chart has values")

// NotOnlyError says that there is not exactly one of what a change is for.
type NotOnlyError struct {
	What  string   // image, workload or container
	Of    string   // the workload of a container
	Names []string // those that there are
}

func (e *NotOnlyError) Error() string {
	of := ""
	if e.Of != "" {
		of = " of " + e.Of
	}
	if len(e.Names) == 0 {
		return "there is no " + e.What + of + " that could be changed"
	}
	return fmt.Sprintf("the change is for the only %s%s, and there are %s", e.What, of, excerpt.List(e.Names))
}

// OnlyImage is the change of the only image of the plan's targets, or of all
// workloads, to another tag.
func (m *Marker) OnlyImage(ctx context.Context, tag string) ([]types.Image, error) {
	res, err := m.without(ctx)
	if err != nil {
		return nil, err
	}
	names := scaffold.Images(render.UnderTest(res.Plan, res.Baseline))
	if len(names) != 1 {
		return nil, &NotOnlyError{What: "image", Names: names}
	}
	return []types.Image{{Name: names[0], NewTag: tag}}, nil
}

// Variables is the patch that sets variables, as NAME=VALUE, of the only container
// of the only workload under test.
func (m *Marker) Variables(ctx context.Context, variables []string) (types.Patch, error) {
	o, err := m.onlyTarget(ctx)
	if err != nil {
		return types.Patch{}, err
	}
	return variablePatch(o, variables)
}

// onlyTarget is the only workload of the plan's targets, or of all.
func (m *Marker) onlyTarget(ctx context.Context) (*unstructured.Unstructured, error) {
	res, err := m.without(ctx)
	if err != nil {
		return nil, err
	}
	if res.Layout == spec.Helm {
		return nil, ErrChart
	}
	objs := render.UnderTest(res.Plan, res.Baseline)
	if len(objs) == 1 {
		return objs[0], nil
	}
	var names []string
	for _, o := range objs {
		names = append(names, object.KeyOf(o).String())
	}
	return nil, &NotOnlyError{What: "workload", Names: names}
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
		return types.Patch{}, &NotOnlyError{What: "container", Of: object.KeyOf(o).String(), Names: containers(list)}
	}
	container, _ := list[0].(map[string]any)
	existing, _ := container["env"].([]any)
	if builtIn(o.GroupVersionKind()) {
		return mergeVariables(o, path, container["name"], existing, variables)
	}
	return jsonVariables(o, path, existing, variables)
}

func containers(list []any) []string {
	names := make([]string, len(list))
	for i, v := range list {
		container, _ := v.(map[string]any)
		names[i], _ = container["name"].(string)
	}
	return names
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
