package object

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Merge makes in ours the change from base to theirs, object by object and
// field by field. Items of a list are matched by their names where all have
// one; other lists are one value. The second result are the objects on which
// both sides changed the same thing to different values; of them, the first
// result has ours. Both are sorted by key.
func Merge(base, ours, theirs []*unstructured.Unstructured) (merged []*unstructured.Unstructured, conflicts []Key) {
	was, is, want := byIdentity(base), byIdentity(ours), byIdentity(theirs)
	ids := map[identity]bool{}
	for _, set := range []map[identity][]*unstructured.Unstructured{was, is, want} {
		for id := range set {
			ids[id] = true
		}
	}
	for id := range ids {
		objs, ok := mergeObjects(was[id], is[id], want[id])
		if !ok {
			objs, conflicts = is[id], append(conflicts, id.Key)
		}
		merged = append(merged, objs...)
	}
	slices.SortFunc(conflicts, Key.compare)
	slices.SortStableFunc(merged, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(KeyOf(a).compare(KeyOf(b)), cmp.Compare(a.GetGenerateName(), b.GetGenerateName()))
	})
	return merged, conflicts
}

// mergeObjects merges what shares an identity. Several of them are one value.
func mergeObjects(base, ours, theirs []*unstructured.Unstructured) ([]*unstructured.Unstructured, bool) {
	switch {
	case sameObjects(base, ours):
		return theirs, true
	case sameObjects(base, theirs), sameObjects(ours, theirs):
		return ours, true
	case len(base) != 1 || len(ours) != 1 || len(theirs) != 1:
		return nil, false
	}
	m, ok := mergeMaps(base[0].Object, ours[0].Object, theirs[0].Object)
	return []*unstructured.Unstructured{{Object: m}}, ok
}

func sameObjects(a, b []*unstructured.Unstructured) bool {
	left, right := cancel(a, b)
	return len(left)+len(right) == 0
}

// field is what a map holds under a key, or nothing.
type field struct {
	value any
	set   bool
}

func fieldOf(m map[string]any, key string) field {
	value, ok := m[key]
	return field{value, ok}
}

func (f field) equal(g field) bool { return f.set == g.set && (!f.set || Equal(f.value, g.value)) }

func merge(base, ours, theirs field) (field, bool) {
	switch {
	case base.equal(ours):
		return theirs, true
	case base.equal(theirs), ours.equal(theirs):
		return ours, true
	}
	if b, o, t, ok := all[map[string]any](base, ours, theirs); ok {
		m, ok := mergeMaps(b, o, t)
		return field{m, true}, ok
	}
	if b, o, t, ok := all[[]any](base, ours, theirs); ok {
		list, ok := mergeLists(b, o, t)
		return field{list, true}, ok
	}
	return field{}, false
}

// all are three values of one type.
func all[T any](base, ours, theirs field) (b, o, t T, ok bool) {
	b, isB := base.value.(T)
	o, isO := ours.value.(T)
	t, isT := theirs.value.(T)
	return b, o, t, isB && isO && isT
}

func mergeMaps(base, ours, theirs map[string]any) (map[string]any, bool) {
	out := map[string]any{}
	for _, m := range []map[string]any{base, ours, theirs} {
		for key := range m {
			f, ok := merge(fieldOf(base, key), fieldOf(ours, key), fieldOf(theirs, key))
			if !ok {
				return nil, false
			}
			if f.set {
				out[key] = f.value
			}
		}
	}
	return out, true
}

// mergeLists merges lists of which one side alone adds, removes or moves items.
func mergeLists(base, ours, theirs []any) ([]any, bool) {
	was, before, okB := named(base)
	is, now, okO := named(ours)
	want, after, okT := named(theirs)
	if !okB || !okO || !okT {
		return nil, false
	}
	order := now
	if slices.Equal(before, now) {
		order = after
	} else if !slices.Equal(before, after) {
		return nil, false
	}
	items, ok := mergeMaps(was, is, want)
	if !ok || len(items) != len(order) {
		return nil, false
	}
	var out []any
	for _, name := range order {
		out = append(out, items[name])
	}
	return out, true
}

// named are a list's items by name, if all have one of their own, and the names
// in order.
func named(list []any) (items map[string]any, names []string, ok bool) {
	items = map[string]any{}
	for _, item := range list {
		m, _ := item.(map[string]any)
		name, isText := m["name"].(string)
		if _, taken := items[name]; taken || !isText {
			return nil, nil, false
		}
		items[name], names = item, append(names, name)
	}
	return items, names, true
}
