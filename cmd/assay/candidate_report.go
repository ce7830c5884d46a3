package main

import (
	"fmt"

	"github.com/aymanbagabas/go-udiff"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/candidate"
)

// setReport is what became of a candidate, for programs.
type setReport struct {
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

func reportOf(p *candidate.Placement, dryRun bool) setReport {
	r := setReport{Outcome: "none", Environment: p.Environment, Candidate: p.Candidate.Metadata.Name, Path: p.Path, Reason: p.Live, DryRun: dryRun, Landing: p.Landing}
	if p.Live != "" {
		return r
	}
	r.ID, r.Digest, r.State, r.Untested = p.Rendered.ID, p.Rendered.Digest, candidate.Tested, p.Rendered.Untested
	r.LeftOut = p.LeftOut
	if p.Waits() {
		r.State = candidate.Waiting
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

// reportSet tells what became of a candidate.
func (a *app) reportSet(s *site, p *candidate.Placement, opt candidateOptions) error {
	if opt.format != formatText {
		if err := a.structured(opt.format, reportOf(p, opt.dryRun)); err != nil {
			return err
		}
	} else {
		a.printSet(s, p, opt.dryRun)
	}
	if p.Live != "" || !p.Changes() && !p.Committed {
		return nil
	}
	a.tellSet(p)
	if s.session == nil && !opt.dryRun {
		a.nextf("next: assay diff %s", argument(s.arg, p.Name))
	}
	if p.Past.Shallow && !p.Past.Cut {
		a.notef("the clone is shallow and holds %d of the branch's commits: what was rejected before them is not remembered here", p.Past.Commits)
	}
	if p.Pull != nil && p.Pull.State == promote.Closed {
		return errHeld
	}
	return nil
}

// printSet prints it for people.
func (a *app) printSet(s *site, p *candidate.Placement, dryRun bool) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(&a.out, format+"\n", args...) }
	switch {
	case p.Live != "":
		say("nothing to do: %s", excerpt.Joined(p.Live))
		if len(p.Candidates) > 0 {
			a.notef("candidate %s stays under test", promote.Label(p.Candidates[0]))
		}
	case !p.Changes() && !p.Committed:
		say("%s is in %s already", p.Called(), s.on(p.Path))
	case dryRun:
		a.out.WriteString(udiff.Unified("a/"+p.Path, "b/"+p.Path, string(p.Data), string(p.After)))
	case p.Pull != nil:
		say("%s %s in %s", headline(p.Pull, "set", "test"), p.Called(), s.on(p.Path))
	default:
		say("wrote %s to %s", p.Called(), s.on(p.Path))
	}
	switch {
	case p.Live != "" || !p.Changes() && !p.Committed || dryRun:
	case s.session != nil:
		say("  %s", s.landed(p.Landing))
	case p.Committed:
		say("  committed %s", p.Title())
	}
}

// tellSet says on stderr what people should know beside the result.
func (a *app) tellSet(p *candidate.Placement) {
	if old, ok := p.Preempted(); ok {
		of := p.Lost
		if len(of) == 0 {
			of = p.Rendered.Targets
		}
		a.notef("it preempts candidate %s of %s, which was under test", promote.Label(old), object.Names(of))
	}
	if p.Waits() {
		a.notef("it waits until candidate %s has its verdict", promote.Label(p.Queue[0]))
	}
	for _, b := range p.Record().Beside {
		if b.Outcome == "drop" {
			a.notef("candidate %s, which waited, is dropped", called(b.Candidate))
		}
	}
	for _, u := range p.Rendered.Untested {
		a.notef("ships untested: %s", excerpt.Joined(u))
	}
	if len(p.LeftOut) > 0 {
		a.notef("left out, as %s is not rendered from them: %s", p.Environment, excerpt.List(p.LeftOut))
	}
	a.warn(p.Rendered.Warnings)
	a.warn(p.Warnings)
	a.warn(p.Rendered.Unjudged())
}
