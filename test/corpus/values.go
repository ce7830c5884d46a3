package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"helm.sh/helm/v3/pkg/chartutil"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// knob is a value of a chart that may have a kind's effect on a workload.
type knob struct {
	kind  string
	key   *regexp.Regexp
	value func(now any) any // nil: not by this value
	holds func(container) bool
}

func knobs(o *unstructured.Unstructured) []knob {
	c, ok := first(o)
	if !ok {
		return nil
	}
	has := func(name, value string) func(container) bool {
		return func(c container) bool { v, ok := c.variable(name); return ok && v == value }
	}
	list := []knob{
		{"env added", regexp.MustCompile(`(?i)env(s|vars|ironment)?$`), func(now any) any {
			switch now := now.(type) {
			case []any:
				return append(slices.Clone(now), map[string]any{"name": "ASSAY_ADDED", "value": "yes"})
			case map[string]any:
				return map[string]any{"ASSAY_ADDED": "yes"}
			}
			return nil
		}, has("ASSAY_ADDED", "yes")},
		{"resources", regexp.MustCompile(`(?i)resources$`), func(any) any {
			return map[string]any{"limits": map[string]any{"memory": newMemory}}
		}, c.resources().holds},
		{"pod label", regexp.MustCompile(`(?i)labels$`), func(now any) any {
			if _, ok := now.(map[string]any); !ok {
				return nil
			}
			return map[string]any{"assay-test": "yes"}
		}, c.label().holds},
		{"argument", regexp.MustCompile(`.`), scalar, func(after container) bool {
			return !object.Equal(after.fields["args"], c.fields["args"]) || !object.Equal(after.fields["command"], c.fields["command"])
		}},
		{"env changed", regexp.MustCompile(`.`), scalar, func(after container) bool {
			for _, v := range c.env() {
				entry, _ := v.(map[string]any)
				name, _ := entry["name"].(string)
				if value, ok := after.variable(name); ok && !object.Equal(value, entry["value"]) {
					return true
				}
			}
			return false
		}},
		{"probe", regexp.MustCompile(`(?i)probe`), scalar, func(after container) bool {
			for _, name := range []string{"readinessProbe", "livenessProbe", "startupProbe"} {
				if !object.Equal(after.fields[name], c.fields[name]) {
					return true
				}
			}
			return false
		}},
	}
	return list
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
// over the chart's own, and looks for the effect.
func (e *environment) values(ctx context.Context, o *unstructured.Unstructured) ([]candidate, error) {
	values, err := chartutil.ReadValuesFile(e.path("values.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read values: %w", err)
	}
	var out []candidate
	for _, k := range knobs(o) {
		for _, at := range paths(nil, values) {
			now := at.value
			to := k.value(now)
			if to == nil || !k.key.MatchString(at.names[len(at.names)-1]) || at.names[0] == "image" {
				continue
			}
			change := nested(at.names, to)
			want, ok := e.oracle(ctx, change)
			if !ok || !changes(want, o, k.holds) {
				continue
			}
			out = append(out, candidate{kind: k.kind, object: object.KeyOf(o), ways: []spec.Change{{Values: change}}, holds: func(_, after []*unstructured.Unstructured) error {
				for _, d := range object.Diff(applied(want), applied(after)) {
					return fmt.Errorf("%s is not what helm makes of the value", d.Key)
				}
				return nil
			}})
			break
		}
	}
	return out, nil
}

func changes(objs []*unstructured.Unstructured, o *unstructured.Unstructured, holds func(container) bool) bool {
	for _, after := range object.Find(objs, object.KeyOf(o)) {
		if c, ok := first(after); ok && holds(c) {
			return true
		}
	}
	return false
}

// oracle renders the chart with values over its own, as helm --values does.
func (e *environment) oracle(ctx context.Context, values map[string]any) ([]*unstructured.Unstructured, bool) {
	req := e.request()
	req.Helm = &spec.HelmSource{ValuesObject: values}
	res, err := render.Environment(ctx, req)
	if err != nil {
		return nil, false
	}
	return res.Baseline, true
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
