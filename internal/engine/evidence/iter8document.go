package evidence

import (
	"math"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
)

// iter8Document reads what Iter8, from v0.11 to v0.15, leaves in a Secret.
// https://github.com/iter8-tools/iter8/blob/v0.15.8/base/experiment.go
func iter8Document(s Source) []Metric {
	i := insights{value: value{s.Document}.at("result", "insights")}
	if i.candidate = i.version(s.Candidate); i.candidate < 0 {
		return nil
	}
	i.baseline = 1 - i.candidate
	if versions, _ := i.at("numVersions").number(); versions != 2 {
		i.baseline = -1
	}
	return append(i.objectives("upper"), i.objectives("lower")...)
}

// insights tell versions apart by their index.
type insights struct {
	value
	candidate, baseline int // -1 for none
}

// version is the index of the candidate: of the only version, or of the one
// that is named so. -1 means that nothing tells.
func (i insights) version(candidate string) int {
	if versions, ok := i.at("numVersions").number(); ok && versions == 1 {
		return 0
	}
	for index, info := range i.at("versionNames").items() {
		for _, name := range []string{info.at("track").raw(), info.at("version").raw()} {
			if name != "" && (name == candidate || candidate == "" && name == "candidate") {
				return index
			}
		}
	}
	return -1
}

func (i insights) objectives(bound string) []Metric {
	var rows []Metric
	for n, objective := range i.at("SLOs", bound).items() {
		metric := objective.at("metric").raw()
		m := Metric{
			Name:      excerpt.Of(metric, longestText),
			Candidate: i.measured(i.candidate, metric),
			Baseline:  i.measured(i.baseline, metric),
			Unit:      i.unit(metric),
			Passed:    i.at("SLOsSatisfied", bound).item(n).item(i.candidate).flag(),
		}
		if limit := objective.at("limit").text(); bound == "upper" {
			m.Limit = within("", limit)
		} else {
			m.Limit = within(limit, "")
		}
		if m.Name != "" && (m.Candidate != "" || m.Passed != nil) {
			rows = append(rows, m)
		}
	}
	return rows
}

func (i insights) unit(metric string) string {
	base, _ := aggregation(metric)
	return i.at("metricsInfo", base, "units").text()
}

// aggregation takes a metric backend/name/aggregation apart.
func aggregation(metric string) (base, function string) {
	if parts := strings.SplitN(metric, "/", 3); len(parts) == 3 {
		return parts[0] + "/" + parts[1], parts[2]
	}
	return metric, ""
}

// measured is the last value of a metric, or that of a sample's aggregation;
// empty for percentiles, which Iter8 alone computes.
func (i insights) measured(version int, metric string) string {
	base, function := aggregation(metric)
	values := i.at("nonHistMetricValues").item(version).at(base)
	if function == "" {
		return values.last().text()
	}
	if f, ok := aggregated(values.items(), function); ok {
		return decimal(f)
	}
	summary := i.at("SummaryMetricValues").item(version).at(base)
	if f, ok := summarised(summary, function); ok {
		return decimal(f)
	}
	return ""
}

func aggregated(values []value, function string) (float64, bool) {
	sum, least, most := 0.0, math.Inf(1), math.Inf(-1)
	for _, v := range values {
		f, ok := v.number()
		if !ok {
			return 0, false
		}
		sum, least, most = sum+f, min(least, f), max(most, f)
	}
	return pick(function, float64(len(values)), sum, least, most)
}

// summarised reads count, sum, minimum and maximum, in this order.
func summarised(summary value, function string) (float64, bool) {
	var of [4]float64
	for n := range of {
		f, ok := summary.item(n).number()
		if !ok {
			return 0, false
		}
		of[n] = f
	}
	return pick(function, of[0], of[1], of[2], of[3])
}

func pick(function string, count, sum, least, most float64) (float64, bool) {
	if count <= 0 {
		return 0, false
	}
	switch function {
	case "count":
		return count, true
	case "mean":
		return sum / count, true
	case "min":
		return least, true
	case "max":
		return most, true
	}
	return 0, false
}
