package branch

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/promote"
)

// pushBranch is the change that brings the proposal to its own branch; nil where
// that holds it already, or where people have closed its pull request. What is
// there is kept if merging it does what was proven on the tip; it is replaced
// only if it is Assay's.
func (l *landing) pushBranch(ctx context.Context, base remote.Base, r *attempt) (*remote.Change, error) {
	p := r.proposal
	r.pull = &promote.Pull{Head: p.head()}
	if closed, err := l.refused(ctx, r.pull); closed || err != nil {
		return nil, err
	}
	ref := remote.Ref{Name: "refs/heads/" + r.pull.Head}
	refs, err := l.Repo.Refs(ctx, ref.Name)
	if err != nil {
		return nil, err
	}
	if ref.Expect = refs[ref.Name]; ref.Expect != "" {
		kept, err := l.keep(ctx, base, p, ref.Expect)
		switch {
		case errors.Is(err, errForeign):
			return nil, fmt.Errorf("the branch %s %w, and is left as it is: merge it, or delete it and run the same command again", r.pull.Head, err)
		case errors.Is(err, errUprooted):
			return nil, fmt.Errorf("the branch %s %w, and stands on some that the branch %s does not have, as after a forced push; it is left as it is: a merge would bring all of them in: keep what you want of it, delete it, and run the same command again",
				r.pull.Head, err, l.Branch)
		case err != nil:
			return nil, err
		case kept:
			r.commit = ref.Expect
			return nil, l.keepPending(ctx, p.Record)
		}
	}
	pending, err := l.pending(ctx, p.Record)
	return &remote.Change{
		Files: p.Files, Message: p.Message(), Ref: &ref,
		Also: func(string) []remote.Ref { return pending },
	}, err
}

var (
	// errForeign is returned for a branch that people have worked on.
	errForeign = errors.New("holds commits that are not Assay's")
	// errUprooted is returned for one that is not in the history of its base
	// either.
	errUprooted = errors.New("holds commits that are not Assay's")
)

// keep reports whether the commit of the proposal's branch stays: merging it
// does what was proven on the tip. Where it has to be replaced, and is not
// Assay's alone, the error is errForeign or errUprooted.
func (l *landing) keep(ctx context.Context, base remote.Base, p *Proposal, commit string) (bool, error) {
	parents, err := l.Repo.Parents(ctx, commit)
	if err != nil {
		return false, err
	}
	if len(parents) != 1 {
		return false, errForeign
	}
	rooted, err := l.rooted(ctx, base, parents[0])
	if err != nil {
		return false, err
	}
	foreign := errForeign
	if !rooted {
		foreign = errUprooted
	}
	there, err := l.remake(ctx, p, parents[0], commit)
	if err != nil {
		return false, err
	}
	if there == nil {
		return false, foreign
	}
	same, err := l.tellsOf(ctx, commit, p.Record)
	if err != nil {
		return false, err
	}
	if rooted && same && slices.EqualFunc(there.Files, p.Files, git.SameFile) && !l.outdated[commit] {
		p.Base, p.Rendered = there.Base, there.Rendered // what its pull request tells does not change with the tip
		return true, nil
	}
	own, err := l.Repo.IsOwn(ctx, commit)
	if err == nil && !own {
		err = foreign
	}
	return false, err
}

// tellsOf reports whether a commit tells of the very experiment of a record. The
// name of a branch has the ID alone, which another experiment may have.
func (l *landing) tellsOf(ctx context.Context, commit string, rec history.Record) (bool, error) {
	entries, err := l.Repo.Entries(ctx, commit)
	if err != nil || len(entries) != 1 {
		return false, err
	}
	told, ok := history.Parse(entries[0])
	return ok && told.Digest == rec.Digest && told.Outcome == rec.Outcome && told.Environment == rec.Environment, nil
}

// rooted reports whether a commit is in the base's history. Assay builds on
// nothing else: either people put commits below its own, or they gave the base
// another history.
func (l *landing) rooted(ctx context.Context, base remote.Base, commit string) (bool, error) {
	if commit == base.Commit {
		return true, nil
	}
	_, err := l.Repo.Landed(ctx, l.Branch, commit, commit)
	if errors.Is(err, remote.ErrRewritten) {
		return false, nil
	}
	return err == nil, err
}

// remake makes a proposal again on a commit; nil if that does not give the very
// files of made.
func (l *landing) remake(ctx context.Context, p *Proposal, parent, made string) (*Proposal, error) {
	tree, err := l.Repo.Tree(ctx, parent)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tree.Close() }()
	step := p.again
	if step == nil {
		step = l.step
	}
	there, err := step(ctx, remote.Base{Branch: l.Branch, Commit: parent, Tree: tree})
	switch {
	case ctx.Err() != nil, isServers(err):
		return nil, err
	case err != nil, there == nil, there.Record.Digest != p.Record.Digest:
		return nil, nil // what cannot be proposed there was not proposed there
	}
	there.Base = parent
	commit, err := l.Repo.Commit(ctx, parent, there.Files, there.Message())
	if err != nil {
		return nil, err
	}
	want, err := l.Repo.TreeID(ctx, commit)
	if err != nil {
		return nil, err
	}
	got, err := l.Repo.TreeID(ctx, made)
	if err != nil || got != want {
		return nil, err
	}
	return there, nil
}

// isServers tells errors of the server from those of what it holds.
func isServers(err error) bool {
	var away *remote.UnavailableError
	var gone *remote.UnreachableError
	var refused *remote.RefusedError
	return errors.As(err, &away) || errors.As(err, &gone) || errors.As(err, &refused) || errors.Is(err, remote.ErrNoCommit)
}

// refused reports whether people have closed the pull request of the branch.
func (s Server) refused(ctx context.Context, pull *promote.Pull) (bool, error) {
	if s.Forge == nil {
		return false, nil
	}
	list, err := s.Forge.Find(ctx, pull.Head, s.Branch)
	if err != nil || len(list) == 0 {
		return false, err
	}
	last := list[0]
	if last.State != forge.StateClosed || slices.Contains(last.Labels, supersededLabel) {
		return false, nil
	}
	pull.Number, pull.URL, pull.State = last.Number, last.URL, promote.Closed
	return true, nil
}
