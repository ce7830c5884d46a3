package branch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
)

// offer opens the pull request, or brings the open one up to date, and merges
// it where the plan says so.
func (l *landing) offer(ctx context.Context, r *Result) error {
	if l.Forge == nil {
		r.Pull.State = Pushed
		if l.Compare != nil {
			r.Pull.URL = l.Compare(l.Branch, r.Pull.Head)
		}
		return nil
	}
	list, err := l.Forge.Find(ctx, r.Pull.Head, l.Branch)
	if err != nil {
		return err
	}
	title := excerpt.Of(r.Proposal.Title, forge.TitleLimit)
	body, err := l.body(r.Proposal)
	if err != nil {
		return err
	}
	if len(list) > 0 && list[0].State == forge.StateOpen {
		err = l.adopt(ctx, r.Pull, list[0], title, body)
	} else {
		err = l.open(ctx, r, title, body)
	}
	if err != nil || !r.Proposal.Auto {
		return err
	}
	return l.merge(ctx, r)
}

// open opens it. Where the branch has been merged meanwhile, or was long ago and
// the candidate came back, there is nothing to merge: the new tip tells.
func (l *landing) open(ctx context.Context, r *Result, title, body string) error {
	made, err := l.Forge.Create(ctx, forge.New{Head: r.Pull.Head, Base: l.Branch, Title: title, Body: body})
	if errors.Is(err, forge.ErrNoChange) {
		l.outdated[r.Commit] = true
		return &againError{err}
	}
	r.Pull.Number, r.Pull.URL, r.Pull.State = made.Number, made.URL, Opened
	return err
}

func (s Server) adopt(ctx context.Context, pull *Pull, open forge.Pull, title, body string) error {
	pull.Number, pull.URL, pull.State = open.Number, open.URL, Adopted
	if open.Title == title && open.Body == body {
		return nil
	}
	return s.Forge.Update(ctx, open.Number, forge.Change{Title: &title, Body: &body})
}

// merge merges the very commit that was proven, and looks at what came of it.
func (l *landing) merge(ctx context.Context, r *Result) error {
	m := forge.Merge{HeadSHA: r.Commit, Method: l.Method}
	if l.Method == forge.MethodSquash {
		// With the other methods the commit itself is on the branch, and tells.
		m.Title, m.Message, _ = strings.Cut(r.Proposal.Message(), "\n\n")
	}
	sha, err := l.Forge.Merge(ctx, r.Pull.Number, m)
	switch {
	case err == nil:
		r.Commit, r.Pull.State = sha, Merged
		return l.merged(ctx, r)
	case errors.Is(err, forge.ErrConflict):
		l.outdated[r.Commit] = true
		return &againError{err}
	case errors.Is(err, forge.ErrTryAgain), errors.Is(err, forge.ErrHeadMoved):
		return &againError{err}
	case errors.Is(err, forge.ErrNotMergeable):
		l.note("%s is not merged yet: %v", r.Pull.URL, err)
		return nil
	}
	return err
}

// merged holds the merge against what was proven: a forge merges on whatever the
// tip is by then.
func (l *landing) merged(ctx context.Context, r *Result) error {
	return l.AtTip(ctx, func(ctx context.Context, _ remote.Base) error {
		parents, err := l.Repo.Parents(ctx, r.Commit)
		if err != nil {
			return err
		}
		if len(parents) == 0 {
			return l.unproven(r)
		}
		landed, err := l.Repo.Landed(ctx, l.Branch, parents[0], r.Commit)
		if err != nil {
			return err
		}
		there, err := l.remake(ctx, r.Proposal, parents[0], r.Commit)
		if err == nil && (!landed || there == nil) {
			err = l.unproven(r)
		}
		if err != nil {
			return err
		}
		return l.settleClaims(ctx, r.Proposal.Record.Environment)
	})
}

func (l *landing) unproven(r *Result) error {
	return fmt.Errorf("%s was merged as commit %s, which is not what was proven: look at both, and take it back with assay revert", r.Pull.URL, git.Short(r.Commit))
}
