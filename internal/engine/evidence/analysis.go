package evidence

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/excerpt"
)

// The objects of Argo Rollouts.
// https://github.com/argoproj/argo-rollouts/tree/v1.8.3/pkg/apis/rollouts/v1alpha1

// analysisRun reads the results of one AnalysisRun.
func analysisRun(s Source) []Metric { return results(s.Object, "") }

// results are an AnalysisRun's metrics, named after the analysis where there
// are several.
func results(run *unstructured.Unstructured, analysis string) []Metric {
	o := value{run.Object}
	var rows []Metric
	for _, result := range o.at("status", "metricResults").items() {
		name := result.at("name").raw()
		if name == "" {
			continue
		}
		measurement := result.at("measurements").last()
		message := result.at("message").text()
		if message == "" {
			message = measurement.at("message").text()
		}
		rows = append(rows, Metric{
			Name:      joined(": ", excerpt.Of(analysis, longestText), excerpt.Of(name, longestText)),
			Candidate: measurement.at("value").text(),
			Limit:     conditions(o.at("spec", "metrics"), name),
			Passed:    assessed(result.at("phase").raw()),
			Note:      joined("; ", counts(result), message),
			Source:    title(run),
		})
	}
	return rows
}

// conditions are those of the metric in the spec.
func conditions(metrics value, name string) string {
	for _, m := range metrics.items() {
		if m.at("name").raw() != name {
			continue
		}
		failure := m.at("failureCondition").text()
		if failure != "" {
			failure = "fails if " + failure
		}
		return joined("; ", m.at("successCondition").text(), failure)
	}
	return ""
}

// assessed is nil for what neither passed nor failed: Error, Inconclusive, Running.
func assessed(phase string) *bool {
	switch phase {
	case "Successful":
		return passed(true)
	case "Failed":
		return passed(false)
	}
	return nil
}

// counts tells how the measurements went.
func counts(result value) string {
	var parts []string
	if count, ok := result.at("count").number(); ok && count > 0 {
		successful, _ := result.at("successful").number()
		parts = append(parts, fmt.Sprintf("%s of %s passed", decimal(successful), decimal(count)))
	}
	for _, kind := range []string{"inconclusive", "error"} {
		if n, ok := result.at(kind).number(); ok && n > 0 {
			parts = append(parts, decimal(n)+" "+kind)
		}
	}
	if result.at("dryRun").isTrue() {
		parts = append(parts, "dry run")
	}
	return strings.Join(parts, ", ")
}

// argoExperiment reads the analyses that an Experiment ran.
func argoExperiment(s Source) []Metric {
	var rows []Metric
	for _, run := range (value{s.Object.Object}).at("status", "analysisRuns").items() {
		rows = append(rows, s.analysis(run.at("name").raw(), run.at("analysisRun").raw(), run.at("phase"), run.at("message"))...)
	}
	return rows
}

// analysis is the results of an AnalysisRun that is among the children, or
// else the one row of what its owner says of it.
func (s Source) analysis(name, run string, phase, message value) []Metric {
	for _, child := range s.Children {
		if child.GetKind() == "AnalysisRun" && run != "" && child.GetName() == run {
			if rows := results(child, name); len(rows) > 0 {
				return rows
			}
		}
	}
	if name == "" || phase.text() == "" {
		return nil
	}
	return []Metric{{Name: excerpt.Of(name, longestText), Passed: assessed(phase.raw()), Note: joined(": ", phase.text(), message.text())}}
}

const revisionAnnotation = "rollout.argoproj.io/revision"

// rollout reads the AnalysisRuns of the Rollout's revision: those at hand, or
// else those that its status names.
func rollout(s Source) []Metric {
	var rows []Metric
	for _, child := range s.Children {
		revision := child.GetAnnotations()[revisionAnnotation]
		if child.GetKind() == "AnalysisRun" && revision != "" && revision == s.Object.GetAnnotations()[revisionAnnotation] {
			rows = append(rows, results(child, child.GetName())...)
		}
	}
	if len(rows) > 0 {
		return rows
	}
	status := value{s.Object.Object}.at("status")
	for _, path := range [][]string{
		{"canary", "currentStepAnalysisRunStatus"},
		{"canary", "currentBackgroundAnalysisRunStatus"},
		{"blueGreen", "prePromotionAnalysisRunStatus"},
		{"blueGreen", "postPromotionAnalysisRunStatus"},
	} {
		run := status.at(path...)
		rows = append(rows, s.analysis(run.at("name").raw(), "", run.at("status"), run.at("message"))...)
	}
	return rows
}
