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
	"github.com/assaydev/assay/promote"
)

// openPull opens the pull request, or brings the open one up to date, and merges
// it where the plan says so.
func (l *landing) openPull(ctx context.Context, r *attempt) error {
	if l.Forge == nil {
		r.pull.State = promote.Pushed
		if l.Compare != nil {
			r.pull.URL = l.Compare(l.Branch, r.pull.Head)
		}
		return nil
	}
	list, err := l.Forge.Find(ctx, r.pull.Head, l.Branch)
	if err != nil {
		return err
	}
	title := excerpt.Of(excerpt.Inert(r.proposal.Title), forge.TitleLimit)
	body, err := l.body(r.proposal)
	if err != nil {
		return err
	}
	if len(list) > 0 && list[0].State == forge.StateOpen {
		err = l.adopt(ctx, r.pull, list[0], title, body)
	} else {
		err = l.open(ctx, r, title, body)
	}
	if err != nil || !r.proposal.Auto {
		return err
	}
	return l.merge(ctx, r)
}

// open opens it. Where the branch has been merged meanwhile, or was long ago and
// the candidate came back, there is nothing to merge: the new tip tells.
func (l *landing) open(ctx context.Context, r *attempt, title, body string) error {
	made, err := l.Forge.Create(ctx, forge.New{Head: r.pull.Head, Base: l.Branch, Title: title, Body: body})
	if errors.Is(err, forge.ErrNoChange) {
		l.outdated[r.commit] = true
		return &againError{err}
	}
	r.pull.Number, r.pull.URL, r.pull.State = made.Number, made.URL, promote.Opened
	return err
}

func (s Server) adopt(ctx context.Context, pull *promote.Pull, open forge.Pull, title, body string) error {
	pull.Number, pull.URL, pull.State = open.Number, open.URL, promote.Adopted
	if open.Title == title && open.Body == body {
		return nil
	}
	return s.Forge.Update(ctx, open.Number, forge.Change{Title: &title, Body: &body})
}

// merge merges the very commit that was proven, and looks at what came of it.
func (l *landing) merge(ctx context.Context, r *attempt) error {
	m := forge.Merge{HeadSHA: r.commit, Method: l.Method}
	if l.Method == forge.MethodSquash {
		// With the other methods the commit itself is on the branch, and tells.
		m.Title, m.Message, _ = strings.Cut(r.proposal.Message(), "\n\n")
	}
	sha, err := l.Forge.Merge(ctx, r.pull.Number, m)
	switch {
	case err == nil:
		r.commit, r.pull.State = sha, promote.Merged
		return l.merged(ctx, r)
	case errors.Is(err, forge.ErrConflict):
		l.outdated[r.commit] = true
		return &againError{err}
	case errors.Is(err, forge.ErrTryAgain), errors.Is(err, forge.ErrHeadMoved):
		return &againError{err}
	case errors.Is(err, forge.ErrNotMergeable):
		l.note("%s is not merged yet: %v", r.pull.URL, err)
		return nil
	}
	return err
}

// merged holds the merge against what was proven: a forge merges on whatever the
// tip is by then.
func (l *landing) merged(ctx context.Context, r *attempt) error {
	return l.atTip(ctx, func(ctx context.Context, _ remote.Base) error {
		parents, err := l.Repo.Parents(ctx, r.commit)
		if err != nil {
			return err
		}
		if len(parents) == 0 {
			return l.unproven(r)
		}
		landed, err := l.Repo.Landed(ctx, l.Branch, parents[0], r.commit)
		if err != nil {
			return err
		}
		there, err := l.remake(ctx, r.proposal, parents[0], r.commit)
		if err == nil && (!landed || there == nil) {
			err = l.unproven(r)
		}
		if err != nil {
			return err
		}
		return l.closePending(ctx, r.proposal.Record.Environment)
	})
}

func (l *landing) unproven(r *attempt) error {
	return fmt.Errorf("%s was merged as commit %s, which is not what was proven: look at both, and take it back with assay revert", r.pull.URL, git.Short(r.commit))
}
