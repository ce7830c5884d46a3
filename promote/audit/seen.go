package audit

import (
	"context"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/render"
)

// objects are those of a baseline by what they are, whatever their namespace: an
// object that names its namespace from now on is not a new one.
type objects map[object.Key][]*unstructured.Unstructured

// objectsOf are those of a render; none where there was no environment.
func objectsOf(res *render.Result) objects {
	out := objects{}
	if res == nil {
		return out
	}
	for _, o := range res.Baseline {
		out[anywhere(o)] = append(out[anywhere(o)], o)
	}
	return out
}

func anywhere(o *unstructured.Unstructured) object.Key {
	key := object.KeyOf(o)
	key.Namespace = ""
	return key
}

// past is what was seen up to a commit. Old are the objects that are there as a commit
// before the base has them, and not as the base has them: a branch that left the line
// before the base still has those, and may not bring them back.
type past struct {
	objects
	old map[object.Key]bool
}

// later is what was seen last of each object: now, or before. A target that one
// commit removes and a later one brings back is the same target.
func later(now objects, before ...past) past {
	out := past{objects{}, map[object.Key]bool{}}
	for _, b := range slices.Backward(before) {
		maps.Copy(out.objects, b.objects)
	}
	maps.Copy(out.objects, now)
	for _, b := range before {
		for key := range b.old {
			out.old[key] = out.old[key] || isOld(before, key) && alike(b.objects[key], out.objects[key])
		}
	}
	return out
}

// isOld reports whether all that have the object have it from before the base.
func isOld(list []past, key object.Key) bool {
	return !slices.ContainsFunc(list, func(p past) bool { return p.objects[key] != nil && !p.old[key] })
}

func alike(a, b []*unstructured.Unstructured) bool { return len(object.Diff(a, b)) == 0 }

// before is what was seen of each object up to a commit. One that does not stand on
// the base may lack the environment: the base's counts then.
func (a *audit) before(ctx context.Context, commit string) (past, error) {
	if seen, ok := a.seen[commit]; ok {
		return seen, nil
	}
	res, err := a.at(ctx, commit)
	if err != nil {
		return past{}, err
	}
	base := objectsOf(a.base)
	seen := later(objectsOf(res), past{objects: base})
	for key, is := range base {
		if !alike(is, seen.objects[key]) {
			seen.old[key] = true
		}
	}
	a.seen[commit] = seen
	return seen, nil
}

// altered are the targets that are there now, and are as none of the parents had
// them. One that no parent ever had is new. What a parent has from before the base does
// not count beside one that has it since.
func (a *audit) altered(now *render.Result, parents ...past) []object.Key {
	if now == nil {
		return nil
	}
	var out []object.Key
	current := objectsOf(now)
	for _, o := range a.targets(now) {
		kind, known, same := anywhere(o), false, false
		for _, p := range parents {
			was, ok := p.objects[kind]
			known = known || ok
			same = same || ok && (!p.old[kind] || isOld(parents, kind)) && alike(was, current[kind])
		}
		if known && !same && !slices.ContainsFunc(out, func(k object.Key) bool { k.Namespace = ""; return k == kind }) {
			out = append(out, object.KeyOf(o))
		}
	}
	return out
}

// targets are the objects that a plan puts under test: their own one, that of the
// base, or the newest.
func (a *audit) targets(res *render.Result) []*unstructured.Unstructured {
	out := render.UnderTest(res.Plan, res.Baseline)
	for _, plan := range a.plans {
		for _, o := range render.UnderTest(plan, res.Baseline) {
			if !slices.Contains(out, o) {
				out = append(out, o)
			}
		}
	}
	return out
}
