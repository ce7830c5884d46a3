package worktree

import (
	"context"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
)

// chronicle is what the commits of a repository tell of all its environments.
type chronicle struct {
	history.Past  // without decisions
	Entries, Refs []git.Entry
}

// readChronicle reads the newest commits of the branch that is checked out, and the
// refs beside it.
func readChronicle(ctx context.Context, root string, p git.Process, commits int) (chronicle, error) {
	var c chronicle
	repo, err := local.Open(ctx, root, p)
	if err != nil {
		return c, err
	}
	if c.Entries, err = repo.Recent(ctx, commits+1); err != nil {
		return c, err
	}
	c.Commits, c.Cut = min(len(c.Entries), commits), len(c.Entries) > commits
	c.Entries = c.Entries[:c.Commits]
	if c.Shallow, err = repo.Shallow(ctx); err != nil {
		return c, err
	}
	c.Refs, err = repo.Refs(ctx, history.Refs)
	return c, err
}
