package main

import (
	"context"
	"fmt"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/branch"
)

// decideThere promotes or rejects on a branch of a server.
func (a *app) decideThere(ctx context.Context, opt decideOptions, wanted promote.Outcome) error {
	var s *session
	decider := promote.ByHand(wanted, opt.reason, opt.id)
	if opt.followsVerdict() {
		var err error
		if decider, err = a.verdict(opt, wanted, func() (string, error) { return s.destination(opt.server) }); err != nil {
			return err
		}
	}
	s, err := a.connect(ctx, opt.server, opt.environment)
	if err != nil {
		return err
	}
	defer s.close()
	if opt.dryRun {
		return a.previewThere(ctx, opt, s, decider)
	}
	res, err := s.Decide(ctx, decider)
	if err != nil {
		if res != nil && res.Proposal != nil && res.Commit != "" {
			a.notef("%s", s.landed(res))
		}
		return a.unlessRepeated(opt, s.place(), a.explainLaw(err), s.recall(ctx))
	}
	return a.reportThere(opt, s, res)
}

// previewThere prints what a decision would do at the tip.
func (a *app) previewThere(ctx context.Context, opt decideOptions, s *session, decider promote.Decider) error {
	p, choice, err := s.Preview(ctx, decider)
	switch {
	case err != nil:
		return a.unlessRepeated(opt, s.place(), a.explainLaw(err), s.recall(ctx))
	case choice.Left != "":
		return a.leave(opt, s.place(), choice)
	case p == nil:
		return a.nothingToDo(opt, s.place())
	}
	r, err := newReport(s.place(), p.Edit, p.Decision)
	if err != nil {
		return err
	}
	return a.reportDryRun(opt, p.Edit, r)
}

// place is the environment for reports, which name files by their paths in the
// repository.
func (s *session) place() *place {
	p := &place{arg: s.dir, session: s}
	p.Dir, p.Name = s.dir, s.env.name
	s.call.Fill(&p.Request)
	return p
}

// recall reads the past of the environment.
func (s *session) recall(ctx context.Context) func() (history.Past, error) {
	return func() (history.Past, error) { return s.Past(ctx, s.place().Environment) }
}

// reportThere tells what became of a decision.
func (a *app) reportThere(opt decideOptions, s *session, res *branch.Result) error {
	switch {
	case res.Choice.Left != "":
		return a.leave(opt, s.place(), res.Choice)
	case res.Proposal == nil:
		if res.Earlier != nil {
			a.notef("the last decision there: %s candidate %s%s in commit %s", res.Earlier.Outcome, called(res.Earlier.Candidate), inBrackets(res.Earlier.Experiment), git.Short(res.Earlier.Commit))
		}
		return a.nothingToDo(opt, s.place())
	}
	r, err := newReport(s.place(), res.Proposal.Edit, res.Proposal.Decision)
	if err != nil {
		return err
	}
	r.Branch, r.Commit, r.Pull = s.Branch, res.Commit, res.Pull
	r.Next = merged(r.Next, res.Next)
	if res.Pull != nil {
		switch res.Pull.State {
		case branch.Closed:
			r.withhold(promote.Held)
		case branch.Outdated:
			r.withhold(promote.Superseded)
		}
	}
	if err := a.report(opt, r); err != nil {
		return err
	}
	if res.Pull != nil && res.Pull.State == branch.Closed {
		return errHeld
	}
	return nil
}

// landed says where a decision is.
func (s *session) landed(res *branch.Result) string {
	if res.Pull == nil {
		return fmt.Sprintf("commit %s is on %s", git.Short(res.Commit), s.Branch)
	}
	return res.Pull.String()
}

// merged replaces what is elsewhere with what became of it there.
func merged(here, elsewhere []promote.Next) []promote.Next {
	for i := range here {
		if here[i].State == promote.Elsewhere && len(elsewhere) > 0 {
			here[i], elsewhere = elsewhere[0], elsewhere[1:]
		}
	}
	return here
}
