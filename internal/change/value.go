package change

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/yamledit"
)

// valuePath is one value to set. A nil value deletes.
type valuePath struct {
	field string // of the marker
	names []string
	value any
}

func valuePaths(field string, prefix []string, values map[string]any) []valuePath {
	var out []valuePath
	for _, name := range slices.Sorted(maps.Keys(values)) {
		at := append(slices.Clone(prefix), name)
		l := valuePath{field + "." + name, at, whole(values[name])}
		if inner, ok := values[name].(map[string]any); ok && len(inner) > 0 {
			out = append(out, valuePaths(l.field, at, inner)...)
			continue
		}
		out = append(out, l)
	}
	return out
}

// values merges spec.values into the value files.
func (m *maker) values() error {
	for _, l := range valuePaths("values", nil, m.Change.Values) {
		err := m.reserve(l)
		if err == nil {
			err = m.part(l.field, func() error { return m.chooseFile(l) })
		}
		if err != nil {
			return m.at(l.field, err)
		}
	}
	return nil
}

// reserve refuses a value that another part of the change decides about as well.
func (m *maker) reserve(l valuePath) error {
	for _, other := range m.claimed {
		both := min(len(l.names), len(other.names))
		same := len(l.names) == len(other.names) && reflect.DeepEqual(l.value, other.value)
		if slices.Equal(l.names[:both], other.names[:both]) && !same {
			return m.fault(l.field, "%s contradicts spec.%s, which sets %s: keep one of the two", strings.Join(l.names, "."), other.field, strings.Join(other.names, "."))
		}
	}
	m.claimed = append(m.claimed, l)
	return nil
}

// chooseFile edits the last file of the environment that has the key, or else the
// last one, unless something that applies later decides about the key.
func (m *maker) chooseFile(l valuePath) error {
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
		return m.deleteValue(l, sources[at:])
	}
	return m.setValue(l, sources[at])
}

// setValue writes the value where the file has the key, or adds it below the
// deepest mapping that leads to it.
func (m *maker) setValue(l valuePath, s source) error {
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
			m.note("%s has the value in %s%s", strings.Join(l.names, "."), s.file, lineOf(f, s.document, keys(l.names...)))
			return nil
		}
		return m.tree.apply(s.file, yamledit.Edit{Document: s.document, Op: yamledit.Set, Path: keys(l.names...), Value: l.value})
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
	return m.tree.apply(s.file, yamledit.Edit{Document: s.document, Op: op, Path: keys(l.names[:depth+1]...), Value: value})
}
