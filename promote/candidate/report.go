package candidate

import (
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// Report is what became of a candidate, for programs.
type Report struct {
	Outcome string `json:"outcome"` // set, or none where there was nothing to do
	spec.Environment
	Candidate string        `json:"candidate,omitempty"`
	ID        string        `json:"id,omitempty"`
	Digest    digest.Digest `json:"digest,omitempty"`
	State     string        `json:"state,omitempty"`  // under test, or waiting
	Reason    string        `json:"reason,omitempty"` // why there was nothing to do
	Path      string        `json:"path"`             // of the marker, in the repository
	Targets   []string      `json:"targets,omitempty"`
	Preempts  string        `json:"preempts,omitempty"` // the candidate whose place it takes
	Untested  []string      `json:"untested,omitempty"`
	LeftOut   []string      `json:"leftOut,omitempty"` // files that a bump changes, and the candidate does not
	Warnings  []string      `json:"warnings,omitempty"`
	DryRun    bool          `json:"dryRun,omitempty"`
	promote.Landing
}

// Report says what became of the candidate; dryRun, what would.
func (p *Placement) Report(dryRun bool) Report {
	r := Report{Outcome: "none", Environment: p.Environment, Candidate: p.Candidate.Metadata.Name, Path: p.Path, Reason: p.Live, DryRun: dryRun, Landing: p.Landing}
	if p.Live != "" {
		return r
	}
	r.ID, r.Digest, r.State, r.Untested = p.Rendered.ID, p.Rendered.Digest, Tested, p.Rendered.Untested
	r.LeftOut = p.LeftOut
	if p.Waits() || p.Queue[0].Spec.Waiting {
		r.State = Waiting
	}
	for _, k := range p.Rendered.Targets {
		r.Targets = append(r.Targets, k.String())
	}
	if old, ok := p.Preempted(); ok {
		r.Preempts = promote.Label(old)
	}
	r.Warnings = append(append(r.Warnings, p.Rendered.Warnings...), p.Warnings...)
	if p.Changes() || p.Committed {
		r.Outcome = "set"
	} else {
		r.Reason = "the candidate is there already"
	}
	return r
}
