package worktree

import (
	"context"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/promote"
)

// chronicle is what the commits of a repository tell of all its environments.
type chronicle struct {
	history.Past  // without decisions
	Entries, Refs []git.Entry
	repo          *local.Repo
}

// readChronicle reads the newest commits of the branch that is checked out, and the
// refs beside it.
func readChronicle(ctx context.Context, root string, p git.Process, commits int) (chronicle, error) {
	var c chronicle
	repo, err := local.Open(ctx, root, p)
	if err != nil {
		return c, err
	}
	c.repo = repo
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

// about is what they tell of one environment, wherever it was.
func (c chronicle) about(ctx context.Context, d Dir) (history.Past, error) {
	past, all := c.Past, history.All(c.Entries, c.Refs)
	past.Decisions = all[d.env()]
	req, err := d.View.At(d.Root)
	if err != nil {
		return past, err
	}
	defer func() { _ = req.FS.Close() }()
	follow := promote.Chronicle{All: all, Now: req.FS, Open: d.View.In, History: func(context.Context) (promote.History, func(), error) {
		return c.repo, func() {}, nil
	}}
	if len(c.Entries) > 0 {
		follow.Tip = c.Entries[0].ID
	}
	return past, follow.Follow(ctx, d.env(), &past)
}
