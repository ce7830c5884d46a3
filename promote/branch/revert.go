package branch

import (
	"context"
	"errors"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/promote"
)

// Revert undoes a promotion that the branch tells of, for a reason.
func (s Server) Revert(ctx context.Context, target promote.Target, reason string) (*promote.Result, error) {
	d, past, err := s.promotion(ctx, target)
	if err != nil {
		return nil, err
	}
	if by, ok := d.Reverted(past.Decisions); ok {
		return s.undone(d, promote.UndoneBy(by)), nil
	}
	decision := promote.Decision{Outcome: decision.Revert, Reason: reason}
	var last *Proposal
	a, err := s.land(ctx, func(ctx context.Context, base remote.Base) (*Proposal, error) {
		e, err := promote.PrepareUndo(ctx, s.View.In(base.Tree), s.View, s.Repo.Tree, d)
		if err != nil {
			return nil, err
		}
		if last, err = s.propose(base, e, decision); err != nil || s.DryRun {
			return nil, err
		}
		return last, nil
	})
	switch {
	case errors.Is(err, promote.ErrReverted):
		return s.undone(d, promote.UndoneInFiles), nil
	case err != nil:
		return nil, err
	case s.DryRun:
		r := promote.Proven(last.Edit, decision, last.Record)
		r.DryRun = true
		return r, nil
	}
	return s.landed(a, nil), nil
}

func (s Server) undone(d history.Decision, where string) *promote.Result {
	return promote.Undone(s.View.Request.Environment, d, where)
}

// promotion finds the one that is meant, and what was before it.
func (s Server) promotion(ctx context.Context, target promote.Target) (history.Decision, history.Past, error) {
	past, err := s.Past(ctx)
	if err != nil {
		return history.Decision{}, past, err
	}
	if target, err = target.Whole(past.Decisions); err != nil {
		return history.Decision{}, past, err
	}
	d, err := target.Find(past)
	if err != nil || d.Parent != "" {
		return d, past, err
	}
	parents, err := s.Repo.Parents(ctx, d.Commit)
	if len(parents) > 0 {
		d.Parent = parents[0]
	}
	return d, past, err
}
