package main

import (
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// change is one edit of a workload, whichever way it is written.
type change struct {
	kind  string
	ops   []map[string]any
	merge map[string]any // of the container; nil where a merge cannot say it
	holds func(container) bool
	lines int
}

func (c container) pointer(rest string) string {
	return "/" + strings.Join(c.at, "/") + "/spec/containers/0" + rest
}

// whole is the strategic merge patch of the object.
func (c container) whole(merge map[string]any) map[string]any {
	o := map[string]any{"apiVersion": c.object.GetAPIVersion(), "kind": c.object.GetKind(), "metadata": map[string]any{"name": c.object.GetName()}}
	template := merge
	if _, isTemplate := merge["metadata"]; !isTemplate {
		merge["name"] = c.fields["name"]
		template = map[string]any{"spec": map[string]any{"containers": []any{merge}}}
	}
	if err := unstructured.SetNestedMap(o, template, c.at...); err != nil {
		panic(err) // the path holds mappings alone
	}
	return o
}

// changes are those of every kind. One that the container has no place for
// has neither operations nor a merge.
func (c container) changes() []change {
	return append(c.variables(), c.resources(), c.probe(), c.argument(), c.label())
}

func op(name, path string, value any) map[string]any {
	o := map[string]any{"op": name, "path": path}
	if value != nil {
		o["value"] = value
	}
	return o
}

func (c container) env() []any {
	list, _ := c.fields["env"].([]any)
	return list
}

func (c container) variable(name string) (any, bool) {
	for _, v := range c.env() {
		if entry, ok := v.(map[string]any); ok && entry["name"] == name {
			return entry["value"], true
		}
	}
	return nil, false
}

func (c container) variables() []change {
	const added = "ASSAY_ADDED"
	holds := func(name string, value any) func(container) bool {
		return func(c container) bool { v, ok := c.variable(name); return ok && v == value }
	}
	entry := map[string]any{"name": added, "value": "yes"}
	more := change{
		kind: "env added", ops: []map[string]any{op("add", c.pointer("/env/-"), entry)}, holds: holds(added, "yes"), lines: 2,
		merge: map[string]any{"env": []any{entry}},
	}
	if c.env() == nil {
		more.ops, more.lines = []map[string]any{op("add", c.pointer("/env"), []any{entry})}, 3
	}
	for i, v := range c.env() {
		entry, ok := v.(map[string]any)
		if !ok || entry["value"] == nil {
			continue
		}
		name, _ := entry["name"].(string)
		at := c.pointer("/env/" + strconv.Itoa(i))
		return []change{more, {
			kind: "env changed", ops: []map[string]any{op("replace", at+"/value", newValue)}, holds: holds(name, newValue), lines: 1,
			merge: map[string]any{"env": []any{map[string]any{"name": name, "value": newValue}}},
		}, {
			kind: "env removed", ops: []map[string]any{op("remove", at, nil)},
			merge: map[string]any{"env": []any{map[string]any{"name": name, "$patch": "delete"}}},
			holds: func(c container) bool { _, ok := c.variable(name); return !ok }, lines: 2 + 1/len(c.env()),
		}}
	}
	return []change{more, {kind: "env changed"}, {kind: "env removed"}}
}

func (c container) resources() change {
	want := map[string]any{"limits": map[string]any{"memory": newMemory}}
	ops, lines := []map[string]any{op("add", c.pointer("/resources"), want)}, 3
	if r, _ := c.fields["resources"].(map[string]any); len(r) > 0 {
		if _, ok := r["limits"].(map[string]any); ok {
			ops, lines = []map[string]any{op("add", c.pointer("/resources/limits/memory"), newMemory)}, 1
		} else {
			ops, lines = []map[string]any{op("add", c.pointer("/resources/limits"), want["limits"])}, 2
		}
	}
	return change{kind: "resources", ops: ops, lines: lines, merge: map[string]any{"resources": want}, holds: func(c container) bool {
		v, _, _ := unstructured.NestedString(c.fields, "resources", "limits", "memory")
		return v == newMemory
	}}
}

func (c container) probe() change {
	for _, name := range []string{"readinessProbe", "livenessProbe", "startupProbe"} {
		if _, ok := c.fields[name]; ok {
			continue
		}
		probe := map[string]any{"tcpSocket": map[string]any{"port": int64(8080)}}
		return change{
			kind: "probe", ops: []map[string]any{op("add", c.pointer("/"+name), probe)}, merge: map[string]any{name: probe}, lines: 3,
			holds: func(c container) bool { return object.Equal(c.fields[name], any(probe)) },
		}
	}
	return change{kind: "probe"}
}

func (c container) argument() change {
	for _, name := range []string{"args", "command"} {
		list, ok := c.fields[name].([]any)
		if !ok || len(list) == 0 {
			continue
		}
		last := len(list) - 1
		want := append(slices.Clone(list[:last]), newValue)
		return change{
			kind: "argument", ops: []map[string]any{op("replace", c.pointer("/"+name+"/"+strconv.Itoa(last)), newValue)}, merge: map[string]any{name: want}, lines: 1,
			holds: func(c container) bool { return object.Equal(c.fields[name], any(want)) },
		}
	}
	return change{kind: "argument"}
}

func (c container) label() change {
	merge := map[string]any{"metadata": map[string]any{"labels": map[string]any{"assay-test": "yes"}}}
	return change{
		kind: "pod label", ops: []map[string]any{op("add", "/"+strings.Join(c.at, "/")+"/metadata/labels/assay-test", "yes")}, merge: merge, lines: 1,
		holds: func(c container) bool {
			v, _, _ := unstructured.NestedString(c.object.Object, append(slices.Clone(c.at), "metadata", "labels", "assay-test")...)
			return v == "yes"
		},
	}
}
