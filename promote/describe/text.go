package describe

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine/evidence"
	"github.com/assaydev/assay/internal/excerpt"
)

// Text is the report for people. Times are told as of when it was made.
func (r *Report) Text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		if text := strings.TrimSpace(fmt.Sprintf(format, args...)); text != "" {
			fmt.Fprintf(&b, "%-13s%s\n", name+":", text)
		}
	}
	line("Environment", "%s", r.Environment)
	line("Candidate", "%s (%s)", r.Candidate, r.ID)
	line("Verdict", "%s", r.verdict())
	line("Reason", "%s", r.Reason)
	if r.Window != "" {
		line("Window", "a promotion does not land now: spec.promotion.windows is %s", r.Window)
	}
	line("Sync", "%s", r.Sync)
	if r.Since != nil {
		line("Under test", "for %s", duration.HumanDuration(r.Now.Sub(*r.Since)))
	}
	if r.Expires != nil {
		left := r.Expires.Sub(r.Now)
		if left > 0 {
			line("Time left", "%s, then it is rejected", duration.HumanDuration(left))
		}
	}
	if r.Waiting > 0 {
		line("Waiting", "%d more behind it", r.Waiting)
	}
	for _, text := range r.Drift {
		line("Drift", "%s", text)
	}
	for _, text := range r.Untested {
		line("Untested", "%s", text)
	}
	b.WriteString(r.judges())
	b.WriteString(r.metrics())
	b.WriteString(r.pods())
	return b.String()
}

// verdict says what it is, and what that leads to.
func (r *Report) verdict() string {
	switch {
	case r.Paused && r.Verdict != decision.Hold:
		return string(r.Verdict) + ", and nothing is done: the plan is paused (spec.promotion.paused)"
	case r.Verdict == decision.Superseded:
		return "superseded: the cluster still has the experiment of another candidate"
	}
	return string(r.Verdict)
}

func (r *Report) judges() string {
	if len(r.Judges) == 0 {
		return ""
	}
	t := cli.Table{Head: []string{"JUDGE", "STAGE", "PROGRESS", "WINNER", "MESSAGE"}}
	for _, j := range r.Judges {
		stage := j.Stage
		if !j.Found {
			stage = "not there yet"
		}
		t.Add(j.Object, stage, j.Progress, j.Winner, j.Message)
	}
	return "\n" + t.String()
}

func (r *Report) metrics() string {
	if len(r.Metrics) == 0 {
		return ""
	}
	t := cli.Table{Head: []string{"METRIC", "BASELINE", "CANDIDATE", "UNIT", "LIMIT", "PASSED", "NOTE"}}
	for _, m := range r.Metrics {
		t.Add(m.Name, m.Baseline, m.Candidate, m.Unit, m.Limit, passed(m), m.Note)
	}
	return "\n" + t.String()
}

func passed(m evidence.Metric) string {
	switch {
	case m.Passed == nil:
		return ""
	case *m.Passed:
		return "yes"
	}
	return "no"
}

func (r *Report) pods() string {
	if len(r.Workloads) == 0 {
		return ""
	}
	t := cli.Table{Head: []string{"WORKLOAD", "POD", "READY", "WHY"}}
	for _, w := range r.Workloads {
		t.Add(w.Object+" "+strings.Join(w.Images, " "), "", fmt.Sprintf("%d of %d", w.Ready, len(w.Pods)), excerpt.Of(w.Error, 200))
		for _, p := range w.Pods {
			ready := "no"
			if p.Ready {
				ready = "yes"
			}
			t.Add("", p.Name, ready, p.Why)
		}
	}
	return "\n" + t.String()
}
