package branch

import (
	"context"
	"io/fs"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// Superseded reports whether a commit of the branch has a candidate under test that
// the tip does not have. Where one of the two does not render, nothing says so; what
// cannot be read is an error.
func (s Server) Superseded(ctx context.Context, commit string) (gone bool, err error) {
	err = s.atTip(ctx, func(ctx context.Context, base remote.Base) error {
		if base.Commit == commit {
			gone = false
			return nil
		}
		before, err := s.Repo.Tree(ctx, commit)
		if err != nil {
			return err
		}
		defer func() { _ = before.Close() }()
		was, err := testedIn(ctx, s.View, before)
		if err != nil || was == "" {
			return before.Failed()
		}
		is, err := testedIn(ctx, s.View, base.Tree)
		gone = err == nil && is != was
		return base.Tree.Failed()
	})
	return gone && err == nil, err
}

// testedIn is the digest that an environment has under test in a tree; empty without one.
func testedIn(ctx context.Context, view promote.View, tree fs.FS) (digest.Digest, error) {
	res, err := render.Environment(ctx, view.In(tree))
	if err != nil || res.Waits() {
		return "", err
	}
	return res.Digest, nil
}
