package change

import (
	"fmt"
	"maps"
	"slices"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/yamledit"
)

// difference is the least that turns one value into another, as edits of the
// document that holds the first at the path.
func difference(at yamledit.Path, before, after any) []yamledit.Edit {
	d := &differ{}
	d.value(at, before, after)
	return d.edits
}

type differ struct{ edits []yamledit.Edit }

func (d *differ) add(op yamledit.Op, at yamledit.Path, value any) {
	d.edits = append(d.edits, yamledit.Edit{Op: op, Path: at, Value: value})
}

func (d *differ) value(at yamledit.Path, before, after any) {
	if object.Equal(before, after) {
		return
	}
	switch was := before.(type) {
	case map[string]any:
		if is, ok := after.(map[string]any); ok {
			d.mapping(at, was, is)
			return
		}
	case []any:
		if is, ok := after.([]any); ok && len(was)*len(is) <= mostPairs {
			d.list(at, was, is)
			return
		}
	}
	d.add(yamledit.Set, at, after)
}

func (d *differ) mapping(at yamledit.Path, before, after map[string]any) {
	for _, k := range sorted(maps.Keys(before)) {
		if v, ok := after[k]; ok {
			d.value(step(at, yamledit.Key(k)), before[k], v)
		} else {
			d.add(yamledit.Delete, step(at, yamledit.Key(k)), nil)
		}
	}
	for _, k := range sorted(maps.Keys(after)) {
		if _, ok := before[k]; !ok {
			d.add(yamledit.Insert, step(at, yamledit.Key(k)), after[k])
		}
	}
}

// mostPairs bounds the time and memory that matching two lists takes.
const mostPairs = 1 << 20

// list pairs items that are the same item, and those between them in order.
// What is left of a list goes or comes by itself.
func (d *differ) list(at yamledit.Path, before, after []any) {
	field := keyField(before, after)
	i, j := 0, 0
	for _, pair := range append(match(identities(field, before), identities(field, after)), [2]int{len(before), len(after)}) {
		for ; i < pair[0] && j < pair[1]; i, j = i+1, j+1 {
			d.value(item(at, field, before, i), before[i], after[j])
		}
		for ; i < pair[0]; i++ {
			d.add(yamledit.Delete, item(at, field, before, i), nil)
		}
		for ; j < pair[1]; j++ {
			d.add(yamledit.Insert, step(at, yamledit.Index(pair[0])), after[j])
		}
		if i < len(before) && j < len(after) {
			d.value(item(at, field, before, i), before[i], after[j])
			i, j = i+1, j+1
		}
	}
}

// item addresses a list's item by its name where it has one.
func item(at yamledit.Path, field string, list []any, i int) yamledit.Path {
	if m, ok := list[i].(map[string]any); ok && field != "" {
		if value, ok := m[field].(string); ok && value != "" {
			return step(at, yamledit.Item(field, value))
		}
	}
	return step(at, yamledit.Index(i))
}

func step(at yamledit.Path, s yamledit.Step) yamledit.Path { return append(slices.Clone(at), s) }

// keyFields are what tells one item of a list from another in Kubernetes'
// schemas, the usual first.
var keyFields = []string{"name", "mountPath", "devicePath", "containerPort", "port", "key", "ip", "host", "topologyKey", "uid", "type", "kind", "path", "image"}

// keyField is the field that tells all items of both lists apart; empty where none does.
func keyField(lists ...[]any) string {
	for _, field := range keyFields {
		if !slices.ContainsFunc(lists, func(list []any) bool { return !distinct(field, list) }) {
			return field
		}
	}
	return ""
}

func distinct(field string, list []any) bool {
	seen := map[any]bool{}
	for _, e := range list {
		m, _ := e.(map[string]any)
		switch v := m[field].(type) {
		case string, int64:
			if seen[v] {
				return false
			}
			seen[v] = true
		default:
			return false
		}
	}
	return true
}

// identities are what items are matched by: their key, or all that they hold.
func identities(field string, list []any) []string {
	out := make([]string, len(list))
	for i, e := range list {
		if m, ok := e.(map[string]any); ok && field != "" {
			e = m[field]
		}
		out[i] = fmt.Sprintf("%T %v", e, e)
	}
	return out
}

// match is a longest common subsequence, as pairs of positions.
func match(a, b []string) [][2]int {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	// longest[i][j] is that of the rests from i and j.
	longest := make([][]int32, len(a)+1)
	for i := range longest {
		longest[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= head; i-- {
		for j := len(b) - 1; j >= head; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var out [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}
