package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// knob is a value of a chart that may have a kind's effect on a workload.
type knob struct {
	kind  string
	key   *regexp.Regexp       // of the value's dotted path
	value func(now any) any    // nil: not by this value
	holds func(container) bool // of the workload as it would be
	data  bool                 // the effect is on a ConfigMap that it refers to
}

func knobs(o *unstructured.Unstructured) []knob {
	c, ok := first(o)
	if !ok {
		return nil
	}
	added := func(c container) bool { v, ok := c.variable("ASSAY_ADDED"); return ok && v == "yes" }
	anyKey := regexp.MustCompile(`.`)
	return []knob{
		{kind: "env added", key: regexp.MustCompile(`(?i)env(s|vars|ironment)?$`), value: moreVariables, holds: added},
		{kind: "env changed", key: anyKey, value: scalar, holds: c.variableDiffers},
		{kind: "env removed", key: anyKey, value: nothing, holds: c.variableGone},
		{kind: "resources", key: regexp.MustCompile(`(?i)resources$`), value: func(any) any {
			return map[string]any{"limits": map[string]any{"memory": newMemory}}
		}, holds: c.resources().holds},
		{kind: "probe", key: regexp.MustCompile(`(?i)probe|health`), value: scalar, holds: func(after container) bool { return c.differs(after, "readinessProbe", "livenessProbe", "startupProbe") }},
		{kind: "argument", key: anyKey, value: scalar, holds: func(after container) bool { return c.differs(after, "args", "command") }},
		{kind: "pod label", key: regexp.MustCompile(`(?i)labels$`), value: func(now any) any {
			if _, ok := now.(map[string]any); !ok {
				return nil
			}
			return map[string]any{"assay-test": "yes"}
		}, holds: c.label().holds},
		{kind: "config value", key: anyKey, value: scalar, data: true},
	}
}

func (c container) differs(after container, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return !object.Equal(after.fields[name], c.fields[name]) })
}

// variables are those of the container by name.
func (c container) byName() map[string]any {
	out := map[string]any{}
	for _, v := range c.env() {
		if entry, ok := v.(map[string]any); ok {
			name, _ := entry["name"].(string)
			out[name] = entry["value"]
		}
	}
	return out
}

func (c container) variableDiffers(after container) bool {
	for name, value := range after.byName() {
		if was, ok := c.byName()[name]; ok && !object.Equal(was, value) {
			return true
		}
	}
	return false
}

func (c container) variableGone(after container) bool {
	now := after.byName()
	for name := range c.byName() {
		if _, ok := now[name]; !ok {
			return true
		}
	}
	return false
}

func moreVariables(now any) any {
	switch now := now.(type) {
	case []any:
		return append(slices.Clone(now), map[string]any{"name": "ASSAY_ADDED", "value": "yes"})
	case map[string]any:
		return map[string]any{"ASSAY_ADDED": "yes"}
	}
	return nil
}

// nothing is what turns a value off.
func nothing(now any) any {
	switch now := now.(type) {
	case string:
		if now != "" {
			return ""
		}
	case bool:
		if now {
			return false
		}
	case []any:
		if len(now) > 0 {
			return []any{}
		}
	}
	return nil
}

// scalar is another value of the same type.
func scalar(now any) any {
	switch now := now.(type) {
	case string:
		return newValue
	case bool:
		return !now
	case float64:
		return now + 1
	case int64:
		return now + 1
	}
	return nil
}

// values are the candidates for which the chart has a value: an oracle lays it
// over the chart's own, and looks for the effect. Users take another value
// where one is refused, so a few are offered.
func (e *environment) values(ctx context.Context, o *unstructured.Unstructured) ([]candidate, error) {
	const most = 4
	values, err := e.chartValues()
	if err != nil {
		return nil, fmt.Errorf("read values: %w", err)
	}
	var out []candidate
	for _, k := range knobs(o) {
		c := candidate{kind: k.kind, object: object.KeyOf(o)}
		for _, at := range paths(nil, values) {
			to := k.value(at.value)
			if to == nil || !k.key.MatchString(strings.Join(at.names, ".")) || at.names[0] == "image" || len(c.ways) == most {
				continue
			}
			change := nested(at.names, to)
			want, ok := e.oracle(ctx, change)
			if !ok || !e.effect(want, o, k) {
				continue
			}
			c.ways = append(c.ways, way{
				Change: spec.Change{Values: change},
				// The value as a block of its own; less where a part is there.
				lines: strings.Count(text(map[string]any{at.names[len(at.names)-1]: to}), "\n"),
				holds: func(_, after []*unstructured.Unstructured) error {
					for _, d := range object.Diff(applied(want), applied(after)) {
						return fmt.Errorf("%s is not what helm makes of the value", d.Key)
					}
					return nil
				},
			})
		}
		out = append(out, c)
	}
	return out, nil
}

// effect reports whether the objects have what the knob is for.
func (e *environment) effect(objs []*unstructured.Unstructured, o *unstructured.Unstructured, k knob) bool {
	if k.data {
		return slices.ContainsFunc(object.References(o), func(ref object.Key) bool {
			was, is := object.Find(e.base, ref), object.Find(objs, ref)
			return ref.Kind == "ConfigMap" && len(was) == 1 && len(is) == 1 && !object.Equal(was[0].Object["data"], is[0].Object["data"])
		})
	}
	for _, after := range object.Find(objs, object.KeyOf(o)) {
		if c, ok := first(after); ok && k.holds(c) {
			return true
		}
	}
	return false
}

// oracle renders the chart with values over its own, as helm --values does.
func (e *environment) oracle(ctx context.Context, values map[string]any) ([]*unstructured.Unstructured, bool) {
	key := text(values)
	if objs, ok := e.oracles[key]; ok {
		return objs, objs != nil
	}
	req := e.request()
	req.Helm = &spec.HelmSource{ValuesObject: values}
	var objs []*unstructured.Unstructured
	if res, err := render.Environment(ctx, req); err == nil {
		objs = res.Baseline
	}
	if e.oracles == nil {
		e.oracles = map[string][]*unstructured.Unstructured{}
	}
	e.oracles[key] = objs
	return objs, objs != nil
}

// place is one value by its path.
type place struct {
	names []string
	value any
}

func paths(prefix []string, values map[string]any) []place {
	var out []place
	for name, v := range values {
		at := append(slices.Clone(prefix), name)
		out = append(out, place{at, v})
		if inner, ok := v.(map[string]any); ok {
			out = append(out, paths(at, inner)...)
		}
	}
	slices.SortFunc(out, func(a, b place) int { return slices.Compare(a.names, b.names) })
	return out
}

func nested(names []string, v any) map[string]any {
	for i := len(names) - 1; i > 0; i-- {
		v = map[string]any{names[i]: v}
	}
	return map[string]any{names[0]: v}
}

func applied(objs []*unstructured.Unstructured) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(objs), object.IsHelmTest)
}
