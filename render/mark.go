package render

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/render/variant"
)

// mark joins what the stages made, marks what belongs to the experiment, and
// checks the whole. Nothing of it is shared with the baseline's objects.
func (r *run) mark(res *Result, app *stages, injected []*unstructured.Unstructured, warnings []string) error {
	v := app.variant
	candidate := r.files.marker.Metadata.Name
	if r.files.plan.Spec.Candidate.Traffic != "shared" {
		if err := v.Stray(injected); err != nil {
			return err
		}
	}
	wave := variant.Wave(res.Baseline)
	variant.Stamp(v.Objects, res.ID, candidate, wave)
	variant.Stamp(v.Replaced, res.ID, candidate, wave)
	variant.Stamp(injected, res.ID, candidate, wave)
	kept, err := variant.Mark(res.Baseline, r.files.plan, r.files.planFile, app.namespace, res.ID)
	if err != nil {
		return err
	}
	res.kept = replace(kept, v.Replaced)
	res.Variant, res.Replaced, res.Injected = v.Objects, v.Replaced, injected
	if len(v.Replaced) > 0 {
		res.inPlace = v.Targets
	}
	res.bind()
	res.Untested, res.Selected, res.Rewritten = v.Untested, v.Selected, v.Rewritten
	res.Warnings = append(append(append(res.Warnings, v.Warnings...), warnings...), postSync(res.Baseline)...)
	return r.checkOutput(res.Tested(), app.namespace)
}

// bind gives every object that judges the experiment's digest.
func (r *Result) bind() {
	judges := r.Judges()
	for _, o := range append(slices.Clone(r.Injected), r.Replaced...) {
		if slices.Contains(judges, object.KeyOf(o)) {
			variant.Bind(o, r.Digest)
		}
	}
}

// replace puts the candidate's objects in the place of the baseline's.
func replace(objs, with []*unstructured.Unstructured) []*unstructured.Unstructured {
	byKey := map[object.Key]*unstructured.Unstructured{}
	for _, o := range with {
		byKey[object.KeyOf(o)] = o
	}
	out := make([]*unstructured.Unstructured, len(objs))
	for i, o := range objs {
		out[i] = o
		if c := byKey[object.KeyOf(o)]; c != nil {
			out[i] = c
		}
	}
	return out
}

// checkOutput refuses what Argo CD alone would accept, an empty result, objects
// without an identity and duplicates: under test, every object must be the one
// that it seems to be.
func (r *run) checkOutput(objs []*unstructured.Unstructured, namespace string) error {
	if len(objs) == 0 {
		return fmt.Errorf("%s: the environment renders to no objects: there is nothing to test", r.files.markerFile)
	}
	seen := map[object.Key]bool{}
	for _, o := range objs {
		if object.IsHelmTest(o) { // Argo CD never applies it
			continue
		}
		key := object.KeyOf(o)
		if o.GetAPIVersion() == "" || key.Kind == "" || key.Name == "" && o.GetGenerateName() == "" {
			return fmt.Errorf("%s: %s renders an object without apiVersion, kind or name (%s): mend it before testing a candidate",
				r.files.markerFile, r.req.Dir, key)
		}
		if key.Name == "" { // generateName: each is an object of its own
			continue
		}
		if key.Namespace == "" {
			key.Namespace = namespace
		}
		if seen[key] {
			return fmt.Errorf("%s: %s is rendered twice in %s: Argo CD would apply one of them; remove one before testing a candidate",
				r.files.markerFile, key, r.req.Dir)
		}
		seen[key] = true
	}
	return nil
}

// postSync warns of hooks that make Argo CD wait for the experiment.
func postSync(baseline []*unstructured.Unstructured) []string {
	for _, o := range baseline {
		if object.IsPostSync(o) {
			return []string{fmt.Sprintf("%s is a PostSync hook: Argo CD waits for everything to be healthy before it runs, "+
				"so the sync lasts as long as the experiment", object.KeyOf(o))}
		}
	}
	return nil
}
