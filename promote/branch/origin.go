package branch

import (
	"cmp"
	"context"
	"slices"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// mostMarkers is how many versions of a marker are looked through for a candidate.
const mostMarkers = 64

// Origin is the commit that put a candidate into the environment's marker, under test or
// to wait, and since which the branch has held it. Where the candidate is not there any
// more, it is looked for in what the marker was before. It is false where no commit that
// is read is known to be the one.
func (s Server) Origin(ctx context.Context, c spec.Candidate) (at git.Change, known bool, err error) {
	err = s.Repo.Retry(ctx, func(ctx context.Context) error {
		commits, err := s.Repo.FirstParents(ctx, s.Branch, s.Commits)
		if err != nil {
			return err
		}
		defer commits.Close()
		at, known, err = s.origin(ctx, commits, commits.Tip(), c)
		return err
	})
	return at, known, err
}

// origin walks back from a commit.
func (s Server) origin(ctx context.Context, commits promote.History, from string, c spec.Candidate) (git.Change, bool, error) {
	var last git.Change
	held := false
	for range mostMarkers {
		file, holds, err := s.marks(ctx, commits, from, c)
		if err != nil || held && !holds {
			return last, held, err
		}
		held = holds
		at, known, err := commits.Changed(ctx, from, []string{file})
		if err != nil || !known {
			return git.Change{}, false, err
		}
		if last = at; at.Parent == "" {
			return last, held, nil
		}
		from = at.Parent
	}
	return git.Change{}, false, nil
}

// marks reports whether a commit's marker holds the candidate, and where the marker is.
func (s Server) marks(ctx context.Context, commits promote.History, commit string, c spec.Candidate) (file string, holds bool, err error) {
	tree, err := commits.Tree(ctx, commit)
	if err != nil {
		return "", false, err
	}
	defer func() { _ = tree.Close() }()
	req := s.View.In(tree)
	m, err := marker.Read(req.FS, req.Dir, req.Name)
	if failed := tree.Failed(); failed != nil || ctx.Err() != nil {
		return "", false, cmp.Or(failed, ctx.Err())
	}
	if m.Path == "" {
		return "", false, err
	}
	// What cannot be read holds no candidate.
	return m.Path, slices.ContainsFunc(m.Candidates, func(other spec.Candidate) bool { return marker.Same(other.Spec.Change, c.Spec.Change) }), nil
}
