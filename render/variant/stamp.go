package variant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// What marks the objects of an experiment.
const (
	ExperimentLabel     = engine.ExperimentLabel
	CandidateAnnotation = "assay.dev/candidate"
)

const (
	ignoreHealth = "argocd.argoproj.io/ignore-healthcheck"
	syncWave     = "argocd.argoproj.io/sync-wave"
)

// Stamp marks the variant's and the experiment's objects, in place, on their
// own metadata alone: the ID, the candidate's name, no part in the
// application's health, and the wave. Never call it with the baseline's objects.
func Stamp(objs []*unstructured.Unstructured, id, candidate string, wave int) {
	for _, o := range objs {
		makeMap(o.Object, "metadata", "labels")[ExperimentLabel] = id
		annotations := makeMap(o.Object, "metadata", "annotations")
		annotations[ignoreHealth] = "true"
		delete(annotations, CandidateAnnotation)
		delete(annotations, digest.Annotation)
		if candidate != "" {
			annotations[CandidateAnnotation] = candidate
		}
		delete(annotations, syncWave)
		if wave != 0 {
			annotations[syncWave] = strconv.Itoa(wave)
		}
	}
}

// Bind marks what judges with the digest of the experiment: a verdict counts for
// nothing else. Like Stamp, it is never called with the baseline's objects.
func Bind(o *unstructured.Unstructured, tested digest.Digest) {
	makeMap(o.Object, "metadata", "annotations")[digest.Annotation] = string(tested)
}

// Wave returns the last sync wave that the baseline uses. Everything of an
// experiment goes there: Argo CD waits for each wave but the last, and must
// never wait for a candidate. Hooks of other phases have waves of their own.
func Wave(baseline []*unstructured.Unstructured) int {
	last, found := 0, false
	for _, o := range baseline {
		if object.IsHelmTest(o) || object.IsHook(o) && !isSyncHook(o) {
			continue
		}
		if wave := object.SyncWave(o); !found || wave > last {
			last, found = wave, true
		}
	}
	return last
}

// isSyncHook reports whether the hook runs in the phase that applies the objects.
func isSyncHook(o *unstructured.Unstructured) bool {
	phases := strings.Split(o.GetAnnotations()["argocd.argoproj.io/hook"], ",")
	return slices.ContainsFunc(phases, func(p string) bool { return strings.TrimSpace(p) == "Sync" })
}

// Mark returns the baseline with the ID's label on the objects under the
// plan's routing, so that the end of the experiment re-applies them and
// resets what it changed in the cluster. The objects passed in stay as they are.
func Mark(baseline []*unstructured.Unstructured, plan *spec.Plan, file, namespace, id string) ([]*unstructured.Unstructured, error) {
	if plan == nil || len(plan.Spec.Routing) == 0 {
		return baseline, nil
	}
	s := newSet(baseline, namespace)
	marked := map[*unstructured.Unstructured]bool{}
	for i, r := range plan.Spec.Routing {
		o, reason := s.lookUp(r)
		if reason != "" {
			return nil, fmt.Errorf("%s: spec.routing[%d]: %s", file, i, reason)
		}
		marked[o] = true
	}
	out := slices.Clone(baseline)
	for i, o := range out {
		if marked[o] {
			out[i] = o.DeepCopy()
			makeMap(out[i].Object, "metadata", "labels")[ExperimentLabel] = id
		}
	}
	return out, nil
}
