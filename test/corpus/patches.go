package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// container is the first of a workload, as JSON patch operations reach it.
type container struct {
	object *unstructured.Unstructured
	at     []string // the pod template's path
	fields map[string]any
}

func first(o *unstructured.Unstructured) (container, bool) {
	at, ok := object.PodTemplate(o)
	if !ok {
		return container{}, false
	}
	list, _, _ := unstructured.NestedSlice(o.Object, append(slices.Clone(at), "spec", "containers")...)
	if len(list) == 0 {
		return container{}, false
	}
	fields, ok := list[0].(map[string]any)
	return container{o, at, fields}, ok
}

// patches are the changes of one workload, each as a strategic merge patch
// where the kind has a schema, and as JSON patch operations.
func (e *environment) patches(o *unstructured.Unstructured) []candidate {
	c, ok := first(o)
	if !ok {
		return nil
	}
	var out []candidate
	for _, change := range c.changes() {
		try := candidate{kind: change.kind, object: object.KeyOf(o)}
		add := func(patch types.Patch) {
			try.ways = append(try.ways, way{
				Change: spec.Change{Patches: []types.Patch{patch}}, lines: change.lines,
				holds: func(before, after []*unstructured.Unstructured) error {
					return onlyThis(before, after, object.KeyOf(o), change.holds)
				},
			})
		}
		if o.GroupVersionKind().Group == "apps" && change.merge != nil {
			add(types.Patch{Patch: text(c.whole(change.merge))})
		}
		if change.ops != nil {
			add(types.Patch{Patch: text(change.ops), Target: target(o)})
		}
		out = append(out, try)
	}
	return out
}

func target(o *unstructured.Unstructured) *types.Selector {
	return &types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Kind: o.GetKind()}, Name: o.GetName()}}
}

func text(v any) string {
	data, err := yaml.Marshal(v)
	if err != nil {
		panic(err) // maps and strings
	}
	return string(data)
}

// onlyThis holds that one workload alone has changed, and how.
func onlyThis(before, after []*unstructured.Unstructured, key object.Key, holds func(container) bool) error {
	found := false
	for _, d := range object.Diff(before, after) {
		if d.Key != key || d.After == nil {
			return fmt.Errorf("%s has changed too", d.Key)
		}
		c, ok := first(d.After)
		found = ok && holds(c)
	}
	if !found {
		return fmt.Errorf("%s has not changed as it should", key)
	}
	return nil
}

// config changes a value of a ConfigMap that the workload mounts.
func (e *environment) config(o *unstructured.Unstructured) candidate {
	c := candidate{kind: "config value", object: object.KeyOf(o)}
	for _, ref := range object.References(o) {
		if ref.Kind != "ConfigMap" {
			continue
		}
		for _, cm := range object.Find(e.base, ref) {
			data, _, _ := unstructured.NestedStringMap(cm.Object, "data")
			for _, name := range slices.Sorted(maps.Keys(data)) {
				value := data[name]
				if value == "" || strings.Contains(value, "\n") {
					continue
				}
				holds := func(_, after []*unstructured.Unstructured) error { return configured(after, name) }
				patch := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": cm.GetName()}, "data": map[string]any{name: newValue}}
				c.ways = append(c.ways, way{spec.Change{Patches: []types.Patch{{Patch: text(patch)}}}, holds, 1})
				if diff := e.replaced(name, value); diff != "" {
					c.ways = append(c.ways, way{spec.Change{Diff: diff}, holds, 1})
				}
				return c
			}
		}
	}
	return c
}

func configured(objs []*unstructured.Unstructured, name string) error {
	for _, o := range objs {
		now, _, _ := unstructured.NestedStringMap(o.Object, "data")
		if o.GetKind() == "ConfigMap" && now[name] == newValue {
			return nil
		}
	}
	return fmt.Errorf("no ConfigMap holds the new value")
}

// replaced is a diff of the one file of the environment that gives the key
// this value, as a literal of a generator does.
func (e *environment) replaced(key, value string) string {
	var found string
	for name, was := range e.files {
		if path.Dir(name) != e.dir {
			continue
		}
		now := strings.Replace(was, key+"="+value, key+"="+newValue, 1)
		if now == was {
			continue
		}
		if found != "" {
			return ""
		}
		found = udiff.Unified("a/"+path.Base(name), "b/"+path.Base(name), was, now)
	}
	return found
}
