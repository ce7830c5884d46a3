package worktree

import (
	"context"
	"fmt"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/candidate"
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
	if d.Commit {
		p.Committed, err = d.commitMarker(ctx, p)
		return p, err
	}
	if !p.Changes() {
		return p, nil
	}
	return p, d.replace(ctx, "candidate set", p.Marker, p.After)
}

// commitMarker writes the marker and makes a commit of it, unless there is one already.
func (d Dir) commitMarker(ctx context.Context, p *candidate.Placement) (bool, error) {
	repo, err := d.toCommit(ctx)
	if err != nil {
		return false, err
	}
	f, err := promote.Before(p.FS, p.Path)
	if err != nil {
		return false, err
	}
	f.After = p.After
	files := []git.File{f}
	if err := only(ctx, repo, p.Dir, files); err != nil {
		return false, err
	}
	if !p.Changes() {
		dirty, err := repo.Dirty(ctx, p.Dir, func(name string) bool { return name != f.Path })
		if len(dirty) == 0 || err != nil {
			return false, err
		}
	}
	r := &Record{Outcome: "candidate set", Environment: d.env()}
	commit := commitTo(repo, p.Record().Message(p.Title(), ""))
	return true, d.hold(ctx, func() error { return d.write(ctx, r.of(files), files, commit) })
}

// Clear withdraws candidates; nil where there is none.
func (d Dir) Clear(ctx context.Context, which candidate.Which) (*candidate.Withdrawal, error) {
	req, err := d.View.At(d.Root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = req.FS.Close() }()
	w, err := which.Withdraw(ctx, req)
	if w == nil || err != nil {
		return nil, err
	}
	if err := d.undisturbed(ctx); err != nil {
		return nil, err
	}
	return w, d.replace(ctx, "candidate clear", w.Marker, w.Rest)
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
	base, known, err := common(ctx, repo, commit)
	if err != nil {
		_ = tree.Close()
		return b, nil, err
	}
	done = func() { _, _ = tree.Close(), base.Close() }
	if b, err = candidate.NewBump(d.View, ref, commit, base, tree, known); err != nil {
		done()
	}
	return b, done, err
}

// common is the last commit that a revision has in common with the one that is
// checked out, or that one, where none is known.
func common(ctx context.Context, repo *local.Repo, commit string) (tree *git.Tree, known bool, err error) {
	head, err := repo.Head(ctx)
	if err != nil {
		return nil, false, err
	}
	if base, err := repo.Base(ctx, head, commit); err == nil {
		head, known = base, true
	}
	tree, err = repo.Tree(ctx, head)
	return tree, known, err
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

// replace gives the marker another content; nil removes it. A link is followed,
// unless it is what is removed.
func (d Dir) replace(ctx context.Context, verb string, m *candidate.Marker, data []byte) error {
	f := git.File{Path: m.Path, Before: m.Data}
	if data != nil {
		var err error
		if f, err = promote.Before(m.FS, m.Path); err != nil {
			return err
		}
	}
	f.After = data
	return d.Replace(ctx, verb, f)
}
