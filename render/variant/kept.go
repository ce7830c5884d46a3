package variant

import (
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/kustomize/api/resource"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
)

// altered is a field of a clone that the change alters, and what the plan's
// patches make of it. A patch that undoes the change would have the baseline
// tested against itself.
type altered struct {
	clone   int
	steps   []step
	was, is any // the baseline's and the candidate's
	first   any // before the patches
	now     any
	patch   int // the last patch that set it, or -1
}

// step is a key of a mapping, or the name of an item of a list.
type step struct {
	key  string
	item bool
}

// watch lists the fields that the change alters, before any patch.
func (b *build) watch() []*altered {
	var out []*altered
	for i, p := range b.clones {
		if p.before == nil || p.role == peerPolicy {
			continue
		}
		for _, a := range compare(nil, body(p.before.Object), body(p.after.Object)) {
			a.clone, a.patch = i, -1
			a.first = a.in(p.out.Object)
			a.now = a.first
			out = append(out, a)
		}
	}
	return out
}

// body is what an object says beside its own metadata: law 5 asks no more.
func body(content map[string]any) map[string]any {
	rest := maps.Clone(content)
	delete(rest, "metadata")
	delete(rest, "status")
	return rest
}

// see notes what one patch did to the fields.
func see(fields []*altered, made []*resource.Resource, patch int) {
	contents := map[int]map[string]any{}
	for _, a := range fields {
		content, ok := contents[a.clone]
		if !ok && !made[a.clone].IsNilOrEmpty() {
			// What is not an object any more is refused elsewhere.
			content, _ = plain(made[a.clone].DeepCopy())
			contents[a.clone] = content
		}
		if now := a.in(content); !object.Equal(now, a.now) {
			a.now, a.patch = now, patch
		}
	}
}

// checkKept refuses patches that undo the change: that give a field the
// baseline's value again, or leave nothing of the change in an object. It warns
// of those that put a third value over the candidate's.
func (b *build) checkKept(fields []*altered) error {
	kept := map[int]bool{}
	for _, a := range fields {
		kept[a.clone] = kept[a.clone] || a.kept(a.now)
	}
	for _, a := range fields {
		p := b.clones[a.clone]
		if a.patch < 0 || p.out == nil || object.Equal(a.now, a.first) {
			continue
		}
		at := fmt.Sprintf("candidate.patches[%d]", a.patch)
		switch path := excerpt.Cut(a.path(), longestText); {
		case object.Equal(a.now, a.was):
			return b.fail(at, "gives %s of %s the baseline's value again, so the experiment would not test the change; take it out of the patch", path, name(p.out))
		case !a.kept(a.first) || a.kept(a.now):
		case !kept[a.clone]:
			return b.fail(at, "leaves nothing of the change in %s: it sets %s, which the change alters; take it out of the patch", name(p.out), path)
		default:
			b.warn("%s: spec.%s sets %s of %s, which the change alters too: that part of the change is not tested", b.file, at, path, name(p.out))
		}
	}
	return nil
}

// kept reports whether a value is the candidate's. A list that got or lost items
// still is, unless it is the baseline's.
func (a *altered) kept(value any) bool {
	if object.Equal(value, a.is) {
		return true
	}
	_, list := a.is.([]any)
	_, still := value.([]any)
	return list && still && !object.Equal(value, a.was)
}

// in returns the field's value in an object, or nil.
func (a *altered) in(content map[string]any) any {
	var v any = content
	for _, s := range a.steps {
		switch x := v.(type) {
		case map[string]any:
			if s.item {
				return nil
			}
			v = x[s.key]
		case []any:
			if !s.item {
				return nil
			}
			items, _ := byName(x)
			v = items[s.key]
		default:
			return nil
		}
	}
	return v
}

func (a *altered) path() string {
	at := ""
	for _, s := range a.steps {
		if s.item {
			at += "[" + s.key + "]"
		} else {
			at = field(at, s.key)
		}
	}
	return at
}

// compare lists the fields in which two values differ. Items of lists go by
// their names, since patches may add others before them; a list of items
// without names is one field.
func compare(at []step, was, is any) []*altered {
	if object.Equal(was, is) {
		return nil
	}
	before, after, item := members(was, is)
	keys := map[string]bool{}
	for _, m := range []map[string]any{before, after} {
		for k := range m {
			keys[k] = true
		}
	}
	var out []*altered
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		out = append(out, compare(append(at[:len(at):len(at)], step{k, item}), before[k], after[k])...)
	}
	if len(keys) == 0 {
		out = []*altered{{steps: at, was: was, is: is}}
	}
	return out
}

// members returns what two values hold under names, where both do. What is
// missing holds nothing.
func members(was, is any) (before, after map[string]any, item bool) {
	before, wasMap := was.(map[string]any)
	after, isMap := is.(map[string]any)
	if (wasMap || was == nil) && (isMap || is == nil) {
		return before, after, false
	}
	x, wasList := was.([]any)
	y, isList := is.([]any)
	if (wasList || was == nil) && (isList || is == nil) {
		before, wasNamed := byName(x)
		after, isNamed := byName(y)
		if wasNamed && isNamed {
			return before, after, true
		}
	}
	return nil, nil, false
}

// byName returns the items of a list by their names, and whether all have one
// of their own.
func byName(list []any) (items map[string]any, all bool) {
	items, all = map[string]any{}, true
	for _, v := range list {
		m, _ := v.(map[string]any)
		n, ok := m["name"].(string)
		if _, twice := items[n]; !ok || twice {
			all = false
			continue
		}
		items[n] = v
	}
	return items, all
}
