package promote

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/render"
)

// Objects finds the objects of the experiment that a tree has under test. None
// are an experiment that is not there yet.
type Objects func(ctx context.Context, res *render.Result) ([]*unstructured.Unstructured, error)

// Saved is objects that someone saved, whatever is under test.
func Saved(objs []*unstructured.Unstructured) Objects {
	return func(context.Context, *render.Result) ([]*unstructured.Unstructured, error) { return objs, nil }
}

// List reads the objects of a kind that have a label, from one namespace of a
// cluster.
type List func(ctx context.Context, kind schema.GroupVersionKind, namespace, selector string) ([]*unstructured.Unstructured, error)

// Live is the objects of a cluster: of each kind that judges, those with the
// experiment's label, the Jobs that carry a judge's result, and what a judge owns and has
// measured. The namespace is that of objects which name none.
func Live(list List, namespace string) Objects {
	return func(ctx context.Context, res *render.Result) ([]*unstructured.Unstructured, error) {
		judges, err := judging(res, namespace)
		if err != nil {
			return nil, err
		}
		l := live{list: list, seen: map[query]bool{}}
		for _, j := range judges {
			if err := l.add(ctx, j.GroupVersionKind(), j.GetNamespace(), labels.Set{engine.ExperimentLabel: res.ID}); err != nil {
				return nil, err
			}
		}
		// The variant may hold objects of such a kind too.
		l.found = slices.DeleteFunc(l.found, func(o *unstructured.Unstructured) bool {
			return !slices.ContainsFunc(judges, func(j *unstructured.Unstructured) bool { return object.KeyOf(j) == object.KeyOf(o) })
		})
		engines := engine.With(res.Plan.Spec.Experiment.Engines)
		for _, j := range judges {
			e, _ := engines.Of(j)
			if children := e.ChildLabels(j.GetName()); children != nil {
				if err := l.add(ctx, engine.ChildKind(), j.GetNamespace(), children); err != nil {
					return nil, err
				}
			}
			if e.Measures != "" {
				l.addMeasured(ctx, e.Measures, object.KeyOf(j))
			}
		}
		return l.found, ctx.Err()
	}
}

// judging are the objects that judge as the tree has them, each in its namespace.
func judging(res *render.Result, namespace string) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	keys := res.Judges()
	engines := engine.With(res.Plan.Spec.Experiment.Engines)
	for _, o := range res.Tested() {
		key := object.KeyOf(o)
		if !slices.Contains(keys, key) {
			continue
		}
		if e, _ := engines.Of(o); e.ReadsChildren() && e.ChildLabels(o.GetName()) == nil {
			return nil, fmt.Errorf("find %s in the cluster: its engine reads children, and nothing says of which kind they are: pass them with it, as kubectl get -o yaml prints them", key)
		}
		o = o.DeepCopy()
		if o.GetNamespace() == "" {
			o.SetNamespace(namespace)
		}
		if o.GetNamespace() == "" {
			return nil, &MissingError{InputNamespace, fmt.Sprintf("find %s in the cluster: it names no namespace: give the one that the Application deploys to", key)}
		}
		out = append(out, o)
	}
	return out, nil
}

// query is one list that is asked for.
type query struct {
	kind                schema.GroupVersionKind
	namespace, selector string
}

// live collects objects, and asks for nothing twice.
type live struct {
	list  List
	seen  map[query]bool
	found []*unstructured.Unstructured
}

func (l *live) add(ctx context.Context, kind schema.GroupVersionKind, namespace string, with labels.Set) error {
	q := query{kind, namespace, with.String()}
	if l.seen[q] {
		return nil
	}
	l.seen[q] = true
	objs, err := l.list(ctx, q.kind, q.namespace, q.selector)
	l.found = append(l.found, objs...)
	return err
}

// addMeasured adds the objects of a kind that a judge owns: what makes them gives them no
// label to find them by. They are for people to look at and decide nothing, so that an
// account which may not list them holds nothing up.
func (l *live) addMeasured(ctx context.Context, kind string, key object.Key) {
	i := slices.IndexFunc(l.found, func(o *unstructured.Unstructured) bool { return object.KeyOf(o) == key })
	if i < 0 {
		return
	}
	owner := l.found[i]
	objs, err := l.list(ctx, owner.GroupVersionKind().GroupVersion().WithKind(kind), key.Namespace, "")
	if err != nil {
		return
	}
	for _, o := range objs {
		known := slices.ContainsFunc(l.found, func(f *unstructured.Unstructured) bool { return object.KeyOf(f) == object.KeyOf(o) })
		if owner.GetUID() != "" && metav1.IsControlledBy(o, owner) && !known {
			l.found = append(l.found, o)
		}
	}
}

// absent says that the cluster does not have what judges.
func absent(res *render.Result) string {
	var names []string
	for _, key := range res.Judges() {
		names = append(names, key.String())
	}
	return "the cluster has no object of it yet: expected " + strings.Join(names, ", ")
}
