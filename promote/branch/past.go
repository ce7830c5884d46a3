package branch

import (
	"context"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// Past is what the branch's newest commits, and the refs beside it, tell of the
// environment, wherever it was.
func (s Server) Past(ctx context.Context) (past history.Past, err error) {
	var all map[spec.Environment][]history.Decision
	err = s.Repo.Retry(ctx, func(ctx context.Context) (err error) {
		past, all, err = s.told(ctx, s.View.Request.Environment)
		return err
	})
	if err != nil {
		return past, err
	}
	err = s.atTip(ctx, func(ctx context.Context, base remote.Base) (err error) {
		past, err = s.follow(ctx, base, past, all)
		return err
	})
	return past, err
}

// pastAt is Past on a tip.
func (s Server) pastAt(base remote.Base) func(context.Context) (history.Past, error) {
	return func(ctx context.Context) (history.Past, error) {
		past, all, err := s.told(ctx, s.View.Request.Environment)
		if err != nil {
			return past, err
		}
		return s.follow(ctx, base, past, all)
	}
}

// past is what was decided about an environment where it is.
func (s Server) past(ctx context.Context, env spec.Environment) (history.Past, error) {
	past, _, err := s.told(ctx, env)
	return past, err
}

// told is the past of an environment, and what the same commits tell of others.
func (s Server) told(ctx context.Context, env spec.Environment) (history.Past, map[spec.Environment][]history.Decision, error) {
	entries, more, err := s.Repo.Log(ctx, s.Branch, s.Commits)
	if err != nil {
		return history.Past{}, nil, err
	}
	outcomes, err := s.outcomes(ctx, env)
	refs := make([]git.Entry, len(outcomes))
	for i, o := range outcomes {
		refs[i] = o.entry
	}
	all := history.All(entries, refs)
	return history.Past{Decisions: all[env], Commits: len(entries), Cut: more}, all, err
}

// follow adds what was decided before the environment's directory was renamed.
func (s Server) follow(ctx context.Context, base remote.Base, past history.Past, all map[spec.Environment][]history.Decision) (history.Past, error) {
	c := promote.Chronicle{
		All: all, Now: s.View.In(base.Tree).FS, Tip: base.Commit, Open: s.View.In,
		History: func(ctx context.Context) (promote.History, func(), error) {
			commits, err := s.Repo.FirstParents(ctx, s.Branch, s.Commits)
			if err != nil {
				return nil, nil, err
			}
			return commits, commits.Close, nil
		},
	}
	past.Was, past.Earlier = nil, nil
	return past, c.Follow(ctx, s.View.Request.Environment, &past)
}
