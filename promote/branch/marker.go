package branch

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/promote/candidate"
)

// Set puts a candidate under test. It is made anew on every tip that the branch
// has.
func (s Server) Set(ctx context.Context, put candidate.Put) (*candidate.Placement, error) {
	method := Push
	if put.Pull {
		method = PullRequest
	}
	var last *candidate.Placement
	a, err := s.land(ctx, func(ctx context.Context, base remote.Base) (p *Proposal, err error) {
		req := s.View.In(base.Tree)
		if err := Present(req); err != nil {
			return nil, err
		}
		home := candidate.Home{Branch: func(context.Context) (string, error) { return s.Branch, nil }, Past: s.pastAt(base), Before: s.before}
		if last, err = put.Place(ctx, req, home); err != nil || !last.Changes() || s.DryRun {
			return nil, err
		}
		if p, err = s.replacement(base, last.Marker, last.After, last.Record(), last.Title()); err != nil {
			return nil, err
		}
		p.Method, p.Rendered = method, last.Rendered
		return p, nil
	})
	if err != nil || a.proposal == nil {
		return last, err
	}
	if a.pull == nil {
		s.closeSuperseded(ctx, last.Environment, nil)
	}
	last.Landing = s.whereTo(a)
	return last, nil
}

// before is the repository as it was before a decision.
func (s Server) before(ctx context.Context, d history.Decision) (*envfs.FS, func(), error) {
	parents, err := s.Repo.Parents(ctx, d.Commit)
	if err == nil && len(parents) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, nil, err
	}
	tree, err := s.Repo.Tree(ctx, parents[0])
	if err != nil {
		return nil, nil, err
	}
	return s.View.In(tree).FS, func() { _ = tree.Close() }, nil
}

// Clear withdraws candidates; nil where there is none.
func (s Server) Clear(ctx context.Context, which candidate.Which) (*candidate.Withdrawal, error) {
	var first, last *candidate.Withdrawal
	a, err := s.land(ctx, func(ctx context.Context, base remote.Base) (p *Proposal, err error) {
		req := s.View.In(base.Tree)
		if last, err = which.Withdraw(ctx, req); err != nil {
			return nil, err
		}
		if last == nil {
			return nil, Present(req)
		}
		if first == nil {
			first = last
		}
		if !last.Same(first) {
			return nil, fmt.Errorf("%s is not what it was when this began: look at it with assay candidate show, and withdraw what is there now", last.Path)
		}
		return s.replacement(base, last.Marker, last.Rest, last.Record(), last.Title())
	})
	if err != nil || a.proposal == nil {
		return nil, err
	}
	s.closeSuperseded(ctx, last.Environment, nil)
	last.Landing = s.whereTo(a)
	return last, nil
}

// replacement gives the marker another content, by a push.
func (s Server) replacement(base remote.Base, m *candidate.Marker, after []byte, rec history.Record, title string) (*Proposal, error) {
	f, err := m.Replaced(after)
	if err != nil {
		return nil, err
	}
	return &Proposal{Base: base.Commit, Files: []git.File{f}, Record: rec, Title: title, Method: Push}, nil
}

// Show gives the environment with its marker, as the branch has it now, to look
// at.
func (s Server) Show(ctx context.Context, look func(context.Context, *candidate.Marker) error) error {
	return s.atTip(ctx, func(ctx context.Context, base remote.Base) error {
		m, err := candidate.Read(s.View.In(base.Tree))
		if err == nil {
			err = Present(m.Request)
		}
		if err != nil {
			return err
		}
		return look(ctx, m)
	})
}

// Bump is what a ref of the server changes, for a candidate. The caller runs done
// once the candidate is made.
func (s Server) Bump(ctx context.Context, ref string) (b candidate.Bump, done func(), err error) {
	commit, err := s.Repo.Resolve(ctx, ref)
	if err != nil {
		return b, nil, err
	}
	tree, err := s.Repo.Tree(ctx, commit)
	if err != nil {
		return b, nil, err
	}
	base, shared, err := s.common(ctx, commit)
	if err != nil {
		_ = tree.Close()
		return b, nil, err
	}
	done = func() { _, _ = tree.Close(), base.Close() }
	if b, err = candidate.NewBump(s.View, ref, commit, base, tree, shared); err != nil {
		done()
	}
	return b, done, err
}

// common is the last commit that another has in common with the branch, with its files:
// those of the branch's tip, where none is known.
func (s Server) common(ctx context.Context, commit string) (tree *git.Tree, shared string, err error) {
	shared, err = s.Repo.Base(ctx, s.Branch, commit, s.Commits)
	if err != nil {
		return nil, "", err
	}
	base := shared
	if base == "" {
		if base, err = s.Repo.Tip(ctx, s.Branch); err != nil {
			return nil, "", err
		}
	}
	tree, err = s.Repo.Tree(ctx, base)
	return tree, shared, err
}
