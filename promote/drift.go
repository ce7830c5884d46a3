package promote

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/drift"
	"github.com/assaydev/assay/render"
)

// Drift finds what of the variant and the experiment is not in a cluster as a tree renders it.
type Drift func(ctx context.Context, res *render.Result) ([]drift.Difference, error)

// Ignored are the rules for what is not compared, as an Application and its Argo CD declare them. An
// error holds: it names what cannot be read.
type Ignored func(context.Context) ([]drift.Ignore, error)

// Schemas reads the OpenAPI document that a cluster publishes of a group and version.
type Schemas func(context.Context, schema.GroupVersion) ([]byte, error)

// LiveDrift compares with what a cluster has. The namespace is that of objects which name none.
// An object that is not there differs only where nothing takes it away by itself, as what runs once is when
// it is done: without a variant, what was measured may be the baseline. Secrets are not read.
func LiveDrift(list List, schemas Schemas, namespace string, ignored Ignored) Drift {
	return func(ctx context.Context, res *render.Result) ([]drift.Difference, error) {
		declared, err := ignored(ctx)
		if err != nil {
			return nil, err
		}
		l := live{list: list, seen: map[query]bool{}}
		rules := drift.Rules{Ignore: append(scaled(res), declared...), Schema: schemas.of()}
		engines := engine.With(res.Plan.Spec.Experiment.Engines)
		var out []drift.Difference
		for i, o := range slices.Concat(res.Variant, res.Injected) {
			if o.GetKind() == "Secret" && o.GroupVersionKind().Group == "" {
				continue
			}
			want := o.DeepCopy()
			if want.GetNamespace() == "" {
				want.SetNamespace(namespace)
			}
			if err := l.add(ctx, want.GroupVersionKind(), want.GetNamespace(), labels.Set{engine.ExperimentLabel: res.ID}); err != nil {
				return nil, fmt.Errorf("compare %s with what Git renders: %w", object.KeyOf(want), err)
			}
			there := object.Find(l.found, object.KeyOf(want))
			for _, found := range there {
				differences, err := drift.Of(ctx, want, found, rules)
				if err != nil {
					return nil, err
				}
				out = append(out, differences...)
			}
			if len(there) == 0 && i < len(res.Variant) && stays(want, engines) {
				out = append(out, drift.Missing(want, engine.ExperimentLabel))
			}
		}
		return out, nil
	}
}

// of asks for each document once.
func (s Schemas) of() func(context.Context, schema.GroupVersionKind) (*drift.Schema, error) {
	if s == nil {
		return nil
	}
	documents := map[schema.GroupVersion][]byte{}
	return func(ctx context.Context, kind schema.GroupVersionKind) (*drift.Schema, error) {
		data, read := documents[kind.GroupVersion()]
		if !read {
			var err error
			if data, err = s(ctx, kind.GroupVersion()); err != nil {
				return nil, err
			}
			documents[kind.GroupVersion()] = data
		}
		return drift.ParseSchema(data, kind)
	}
}

// stays reports whether an object that was applied is there until somebody deletes it: nothing runs it once,
// and Argo CD does not delete it as a hook.
func stays(o *unstructured.Unstructured, engines engine.Set) bool {
	e, judges := engines.Of(o)
	isPod := o.GetKind() == "Pod" && o.GroupVersionKind().Group == ""
	return !isPod && (!judges || !e.RunsOnce) && !object.IsHook(o)
}

// scaled are rules for the replicas of workloads that a HorizontalPodAutoscaler sets.
func scaled(res *render.Result) []drift.Ignore {
	var out []drift.Ignore
	for _, o := range res.Output() {
		if o.GetKind() != "HorizontalPodAutoscaler" {
			continue
		}
		target, _, _ := unstructured.NestedStringMap(o.Object, "spec", "scaleTargetRef")
		group := schema.FromAPIVersionAndKind(target["apiVersion"], "").Group
		out = append(out, drift.Ignore{From: "the HorizontalPodAutoscaler " + o.GetName(), Group: group, Kind: target["kind"], Name: target["name"], Pointers: []string{"/spec/replicas"}})
	}
	return out
}

// Compared is a decider that promotes only what is in the cluster as the tree renders it.
func Compared(decide Decider, find Drift) Decider {
	return Decider{decide.Wanted, func(ctx context.Context, tip Tip) (Choice, error) {
		c, err := decide.Choose(ctx, tip)
		if err != nil {
			return c, err
		}
		return drifted(ctx, c, tip.Rendered, find)
	}}
}

// drifted holds a promotion of what is not in the cluster as the tree renders it: something else
// was measured. A rejection it leaves: that only takes back.
func drifted(ctx context.Context, c Choice, res *render.Result, find Drift) (Choice, error) {
	if find == nil || c.Held != "" || c.Outcome != decision.Promote {
		return c, nil
	}
	differences, err := find(ctx, res)
	if err != nil || len(differences) == 0 {
		return c, err
	}
	c.Held, c.Reason = decision.Hold, Differs(differences)
	return c, nil
}

// Differs says why nothing is promoted while there are differences, and what helps.
func Differs(differences []drift.Difference) string {
	var list []string
	for _, d := range differences[:min(len(differences), 5)] {
		list = append(list, d.String())
	}
	return fmt.Sprintf("what was tested is not what Git renders: %s; sync it again, or add spec.ignoreDifferences to the Application for what another controller writes", excerpt.Cut(strings.Join(list, "; "), 1000))
}
