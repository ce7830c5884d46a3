package branch

import (
	"context"
	"errors"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/promote"
)

// attempt is one way from the tip to the branch, or to a pull request.
type attempt struct {
	proposal *Proposal     // nil: there was nothing to do
	commit   string        // on the branch, or the head of the pull request
	pull     *promote.Pull // where the plan asks for one
	tries    int
}

// landing is the state of one land.
type landing struct {
	Server
	step     Step
	outdated map[string]bool // heads of pull requests that cannot be merged as they are
}

// againError says that a pull request did not go through for what may be
// different on the next tip.
type againError struct{ error }

func (e *againError) Unwrap() error { return e.error }

// mostMerges is how often a pull request is brought on its way.
const mostMerges = 8

// land brings a proposal to the branch: by push, or by pull request.
func (s Server) land(ctx context.Context, step Step) (*attempt, error) {
	l := &landing{Server: s, step: step, outdated: map[string]bool{}}
	for try := 1; ; try++ {
		r, err := l.once(ctx)
		var again *againError
		if !errors.As(err, &again) {
			return r, err
		}
		if try == mostMerges {
			return r, l.keepOpen(r, again.error)
		}
		if err := s.Repo.Wait(ctx, try); err != nil {
			return r, errors.Join(again.error, err)
		}
	}
}

// keepOpen leaves a pull request open that the forge is not ready to merge.
func (l *landing) keepOpen(r *attempt, cause error) error {
	if !errors.Is(cause, forge.ErrTryAgain) {
		return cause
	}
	l.note("%s is not merged yet: %v", r.pull.URL, cause)
	return nil
}

// once goes from the tip to the branch or the pull request.
func (l *landing) once(ctx context.Context) (*attempt, error) {
	var r attempt
	at, err := l.Repo.Update(ctx, l.Branch, func(ctx context.Context, base remote.Base) (*remote.Change, error) {
		p, err := l.step(ctx, base)
		r = attempt{proposal: p}
		switch {
		case err != nil || p == nil:
			return nil, err
		case p.Method == PullRequest:
			return l.pushBranch(ctx, base, &r)
		}
		return &remote.Change{Files: p.Files, Message: p.Message()}, nil
	})
	if err != nil {
		return &r, err
	}
	if r.tries = at.Tries; at.Commit != "" {
		r.commit = at.Commit
	}
	if r.pull != nil && r.pull.State != promote.Closed {
		err = l.openPull(ctx, &r)
	}
	return &r, err
}

// atTip gives f the tip of the branch to read, and again while the server does
// not answer.
func (s Server) atTip(ctx context.Context, f func(context.Context, remote.Base) error) error {
	_, err := s.Repo.Update(ctx, s.Branch, func(ctx context.Context, base remote.Base) (*remote.Change, error) {
		return nil, f(ctx, base)
	})
	return err
}
