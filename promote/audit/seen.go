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

// later is what was seen last of each object: now, or before. A target that one
// commit removes and a later one brings back is the same target.
func later(now objects, before ...objects) objects {
	out := objects{}
	for _, b := range slices.Backward(before) {
		maps.Copy(out, b)
	}
	maps.Copy(out, now)
	return out
}

// before is what was seen of each object up to a commit. One that does not stand on
// the base may lack the environment: the base's counts then.
func (a *audit) before(ctx context.Context, commit string) (objects, error) {
	if seen, ok := a.seen[commit]; ok {
		return seen, nil
	}
	res, err := a.at(ctx, commit)
	if err != nil {
		return nil, err
	}
	a.seen[commit] = later(objectsOf(res), objectsOf(a.base))
	return a.seen[commit], nil
}

// altered are the targets that are there now, and are as none of the parents had
// them. One that no parent ever had is new.
func (a *audit) altered(now *render.Result, parents ...objects) []object.Key {
	if now == nil {
		return nil
	}
	var out []object.Key
	current := objectsOf(now)
	for _, o := range a.targets(now) {
		kind, known, same := anywhere(o), false, false
		for _, p := range parents {
			was, ok := p[kind]
			known = known || ok
			same = same || ok && len(object.Diff(was, current[kind])) == 0
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
