package describe

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/excerpt"
)

// read fills in what an object says of itself. Its texts are not trusted.
func (j *Judge) read(o *unstructured.Unstructured) {
	status, _ := o.Object["status"].(map[string]any)
	text := func(names ...string) string {
		s, _, _ := unstructured.NestedString(status, names...)
		return excerpt.Of(s, longest)
	}
	for _, field := range []string{"stage", "phase", "state"} {
		if j.Stage = text(field); j.Stage != "" {
			break
		}
	}
	j.Message = text("message")
	switch (schema.GroupKind{Group: o.GroupVersionKind().Group, Kind: o.GetKind()}) {
	case schema.GroupKind{Group: "iter8.tools", Kind: "Experiment"}:
		j.iter8(o, status, text)
	case schema.GroupKind{Group: "argoproj.io", Kind: "AnalysisRun"}:
		j.Progress = measured(o, status)
	case schema.GroupKind{Group: "argoproj.io", Kind: "Rollout"}:
		steps, _, _ := unstructured.NestedSlice(o.Object, "spec", "strategy", "canary", "steps")
		if at, found, _ := unstructured.NestedInt64(status, "currentStepIndex"); found && len(steps) > 0 {
			j.Progress = fmt.Sprintf("step %d of %d", at, len(steps))
		}
	case schema.GroupKind{Group: "flagger.app", Kind: "Canary"}:
		weight, _, _ := unstructured.NestedInt64(status, "canaryWeight")
		passed, _, _ := unstructured.NestedInt64(status, "iterations")
		j.Progress = fmt.Sprintf("weight %d %%, iteration %d", weight, passed)
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		j.job(o, status)
	}
}

func (j *Judge) iter8(o *unstructured.Unstructured, status map[string]any, text func(...string) string) {
	done, _, _ := unstructured.NestedInt64(status, "completedIterations")
	loop, found, _ := unstructured.NestedInt64(o.Object, "spec", "duration", "iterationsPerLoop")
	if found {
		loops, _, _ := unstructured.NestedInt64(o.Object, "spec", "duration", "maxLoops")
		j.Progress = fmt.Sprintf("%d of %d iterations", done, loop*max(loops, 1))
	}
	if won, _, _ := unstructured.NestedBool(status, "analysis", "winnerAssessment", "data", "winnerFound"); won {
		j.Winner = text("analysis", "winnerAssessment", "data", "winner")
	}
}

func (j *Judge) job(o *unstructured.Unstructured, status map[string]any) {
	if conditions, _, _ := unstructured.NestedSlice(status, "conditions"); j.Stage == "" {
		for _, item := range conditions {
			c, _ := item.(map[string]any)
			if kind, _ := c["type"].(string); c["status"] == "True" && (kind == "Complete" || kind == "Failed") {
				j.Stage = kind
				message, _ := c["message"].(string)
				j.Message = excerpt.Of(message, longest)
			}
		}
	}
	if active, _, _ := unstructured.NestedInt64(status, "active"); j.Stage == "" && active > 0 {
		j.Stage = "Active"
	}
	wanted, found, _ := unstructured.NestedInt64(o.Object, "spec", "completions")
	if !found {
		wanted = 1
	}
	done, _, _ := unstructured.NestedInt64(status, "succeeded")
	j.Progress = fmt.Sprintf("%d of %d completions", done, wanted)
}

// measured is how often each metric of an AnalysisRun was measured, of how often that is
// asked for.
func measured(o *unstructured.Unstructured, status map[string]any) string {
	wanted := map[string]string{}
	metrics, _, _ := unstructured.NestedSlice(o.Object, "spec", "metrics")
	for _, item := range metrics {
		m, _ := item.(map[string]any)
		name, _ := m["name"].(string)
		if count, found := m["count"]; found {
			wanted[name] = fmt.Sprintf(" of %v", count)
		}
	}
	results, _, _ := unstructured.NestedSlice(status, "metricResults")
	var parts []string
	for _, item := range results {
		r, _ := item.(map[string]any)
		name, _ := r["name"].(string)
		count, _ := r["count"].(int64)
		parts = append(parts, fmt.Sprintf("%s %d%s", name, count, wanted[name]))
	}
	return excerpt.Of(strings.Join(parts, ", "), 200)
}
