package verdict

import (
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine/evidence"
	"github.com/assaydev/assay/internal/excerpt"
)

// finding is what one object says.
type finding struct {
	key      string
	engine   string
	outcome  decision.Outcome // promote, reject or hold
	running  bool
	expires  bool // it is hold, and without a verdict by the deadline a reject
	missing  bool
	message  string
	evidence string
	metrics  []evidence.Metric
}

// combine makes one verdict: one reject rejects, and promotion needs all.
func combine(findings []finding, tested digest.Digest) Verdict {
	v := Verdict{Outcome: decision.Promote, Digest: tested}
	for _, f := range findings {
		if f.outcome == decision.Reject {
			v.Outcome = decision.Reject
		} else if f.outcome == decision.Hold && v.Outcome == decision.Promote {
			v.Outcome = decision.Hold
		}
	}
	var engines, messages, told []string
	for _, f := range findings {
		if !f.missing {
			v.Objects = append(v.Objects, f.key)
			engines = append(engines, f.engine)
		}
		if f.outcome == v.Outcome {
			messages = append(messages, said(f.key, f.message, len(findings)))
			v.Running = v.Running || v.Outcome == decision.Hold && f.running
		}
		v.Metrics = append(v.Metrics, f.metrics...)
		if f.evidence != "" {
			told = append(told, said(f.key, f.evidence, len(findings)))
		}
	}
	slices.Sort(engines)
	v.Engine = strings.Join(slices.Compact(engines), ", ")
	v.Message = excerpt.Of(strings.Join(messages, "; "), longestLine)
	v.Evidence = excerpt.Of(strings.Join(told, "; "), longestLine)
	return v
}

// said names the object where there are several.
func said(key, text string, objects int) string {
	if objects == 1 {
		return text
	}
	return key + ": " + text
}
