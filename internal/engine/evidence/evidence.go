// Package evidence reads the metrics that an experiment's verdict rests on, for
// people to look at: they decide nothing.
//
//  1. Metrics finds the reader of the object's kind.
//  2. The reader takes what the status has: values, limits, what passed
//     (iter8.go, iter8document.go, analysis.go, flagger.go, job.go).
//  3. Texts are cut to one short line (value.go).
//
// Objects are as the cluster, or anyone else, gave them. What is missing or of
// another type gives no row.
package evidence

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
)

// Metric is one thing that an engine looked at. All texts are one line. Of
// those that the engine does not tell, the text is empty.
type Metric struct {
	Name      string `json:"name"`
	Candidate string `json:"candidate,omitempty"` // what was measured
	Baseline  string `json:"baseline,omitempty"`  // the same of the baseline, beside it
	Unit      string `json:"unit,omitempty"`      // of both
	Limit     string `json:"limit,omitempty"`     // what the candidate must keep
	Passed    *bool  `json:"passed,omitempty"`    // nil where it counts neither way
	Note      string `json:"note,omitempty"`      // how often it was measured, a dry run ...
	Source    string `json:"source"`              // the object, as Kind/namespace/name
}

// Source is one object that judges, and what goes with it.
type Source struct {
	Object    *unstructured.Unstructured
	Children  []*unstructured.Unstructured // that carry its result, as internal/engine says
	Document  map[string]any               // what a Secret or ConfigMap holds in the place of a status
	Candidate string                       // what the object calls the candidate, where it tells versions apart
}

// Metrics returns the object's rows in the order of its criteria; none for a
// kind that is not known.
func Metrics(s Source) []Metric {
	read := reader(s.Object.GroupVersionKind().GroupKind())
	if read == nil {
		return nil
	}
	rows := read(s)
	for i := range rows {
		if rows[i].Source == "" {
			rows[i].Source = title(s.Object)
		}
	}
	return rows
}

func reader(kind schema.GroupKind) func(Source) []Metric {
	switch kind {
	case schema.GroupKind{Group: "iter8.tools", Kind: "Experiment"}:
		return iter8
	case schema.GroupKind{Kind: "Secret"}:
		return iter8Document
	case schema.GroupKind{Group: "argoproj.io", Kind: "AnalysisRun"}:
		return analysisRun
	case schema.GroupKind{Group: "argoproj.io", Kind: "Experiment"}:
		return argoExperiment
	case schema.GroupKind{Group: "argoproj.io", Kind: "Rollout"}:
		return rollout
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		return job
	case schema.GroupKind{Group: "k6.io", Kind: "TestRun"}:
		return testRun
	case schema.GroupKind{Group: "flagger.app", Kind: "Canary"}:
		return canary
	}
	return nil
}

func title(o *unstructured.Unstructured) string {
	return excerpt.Of(object.KeyOf(o).String(), longestText)
}

func passed(yes bool) *bool { return &yes }
