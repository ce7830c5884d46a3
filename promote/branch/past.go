package branch

import (
	"context"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
)

// Past is what the branch's newest commits, and the refs beside it, tell of the
// environment.
func (s Server) Past(ctx context.Context) (past history.Past, err error) {
	err = s.Repo.Retry(ctx, func(ctx context.Context) (err error) {
		past, err = s.past(ctx, s.View.Request.Environment)
		return err
	})
	return past, err
}

func (s Server) past(ctx context.Context, env spec.Environment) (history.Past, error) {
	entries, more, err := s.Repo.Log(ctx, s.Branch, s.Commits)
	if err != nil {
		return history.Past{}, err
	}
	outcomes, err := s.outcomes(ctx, env)
	refs := make([]git.Entry, len(outcomes))
	for i, o := range outcomes {
		refs[i] = o.entry
	}
	return history.Past{Decisions: history.Merge(entries, refs, env), Commits: len(entries), Cut: more}, err
}
