package render

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/render/variant"
)

// Judges returns the keys of the objects that judge the candidate: those of the
// experiment and, with mode inPlace, the targets of an engine's kind.
func (r *Result) Judges() []object.Key {
	engines := engine.With(r.Plan.Spec.Experiment.Engines)
	objs := append([]*unstructured.Unstructured(nil), r.Injected...)
	for _, t := range r.inPlace {
		if e, ok := engines.Of(t.Candidate); ok && (e.Dated || !e.RunsOnce && rollsOut(t)) {
			objs = append(objs, t.Candidate)
		}
	}
	return engines.Judging(objs)
}

// rollsOut reports whether the change makes the target's controller run the
// candidate. Where it does not, what the target says is of the version before.
func rollsOut(t variant.Target) bool {
	path, ok := object.PodTemplate(t.Candidate)
	if !ok {
		path = []string{"spec"}
	}
	before, _, _ := unstructured.NestedFieldNoCopy(t.Baseline.Object, path...)
	after, _, _ := unstructured.NestedFieldNoCopy(t.Candidate.Object, path...)
	return !object.Equal(before, after)
}

// Unjudged warns of a candidate that nothing would give a verdict on.
func (r *Result) Unjudged() []string {
	if r.Marker == nil || len(r.Judges()) > 0 {
		return nil
	}
	return []string{"nothing judges the candidate: it waits for a person to promote or reject it"}
}
