// Package branch decides the candidates of an environment on a branch of a
// server. Server.Decide is its start, and what one step learns goes to the next
// in an attempt, from which the Result is made:
//
//  1. What an earlier run left undone is finished first (finish.go).
//  2. land fetches the tip and has a Step make a Proposal on it: a proven edit of
//     package promote, and what its commit tells (landing.go, proposal.go). Where
//     the branch moves, it starts over from the new tip.
//  3. As the plan says, the commit is pushed on that very tip, or to a
//     branch of its own (push_branch.go, head.go) with a pull request,
//     which is merged if that was asked for, and only as proven (open_pull.go,
//     body.go). A pending outcome beside the branch keeps what a forge may drop
//     from the merged commit's message (pending.go).
//  4. Pull requests of what is no longer under test are closed (close_superseded.go).
//  5. Next environments on other branches and in other repositories get the
//     candidate, in order and once (propagate.go, destination.go).
package branch

import (
	"context"
	"errors"
	"fmt"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/promote"
)

// Server decides candidates of one environment on a branch of a server.
type Server struct {
	Repo   *remote.Remote
	Branch string

	View promote.View // how the environment is read there

	// Forge has the pull requests; nil where there is none. Compare is where
	// people open one by hand.
	Forge   *forge.Client
	Compare func(base, head string) string
	Method  forge.Method // how it merges

	// Another opens another repository, for next environments, and says how to
	// close it.
	Another func(ctx context.Context, url string) (*remote.Remote, func(), error)

	// Signers is a file of keys, as ssh-keygen reads allowed signers: a signature by
	// one of them proves that a promotion was decided. Empty: none does.
	Signers string

	Commits int          // how far back the history is read
	DryRun  bool         // make and prove what is asked for, and bring it nowhere
	Note    func(string) // told what people should know; nil is quiet
}

// Decide promotes or rejects the candidate under test, or leaves it. What an
// earlier run left undone is finished first, so that next environments get one
// candidate after the other.
//
// A verdict on another candidate than the one under test is not an error: the
// Result's Choice.Held is Superseded, and the pull request that the other one
// had is closed. A Result beside an error says what has landed nevertheless.
func (s Server) Decide(ctx context.Context, decide promote.Decider) (*promote.Result, error) {
	r, err := s.decide(ctx, decide)
	var another *promote.AnotherError
	if !errors.As(err, &another) {
		return r, err
	}
	if past, unknown := s.past(ctx, s.View.Request.Environment); unknown == nil {
		if repeated := promote.Repeated(s.View.Request.Environment, another, past); repeated != nil {
			return repeated, nil
		}
	}
	return r, err
}

func (s Server) decide(ctx context.Context, decide promote.Decider) (*promote.Result, error) {
	if s.DryRun {
		return s.preview(ctx, decide)
	}
	env := s.View.Request.Environment
	before, err := s.finish(ctx, decide)
	if err != nil {
		return nil, err
	}
	var choice promote.Choice
	var first *Proposal
	a, err := s.land(ctx, func(ctx context.Context, base remote.Base) (p *Proposal, err error) {
		if p, choice, err = s.decision(ctx, base, decide); p == nil || err != nil {
			return p, err
		}
		// A decision without an ID is bound to the first candidate seen, and never
		// to one that takes its place while this runs. A tree that could not be read
		// does not tell: it is read again.
		if base.Tree.Failed() != nil {
			return p, nil
		}
		if first == nil {
			first = p
		}
		if choice.ByHand() && choice.ID == "" && p.head() != first.head() {
			return nil, &promote.AnotherError{Decision: choice.Decision, Edit: p.Edit}
		}
		return p, nil
	})
	switch {
	case err != nil:
		return s.landed(a, nil), err
	case a.proposal != nil:
		next, err := s.after(ctx, a)
		r := s.landed(a, next)
		r.Unfinished, r.SyncWaits = before.unfinished, choice.SyncWaits
		return r, err
	case choice.Held != "":
		s.closeSuperseded(ctx, env, nil)
		r := promote.LeftAlone(env, choice)
		r.Unfinished = before.unfinished
		return r, nil
	case !before.idle:
		// The candidate went away since: maybe by a push of ours whose answer was lost.
		if before, err = s.finish(ctx, decide); err != nil {
			return nil, err
		}
	}
	r := promote.Nothing(env)
	r.Choice.Absent, r.Earlier, r.Unfinished = choice.Absent, before.last, before.unfinished
	return r, nil
}

// landed is the result of a proposal that went somewhere; nil if it did not.
func (s Server) landed(a *attempt, next []promote.Next) *promote.Result {
	if a.proposal == nil || a.commit == "" && a.pull == nil {
		return nil
	}
	r := promote.Proven(a.proposal.Edit, a.proposal.Decision, a.proposal.Record)
	r.Tries = a.tries
	r.Landed(s.whereTo(a), next)
	return r
}

// whereTo says where an attempt went.
func (s Server) whereTo(a *attempt) promote.Landing {
	return promote.Landing{Branch: s.Branch, Commit: a.commit, Pull: a.pull}
}

// preview makes the proposal at the tip, and brings it nowhere.
func (s Server) preview(ctx context.Context, decide promote.Decider) (*promote.Result, error) {
	var p *Proposal
	var choice promote.Choice
	err := s.atTip(ctx, func(ctx context.Context, base remote.Base) (err error) {
		p, choice, err = s.decision(ctx, base, decide)
		return err
	})
	env := s.View.Request.Environment
	switch {
	case err != nil:
		return nil, err
	case choice.Held != "":
		return promote.LeftAlone(env, choice), nil
	case p == nil:
		r := promote.Nothing(env)
		r.Choice.Absent = choice.Absent
		return r, nil
	}
	r := promote.Proven(p.Edit, p.Decision, p.Record)
	r.DryRun, r.SyncWaits = true, choice.SyncWaits
	return r, nil
}

// after does what follows from a promotion or a rejection.
func (s Server) after(ctx context.Context, a *attempt) ([]promote.Next, error) {
	s.closeSuperseded(ctx, a.proposal.Record.Environment, a.pull)
	if a.proposal.Edit.Outcome != decision.Promote || a.pull != nil && a.pull.State != promote.Merged {
		return nil, nil
	}
	to := elsewhere(a.proposal.Edit.Plan, s.Branch)
	if len(to) == 0 {
		return nil, nil
	}
	return s.propagate(ctx, propagation{a.proposal.Record, a.commit, a.proposal.Edit.Forms}, to)
}

func (s Server) note(format string, args ...any) {
	if s.Note != nil {
		s.Note(fmt.Sprintf(format, args...))
	}
}
