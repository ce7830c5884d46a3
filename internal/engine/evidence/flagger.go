package evidence

// canary reads Flagger's analysis. Its status has no values of metrics, only
// how many checks failed.
// https://github.com/fluxcd/flagger/blob/v1.36.1/pkg/apis/flagger/v1beta1/canary.go
func canary(s Source) []Metric {
	o := value{s.Object.Object}
	analysis := o.at("spec", "analysis")
	if len(analysis.keys()) == 0 {
		analysis = o.at("spec", "canaryAnalysis") // its name before
	}
	var rows []Metric
	if failed, ok := o.at("status", "failedChecks").number(); ok {
		threshold, _ := analysis.at("threshold").number()
		threshold = max(threshold, 1) // Flagger's default
		rows = append(rows, Metric{
			Name: "failed checks", Candidate: decimal(failed), Limit: "less than " + decimal(threshold), Passed: passed(failed < threshold),
		})
	}
	if len(o.at("status").keys()) == 0 {
		return nil
	}
	for _, m := range analysis.at("metrics").items() {
		if row := check(m); row.Name != "" && row.Limit != "" {
			rows = append(rows, row)
		}
	}
	return rows
}

// check is one of the metrics that each check looks at.
func check(m value) Metric {
	name := m.at("name").text()
	row := Metric{
		Name:  name,
		Limit: within(m.at("thresholdRange", "min").text(), m.at("thresholdRange", "max").text()),
		Note:  "part of each check",
	}
	threshold := m.at("threshold").text() // deprecated
	switch {
	case row.Limit != "" || threshold == "":
	case name == "request-success-rate":
		row.Limit = within(threshold, "")
	default:
		row.Limit = within("", threshold)
	}
	switch name { // Flagger's own
	case "request-success-rate":
		row.Unit = "%"
	case "request-duration":
		row.Unit = "ms"
	}
	return row
}
