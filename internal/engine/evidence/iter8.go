package evidence

import (
	"slices"

	"github.com/assaydev/assay/internal/excerpt"
)

// iter8 reads an Experiment of iter8.tools/v2alpha2: the objectives first, then
// the rewards, then what else was measured.
// https://github.com/iter8-tools/etc3/blob/main/api/v2alpha2/experiment_types.go
func iter8(s Source) []Metric {
	if s.Candidate == "" {
		return nil // it does not say which version is the candidate
	}
	e := iter8Experiment{value{s.Object.Object}, s.Candidate, ""}
	if name := e.at("spec", "versionInfo", "baseline", "name").raw(); name != e.candidate {
		e.baseline = name // in Conformance it is the version under test
	}
	rows := append(e.objectives(), e.rewards()...)
	return append(rows, e.indicators()...)
}

type iter8Experiment struct {
	value
	candidate, baseline string
}

// row holds what was measured last of a metric.
func (e iter8Experiment) row(metric string) Metric {
	versions := e.at("status", "analysis", "aggregatedMetrics", "data", metric, "data")
	m := Metric{
		Name:      excerpt.Of(metric, longestText),
		Candidate: versions.at(e.candidate, "value").quantity(),
		Unit:      e.unit(metric),
	}
	if e.baseline != "" {
		m.Baseline = versions.at(e.baseline, "value").quantity()
	}
	return m
}

func (e iter8Experiment) unit(metric string) string {
	for _, info := range e.at("status", "metrics").items() {
		if info.at("name").raw() == metric {
			return info.at("metricObj", "spec", "units").text()
		}
	}
	return ""
}

// objectives are held against what the analysis says of them, which is in the
// same order.
func (e iter8Experiment) objectives() []Metric {
	met := e.at("status", "analysis", "versionAssessments", "data", e.candidate)
	var rows []Metric
	for i, objective := range e.at("spec", "criteria", "objectives").items() {
		m := e.row(objective.at("metric").raw())
		m.Limit = within(objective.at("lowerLimit").quantity(), objective.at("upperLimit").quantity())
		m.Passed = met.item(i).flag()
		if m.Name != "" && (m.Candidate != "" || m.Passed != nil) {
			rows = append(rows, m)
		}
	}
	return rows
}

func (e iter8Experiment) rewards() []Metric {
	var rows []Metric
	for _, reward := range e.at("spec", "criteria", "rewards").items() {
		m := e.row(reward.at("metric").raw())
		switch reward.at("preferredDirection").raw() {
		case "High":
			m.Limit = "higher is better"
		case "Low":
			m.Limit = "lower is better"
		}
		if m.Name != "" && m.Candidate != "" {
			rows = append(rows, m)
		}
	}
	return rows
}

// indicators are the metrics that no objective and no reward is about.
func (e iter8Experiment) indicators() []Metric {
	var judged []string
	for _, list := range []string{"objectives", "rewards"} {
		for _, criterion := range e.at("spec", "criteria", list).items() {
			judged = append(judged, criterion.at("metric").raw())
		}
	}
	var rows []Metric
	for _, metric := range e.at("status", "analysis", "aggregatedMetrics", "data").keys() {
		if slices.Contains(judged, metric) {
			continue
		}
		if m := e.row(metric); m.Name != "" && m.Candidate != "" {
			rows = append(rows, m)
		}
	}
	return rows
}
