package change

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/yamledit"
)

// deleteValue takes a value away: of the ways to write that, it takes the first
// after which templates see what they would with a null laid over all values. A
// null in a chart's own values.yaml is not what it is in a value file, and which
// default it uncovers or drops is up to the engine.
func (m *maker) deleteValue(l valuePath, sources []source) error {
	var below any
	over := map[string]any{}
	for _, name := range slices.Backward(l.names) {
		over = map[string]any{name: below}
		below = over
	}
	want, err := m.seen(m.tree, over)
	if err != nil {
		return err
	}
	now, err := m.seen(m.tree, nil)
	if err != nil {
		return err
	}
	if reflect.DeepEqual(withoutNulls(want), withoutNulls(now)) {
		m.noteAbsent(l, sources[0])
		return nil
	}
	// Few templates can tell a null from what is not there: that comes second.
	for _, view := range []func(map[string]any) map[string]any{maps.Clone[map[string]any], withoutNulls} {
		for _, s := range sources {
			if done, err := m.remove(l, s, func(now map[string]any) bool { return reflect.DeepEqual(view(want), view(now)) }); done || err != nil {
				return err
			}
		}
	}
	return m.fault(l.field, "no value file inside %s can take %s away, as Helm %s reads them: add a file under spec.helm.valueFiles in %s, or change the chart's default", m.Dir, strings.Join(l.names, "."), m.helmVersion(), m.PlanFile)
}

func (m *maker) helmVersion() string {
	if m.Plan != nil && m.Plan.Spec.Helm != nil {
		return cmp.Or(m.Plan.Spec.Helm.Version, "v3")
	}
	return "v3"
}

// remove takes a value away in one file, if some way to do so is right.
func (m *maker) remove(l valuePath, s source, right func(seen map[string]any) bool) (bool, error) {
	if !s.inside {
		return false, nil
	}
	for _, edit := range m.removals(l, s) {
		trial := *m
		trial.tree = m.tree.fork()
		if err := edit(&trial); err != nil {
			return false, err
		}
		if now, err := m.seen(trial.tree, nil); err == nil && right(now) {
			m.tree.take(trial.tree)
			return true, nil
		}
	}
	return false, nil
}

// removals are the ways to take a value away in one file, the one that leaves the
// least there first.
func (m *maker) removals(l valuePath, s source) []func(*maker) error {
	var out []func(*maker) error
	if _, here := get(s.values, l.names); here && s.chart {
		out = append(out, func(m *maker) error {
			return m.tree.apply(s.file, yamledit.Edit{Document: s.document, Op: yamledit.Delete, Path: keys(l.names...)})
		})
	}
	return append(out, func(m *maker) error { return m.setValue(l, s) })
}

// noteAbsent notes that templates do not see the value already.
func (m *maker) noteAbsent(l valuePath, s source) {
	name := strings.Join(l.names, ".")
	if current, here := get(s.values, l.names); here && current == nil {
		m.note("%s is null in %s", name, s.file)
		return
	}
	m.absent = true
	m.note("no value file has %s", name)
}

// seen are the values that templates see.
func (m *maker) seen(t *tree, over map[string]any) (map[string]any, error) {
	return m.Values(m.FS.With(t.edited), over)
}

// withoutNulls drops nulls, and mappings that held nothing else.
func withoutNulls(values map[string]any) map[string]any {
	out := maps.Clone(values)
	for key, value := range values {
		below, _ := value.(map[string]any)
		held := len(below) > 0
		if held {
			below = withoutNulls(below)
			out[key] = below
		}
		if value == nil || held && len(below) == 0 {
			delete(out, key)
		}
	}
	return out
}
