package evidence

import (
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/excerpt"
)

// job is one row: a Job has an exit code and no more.
func job(s Source) []Metric { return outcome(s.Object, "BackoffLimitExceeded", "PodFailurePolicy") }

// testRun is one row for each runner, whose exit code says whether k6's
// thresholds were kept.
func testRun(s Source) []Metric {
	var rows []Metric
	for _, child := range s.Children {
		if child.GetKind() == "Job" {
			rows = append(rows, outcome(child)...)
		}
	}
	return rows
}

// outcome reads a Job's condition. It failed for one of the reasons, or for
// any where none is given; otherwise it counts neither way.
func outcome(job *unstructured.Unstructured, reasons ...string) []Metric {
	status := value{job.Object}.at("status")
	for _, c := range status.at("conditions").items() {
		kind := c.at("type").raw()
		if kind != "Complete" && kind != "Failed" || c.at("status").raw() != "True" {
			continue
		}
		m := Metric{
			Name: excerpt.Of(job.GetName(), longestText), Source: title(job),
			Note: joined("; ", joined(": ", kind, c.at("reason").text(), c.at("message").text()), pods(status)),
		}
		switch {
		case kind == "Complete" && !provesNothing(job):
			m.Passed = passed(true)
		case kind == "Failed" && (len(reasons) == 0 || slices.Contains(reasons, c.at("reason").raw())):
			m.Passed = passed(false)
		}
		return []Metric{m}
	}
	return nil
}

func pods(status value) string {
	count := func(field, text string) string {
		if n := status.at(field).text(); n != "" {
			return n + text
		}
		return ""
	}
	return joined(", ", count("succeeded", " pods succeeded"), count("failed", " pods failed"))
}

var iter8Image = regexp.MustCompile(`(^|/)iter8/iter8([:@]|$)`)

// provesNothing is true of Iter8's own Job, which exits 0 whatever it found.
func provesNothing(job *unstructured.Unstructured) bool {
	containers := value{job.Object}.at("spec", "template", "spec", "containers").items()
	return slices.ContainsFunc(containers, func(c value) bool { return iter8Image.MatchString(c.at("image").raw()) })
}
