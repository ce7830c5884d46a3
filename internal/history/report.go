package history

import (
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
)

// Report is a decision as the commands print it in JSON.
type Report struct {
	Time       time.Time        `json:"time"`
	Outcome    decision.Outcome `json:"outcome"`
	Directory  string           `json:"directory,omitempty"` // of the environment then, where it was another one
	Candidate  string           `json:"candidate,omitempty"`
	ID         string           `json:"id,omitempty"`
	Digest     digest.Digest    `json:"digest,omitempty"`
	Engine     string           `json:"engine,omitempty"`
	Commit     string           `json:"commit"`
	Head       string           `json:"head,omitempty"` // of the pull request that the commit merges
	Subject    string           `json:"subject"`
	Evidence   string           `json:"evidence,omitempty"`
	Untested   []string         `json:"untested,omitempty"`
	Promotion  string           `json:"promotion,omitempty"`
	Next       []string         `json:"next,omitempty"`
	Reverts    string           `json:"reverts,omitempty"`
	RevertedBy string           `json:"revertedBy,omitempty"`
}

// ReportOf is the report of a decision in a list.
func ReportOf(d Decision, list []Decision) Report {
	r := Report{
		Time: d.Time.UTC(), Outcome: d.Outcome, Candidate: d.Candidate, ID: d.Experiment, Digest: d.Digest, Engine: d.Engine, Commit: d.Commit, Head: d.Head,
		Subject: d.Subject, Evidence: d.Evidence, Untested: d.Untested, Promotion: d.Promotion, Next: d.Next, Reverts: d.Reverts,
	}
	if by, ok := d.Reverted(list); ok {
		r.RevertedBy = by.Commit
	}
	return r
}

// Reports are those of all that was decided about the environment.
func (p Past) Reports() []Report {
	list := p.Told()
	out := make([]Report, len(list))
	for i, d := range list {
		if out[i] = ReportOf(d, list); i >= len(p.Decisions) {
			out[i].Directory = d.Environment.Dir
		}
	}
	return out
}
