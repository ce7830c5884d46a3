package change

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// kustomize makes the patch where the environment itself says what the object
// is, and else as an entry of its kustomization. Each edit is proven: what it
// renders is the baseline with the patch applied.
func (t patchTask) kustomize() error {
	k, err := t.overlay()
	if err != nil {
		return err
	}
	base := t.Baseline
	if len(t.tree.edited) > 0 {
		if base, err = t.Render(t.FS.With(t.tree.edited)); err != nil {
			return err
		}
	}
	goals, err := t.goals(base, k)
	if err != nil || len(goals) == 0 {
		return err
	}
	trial := t.on(t.tree.fork())
	if err := trial.each(goals, base, func(g goal, base []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
		return trial.inPlace(k, g, base)
	}); err == nil {
		t.tree.take(trial.tree)
		return nil
	}
	if err := t.whole(k, goals, base); err == nil {
		return nil
	}
	return t.each(goals, base, func(g goal, base []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
		if objs, err := t.inPlace(k, g, base); err == nil {
			return objs, nil
		}
		return t.entry(k, g, base)
	})
}

// goal is a document of the patch and an object that it changes.
type goal struct {
	doc patchDocument
	id  string
}

// goals are what the documents change, each after what those before make.
func (t patchTask) goals(base []*unstructured.Unstructured, k *overlay) ([]goal, error) {
	var out []goal
	for _, d := range t.docs {
		objs, err := t.matched(d, base, k.names)
		if err != nil {
			return nil, err
		}
		for _, o := range objs {
			g := goal{d, ident(o)}
			after, err := t.wanted(base, []goal{g}, kept)
			if err != nil {
				return nil, err
			}
			if len(object.Diff(base, after)) == 0 {
				t.note("%s is as the patch wants it", object.KeyOf(o))
				continue
			}
			out = append(out, g)
		}
	}
	return out, nil
}

// each reaches one goal after the other.
func (t patchTask) each(goals []goal, base []*unstructured.Unstructured, reach func(goal, []*unstructured.Unstructured) ([]*unstructured.Unstructured, error)) error {
	for _, g := range goals {
		var err error
		if base, err = reach(g, base); err != nil {
			return err
		}
	}
	return nil
}

// task is a goal on the objects as they render now.
type task struct {
	doc    patchDocument
	before *unstructured.Unstructured
	after  map[string]any
}

func (t patchTask) task(g goal, base []*unstructured.Unstructured) (task, error) {
	for _, o := range base {
		if g.is(o) {
			after, err := t.apply(g.doc, o.Object, object.KeyOf(o).String(), kept)
			return task{g.doc, o, after}, err
		}
	}
	return task{}, errElsewhere
}

// is reports whether an object is the goal's, whatever its hash is by now.
func (g goal) is(o *unstructured.Unstructured) bool {
	if ident(o) == g.id {
		return true
	}
	was, is := hashed.FindStringSubmatch(g.id), hashed.FindStringSubmatch(ident(o))
	return was != nil && is != nil && was[1] == is[1] && generated(o)
}

// inPlace changes what the environment has of the object already: its own
// resource, a patch of its own, or a generator.
func (t patchTask) inPlace(k *overlay, g goal, base []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	to, err := t.task(g, base)
	if err != nil {
		return nil, err
	}
	err = errElsewhere
	for _, edit := range t.candidateEdits(k, to) {
		var objs []*unstructured.Unstructured
		if objs, err = t.attempt(edit, base, g); err == nil {
			return objs, nil
		}
	}
	return nil, err
}

// edit is an edit that may do what the patch wants, made in the task's tree.
type edit func(patchTask) error

// attempt makes an edit, which stays if it renders as it should.
func (t patchTask) attempt(e edit, base []*unstructured.Unstructured, goals ...goal) ([]*unstructured.Unstructured, error) {
	trial := t.on(t.tree.fork())
	if err := e(trial); err != nil {
		return nil, err
	}
	objs, err := t.Render(t.FS.With(trial.tree.edited))
	if err != nil {
		return nil, fmt.Errorf("the kustomization would not build with the patch: %w", err)
	}
	if err := t.proven(base, objs, goals); err != nil {
		return nil, err
	}
	t.tree.take(trial.tree)
	return objs, nil
}

// on is the task in another tree.
func (t patchTask) on(other *tree) patchTask {
	m := *t.maker
	m.tree = other
	t.maker = &m
	return t
}

// whole adds the patch as it is, as one entry.
func (t patchTask) whole(k *overlay, goals []goal, base []*unstructured.Unstructured) error {
	p := t.patch
	if len(t.docs) == 1 {
		p.Patch = t.docs[0].text
	}
	_, err := t.attempt(func(t patchTask) error { return k.add(t, p) }, base, goals...)
	return err
}

// entry adds an entry for one object. The name is the one that the object has
// before the kustomization's own prefix, suffix and hash.
func (t patchTask) entry(k *overlay, g goal, base []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	to, err := t.task(g, base)
	if err != nil {
		return nil, err
	}
	var reason error
	for _, name := range k.stageNames(to.before) {
		for _, p := range g.doc.entries(to.before, name) {
			objs, err := t.attempt(func(t patchTask) error { return k.add(t, p) }, base, g)
			if err == nil {
				return objs, nil
			}
			if reason == nil {
				reason = err
			}
		}
	}
	return nil, t.fault("", "%s: %w", object.KeyOf(to.before), reason)
}
