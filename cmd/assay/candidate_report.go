package main

import (
	"fmt"

	"github.com/aymanbagabas/go-udiff"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/candidate"
)

// reportSet tells what became of a candidate.
func (a *app) reportSet(s *site, p *candidate.Placement, opt candidateOptions) error {
	if opt.format != formatText {
		if err := a.structured(opt.format, p.Report(opt.dryRun)); err != nil {
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
		look := "diff"
		if p.Waits() {
			look = "candidate show"
		}
		a.nextf("next: assay %s %s", look, argument(s.arg, p.Name))
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
			a.notef("candidate %s, which waited, is dropped", promote.LabelOf(b.Candidate))
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
