package change

import (
	"fmt"
	"maps"
	"math"
	"path"
	"reflect"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/yamledit"
)

// source is one place that a chart's values come from.
type source struct {
	label  string // for messages: a file, or a field of the plan
	file   string // empty for a field of the plan
	chart  bool   // the chart's own values.yaml
	inside bool   // a file of the environment: it can be edited
	values map[string]any
}

// sources are all of them in the order in which they apply; the last wins.
func (m *maker) sources() ([]source, error) {
	var out []source
	for _, file := range m.ValueFiles {
		data, err := m.tree.read(file)
		if err != nil {
			return nil, err
		}
		s := source{label: file, file: file, chart: file == path.Join(m.Dir, "values.yaml")}
		if s.values, err = decodeValues(file, data); err != nil {
			return nil, err
		}
		if s.inside, err = m.tree.inside(file); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return m.planSources(out)
}

// planSources adds what the plan sets itself, in Argo CD's order.
func (m *maker) planSources(out []source) ([]source, error) {
	if m.Plan == nil || m.Plan.Spec.Helm == nil {
		return out, nil
	}
	h := m.Plan.Spec.Helm
	label := func(field string) string { return m.PlanFile + ": spec.helm." + field }
	if h.ValuesObject != nil {
		out = append(out, source{label: label("valuesObject"), values: whole(h.ValuesObject).(map[string]any)}) //nolint:errcheck // a map stays one
	} else if h.Values != "" {
		values, err := decodeValues(label("values"), []byte(h.Values))
		if err != nil {
			return nil, err
		}
		out = append(out, source{label: label("values"), values: values})
	}
	for i, p := range h.Parameters {
		out = append(out, source{label: label(fmt.Sprintf("parameters[%d]", i)), values: parameter(p.Name)})
	}
	for i, p := range h.FileParameters {
		out = append(out, source{label: label(fmt.Sprintf("fileParameters[%d]", i)), values: parameter(p.Name)})
	}
	return out, nil
}

// parameter is what a --set of the name would touch.
func parameter(name string) map[string]any {
	values := map[string]any{}
	// What cannot be parsed is refused by the render.
	_ = strvals.ParseIntoString(name+"=set", values)
	return values
}

func decodeValues(label string, data []byte) (map[string]any, error) {
	values := map[string]any{}
	if err := yaml.Unmarshal(data, &values); err != nil {
		return nil, fmt.Errorf("%s: its values are no YAML mapping: correct the file", label)
	}
	out, _ := whole(values).(map[string]any)
	return out, nil
}

// whole copies a decoded value with whole numbers as int64, as they are written.
func whole(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = whole(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = whole(e)
		}
		return out
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case int:
		return int64(v)
	}
	return v
}

// get returns the value at a path.
func get(values map[string]any, names []string) (any, bool) {
	var v any = values
	for _, name := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// overrides reports whether values decide what stands at the path, whatever an
// earlier source says: they have the key, or no mapping where it leads through.
func overrides(values map[string]any, names []string) bool {
	var v any = values
	for _, name := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return true
		}
		if v, ok = m[name]; !ok {
			return false
		}
	}
	return true
}

// effective is the value that applies at a path, nil where there is none.
func effective(sources []source, names []string) any {
	for _, s := range slices.Backward(sources) {
		if overrides(s.values, names) {
			v, _ := get(s.values, names)
			return v
		}
	}
	return nil
}

// leaf is one value to set. A nil value deletes.
type leaf struct {
	field string // of the marker
	names []string
	value any
}

func leaves(field string, prefix []string, values map[string]any) []leaf {
	var out []leaf
	for _, name := range slices.Sorted(maps.Keys(values)) {
		at := append(slices.Clone(prefix), name)
		l := leaf{field + "." + name, at, whole(values[name])}
		if inner, ok := values[name].(map[string]any); ok && len(inner) > 0 {
			out = append(out, leaves(l.field, at, inner)...)
			continue
		}
		out = append(out, l)
	}
	return out
}

// values merges spec.values into the value files.
func (m *maker) values() error {
	for _, l := range leaves("values", nil, m.Change.Values) {
		if err := m.setLeaf(l); err != nil {
			return m.at(l.field, err)
		}
	}
	return nil
}

// setLeaf edits the last file of the environment that has the key, or else the
// last one, unless something that applies later decides about the key.
func (m *maker) setLeaf(l leaf) error {
	sources, err := m.sources()
	if err != nil {
		return err
	}
	at := -1
	for i, s := range sources {
		if s.inside && (at < 0 || overrides(s.values, l.names) || !overrides(sources[at].values, l.names)) {
			at = i
		}
	}
	if at < 0 {
		return m.fault(l.field, "no value file lies inside %s: add values.yaml, or a file under spec.helm.valueFiles in %s", m.Dir, m.PlanFile)
	}
	for _, s := range sources[at+1:] {
		if overrides(s.values, l.names) {
			return m.fault(l.field, "%s sets %s after %s does: remove it there, or change it there by hand", s.label, strings.Join(l.names, "."), sources[at].label)
		}
	}
	if l.value == nil {
		return m.deleteValue(l, sources, at)
	}
	return m.setValue(l, sources[at])
}

// deleteValue deletes the key in the chart's own values.yaml, and writes null
// elsewhere: that is what makes Helm drop a default.
func (m *maker) deleteValue(l leaf, sources []source, at int) error {
	s, name := sources[at], strings.Join(l.names, ".")
	current, here := get(s.values, l.names)
	switch {
	case here && s.chart:
		return m.tree.apply(s.file, yamledit.Edit{Op: yamledit.Delete, Path: keys(l.names...)})
	case current == nil && overrides(s.values, l.names):
		m.note("%s is null in %s", name, s.file)
	case !slices.ContainsFunc(sources, func(s source) bool { return overrides(s.values, l.names) }):
		m.note("no value file has %s", name)
	default:
		return m.setValue(l, s)
	}
	return nil
}

// setValue writes the value where the file has the key, or adds it below the
// deepest mapping that leads to it.
func (m *maker) setValue(l leaf, s source) error {
	current, here := get(s.values, l.names)
	if empty, ok := l.value.(map[string]any); ok && len(empty) == 0 {
		if _, ok := current.(map[string]any); ok {
			m.note("%s has %s", s.file, strings.Join(l.names, "."))
			return nil
		}
	}
	if here {
		if reflect.DeepEqual(current, l.value) {
			f, err := m.tree.file(s.file)
			if err != nil {
				return err
			}
			m.note("%s has the value in %s%s", strings.Join(l.names, "."), s.file, lineOf(f, 0, keys(l.names...)))
			return nil
		}
		return m.tree.apply(s.file, yamledit.Edit{Op: yamledit.Set, Path: keys(l.names...), Value: l.value})
	}
	depth := 0
	for depth < len(l.names)-1 {
		v, ok := get(s.values, l.names[:depth+1])
		if _, isMap := v.(map[string]any); !ok || !isMap {
			break
		}
		depth++
	}
	op := yamledit.Insert
	if _, exists := get(s.values, l.names[:depth+1]); exists {
		op = yamledit.Set // a null or scalar that gives way to a mapping
	}
	value := l.value
	for _, name := range slices.Backward(l.names[depth+1:]) {
		value = map[string]any{name: value}
	}
	return m.tree.apply(s.file, yamledit.Edit{Op: op, Path: keys(l.names[:depth+1]...), Value: value})
}
