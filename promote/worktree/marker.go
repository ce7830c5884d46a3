package worktree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/promote/candidate"
	"github.com/assaydev/assay/render"
)

// Set puts a candidate under test.
func (d Dir) Set(ctx context.Context, put candidate.Put) (*candidate.Placement, error) {
	req, err := d.View.At(d.Root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = req.FS.Close() }()
	if err := d.undisturbed(ctx); err != nil {
		return nil, err
	}
	p, err := put.Place(ctx, req, candidate.Home{Branch: d.Branch, Past: d.memory, Before: d.before})
	if err != nil || d.DryRun || p.Live != "" {
		return p, err
	}
	f, err := p.Replaced(p.After)
	if err != nil {
		return p, err
	}
	if d.Commit {
		p.Committed, err = d.commitMarker(ctx, "candidate set", f, p.Record().Message(p.Title(), ""), req.FS.Charged())
		return p, err
	}
	if !p.Changes() {
		return p, nil
	}
	return p, d.Replace(ctx, "candidate set", f)
}

// commitMarker gives the marker another content and makes a commit of it, unless the last
// commit has it already. Its candidate was made from the files that were read.
func (d Dir) commitMarker(ctx context.Context, verb string, f git.File, message string, read []string) (bool, error) {
	repo, err := d.toCommit(ctx)
	if err != nil {
		return false, err
	}
	if err := only(ctx, repo, d.real(), []git.File{f}, read); err != nil {
		return false, err
	}
	last, err := d.lastCommit(ctx, repo)
	if err != nil {
		return false, err
	}
	defer last.close()
	was, err := last.FS.ReadFile(f.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if (err != nil) == (f.After == nil) && bytes.Equal(was, f.After) {
		if bytes.Equal(f.Before, f.After) {
			return false, nil
		}
		return false, d.Replace(ctx, verb, f)
	}
	r := &Record{Outcome: decision.Outcome(verb), Environment: d.env()}
	files := []git.File{f}
	return true, d.hold(ctx, func() error { return d.write(ctx, r.of(files), files, commitTo(repo, message)) })
}

// committed is the environment as the last commit has it.
type committed struct {
	render.Request
	close func()
}

func (d Dir) lastCommit(ctx context.Context, repo *local.Repo) (committed, error) {
	tree, err := repo.Tree(ctx, "HEAD")
	if err != nil {
		return committed{}, fmt.Errorf("make a commit: %w", err)
	}
	return committed{d.View.In(tree), func() { _ = tree.Close() }}, nil
}

// Clear withdraws candidates; nil where there is none.
func (d Dir) Clear(ctx context.Context, which candidate.Which) (*candidate.Withdrawal, error) {
	req, err := d.View.At(d.Root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = req.FS.Close() }()
	w, err := which.Withdraw(ctx, req)
	if w == nil && err == nil && d.Commit {
		return d.clearLast(ctx, which)
	}
	if w == nil || err != nil {
		return nil, err
	}
	if err := d.undisturbed(ctx); err != nil {
		return nil, err
	}
	f, err := w.Replaced(w.Rest)
	if err != nil {
		return nil, err
	}
	if d.Commit {
		w.Committed, err = d.commitMarker(ctx, "candidate clear", f, w.Record().Message(w.Title(), ""), nil)
		return w, err
	}
	return w, d.Replace(ctx, "candidate clear", f)
}

// clearLast commits that the candidates of the last commit are withdrawn, where the marker
// is removed here already; nil where it has none.
func (d Dir) clearLast(ctx context.Context, which candidate.Which) (*candidate.Withdrawal, error) {
	repo, err := d.toCommit(ctx)
	if err != nil {
		return nil, err
	}
	last, err := d.lastCommit(ctx, repo)
	if err != nil {
		return nil, err
	}
	defer last.close()
	w, err := which.Withdraw(ctx, last.Request)
	if w == nil || w.Rest != nil || err != nil {
		return nil, err
	}
	f, err := w.Replaced(nil)
	if err != nil {
		return nil, err
	}
	f.Before = nil
	w.Committed, err = d.commitMarker(ctx, "candidate clear", f, w.Record().Message(w.Title(), ""), nil)
	return w, err
}

// Show gives the environment with its marker to look at.
func (d Dir) Show(ctx context.Context, look func(context.Context, *candidate.Marker) error) error {
	req, err := d.View.At(d.Root)
	if err != nil {
		return err
	}
	defer func() { _ = req.FS.Close() }()
	m, err := candidate.Read(req)
	if err != nil {
		return err
	}
	return look(ctx, m)
}

// Bump is what a revision of the repository changes, for a candidate. The caller
// runs what close returns once the candidate is made.
func (d Dir) Bump(ctx context.Context, ref string) (b candidate.Bump, done func(), err error) {
	repo, err := local.Open(ctx, d.Root, d.Process)
	if err != nil {
		return b, nil, err
	}
	commit, err := repo.Resolve(ctx, ref)
	if err != nil {
		return b, nil, err
	}
	tree, err := repo.Tree(ctx, commit)
	if err != nil {
		return b, nil, err
	}
	base, shared, err := common(ctx, repo, commit)
	if err != nil {
		_ = tree.Close()
		return b, nil, err
	}
	done = func() { _, _ = tree.Close(), base.Close() }
	if b, err = candidate.NewBump(d.View, ref, commit, base, tree, shared); err != nil {
		done()
	}
	return b, done, err
}

// common is the last commit that a revision has in common with the one that is
// checked out, with its files: those of that one, where none is known.
func common(ctx context.Context, repo *local.Repo, commit string) (tree *git.Tree, shared string, err error) {
	head, err := repo.Head(ctx)
	if err != nil {
		return nil, "", err
	}
	shared, err = repo.Base(ctx, head, commit)
	switch {
	case err == nil:
		head = shared
	case !errors.Is(err, local.ErrUnrelated):
		return nil, "", err
	}
	tree, err = repo.Tree(ctx, head)
	return tree, shared, err
}

// undisturbed refuses to touch a marker while a decision about it is half
// written.
func (d Dir) undisturbed(ctx context.Context) error {
	d.foreign()
	record, err := d.Interrupted(ctx)
	if err == nil && record != nil {
		err = fmt.Errorf("%s: %s was interrupted while it was written: run assay %s again with the same flags first",
			d.env(), record.What(), record.Outcome)
	}
	return err
}
