package branch

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// standing is how an environment is found.
type standing struct {
	idle bool              // it has no candidate
	last *history.Decision // the newest, where that was looked for
}

// finish takes up what an earlier run left undone: what the claims of pull
// requests came to, and next environments that the last promotion did not reach.
// The history is fetched only for that: where the plan names next environments
// elsewhere, or there is no candidate.
func (s Server) finish(ctx context.Context) (now standing, err error) {
	err = s.atTip(ctx, func(ctx context.Context, base remote.Base) (err error) {
		now, err = s.finishAt(ctx, base)
		return err
	})
	return now, err
}

func (s Server) finishAt(ctx context.Context, base remote.Base) (standing, error) {
	req := s.View.In(base.Tree)
	if err := Present(req); err != nil {
		return standing{}, err
	}
	env := req.Environment
	// What is wrong with a plan or a marker is told when they are used.
	var to []spec.Destination
	if plan, err := render.Plan(req); err == nil {
		to = elsewhere(plan, s.Branch)
	}
	m, err := marker.Read(req.FS, req.Dir, req.Name)
	now := standing{idle: err == nil && len(m.Candidates) == 0}
	if now.idle {
		s.tidy(ctx, env, nil)
	}
	if err := s.settleClaims(ctx, env); err != nil {
		return now, err
	}
	if !now.idle && len(to) == 0 {
		return now, nil
	}
	past, err := s.Past(ctx)
	if err != nil || len(past.Decisions) == 0 {
		return now, err
	}
	if i := slices.IndexFunc(past.Decisions, history.Decision.Decides); i >= 0 {
		now.last = &past.Decisions[i]
	}
	err = s.resume(ctx, past.Decisions, to, req)
	if err != nil && !now.idle && ctx.Err() == nil {
		// What is under test now does not wait for what an earlier one did not reach.
		s.note("%v", err)
		err = nil
	}
	return now, err
}

// resume goes on with next environments that the last promotion did not reach.
// The plan names them: it may have been mended since.
func (s Server) resume(ctx context.Context, list []history.Decision, to []spec.Destination, req render.Request) error {
	i := slices.IndexFunc(list, func(d history.Decision) bool { return d.Outcome == history.Promote || d.Outcome == history.Revert })
	if i < 0 || len(list[i].Next) == 0 || len(to) == 0 {
		return nil
	}
	d := list[i]
	done, _, err := s.isForwarded(ctx, history.ForwardedRef(s.Branch, d.Environment), d.Promotion)
	if done || err != nil {
		return err
	}
	c, err := s.promoted(ctx, d, req)
	if err != nil {
		return err
	}
	_, err = s.forward(ctx, winner{d.Record, d.Commit, c}, to)
	return err
}

// promoted is the candidate that a decision was about: what was under test
// before its commit.
func (s Server) promoted(ctx context.Context, d history.Decision, req render.Request) (spec.Candidate, error) {
	parents, err := s.Repo.Parents(ctx, d.Commit)
	if err == nil && len(parents) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return spec.Candidate{}, fmt.Errorf("read what commit %s promotes: %w", git.Short(d.Commit), err)
	}
	tree, err := s.Repo.Tree(ctx, parents[0])
	if err != nil {
		return spec.Candidate{}, err
	}
	defer func() { _ = tree.Close() }()
	f, err := marker.Read(s.View.In(tree).FS, req.Dir, req.Name)
	if err == nil && len(f.Candidates) == 0 {
		err = fmt.Errorf("commit %s promotes a candidate that its parent has not", git.Short(d.Commit))
	}
	if err != nil {
		return spec.Candidate{}, err
	}
	return f.Candidates[0], nil
}
