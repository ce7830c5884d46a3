package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
)

// Interrupted returns the record of an earlier command on the environment that was
// killed while it wrote; nil if there is none.
func (d Dir) Interrupted(ctx context.Context) (*Record, error) {
	s, err := d.store(ctx)
	if err != nil {
		return nil, err
	}
	return s.load()
}

// Resume finishes what an earlier command on the environment left undone when it
// was killed, and returns its record; nil if there is nothing to finish. A file
// that was edited since is an error, and nothing has changed then. The outcome must
// be the same: half a promotion cannot become a rejection.
func (d Dir) Resume(ctx context.Context, outcome decision.Outcome) (r *Record, err error) {
	err = d.hold(ctx, func() error {
		r, err = d.resume(ctx, outcome, nil)
		return err
	})
	return r, err
}

func (d Dir) resume(ctx context.Context, outcome decision.Outcome, commit *commit) (*Record, error) {
	w, err := d.writer(ctx)
	if err != nil {
		return nil, err
	}
	defer w.close()
	r, err := w.store.load()
	if r == nil || err != nil {
		return nil, err
	}
	if outcome != "" && r.Outcome != outcome {
		return r, fmt.Errorf("%s: %s was interrupted while it was written: run assay %s with the same flags to finish it first",
			w.store.name(), r.What(), r.Outcome)
	}
	if err := w.believe(ctx, r); err != nil {
		return r, fmt.Errorf("%w, since %s was interrupted: restore the environment's files and remove %s, then start again",
			err, strings.Replace(r.What(), "a decision", "the decision", 1), w.store.name())
	}
	return r, w.finish(ctx, r, commit)
}

// believe holds a record that was read back against what is on the disk and in
// Git: it may be of another time.
func (w *writer) believe(ctx context.Context, r *Record) error {
	if err := r.check(w.store, w.marker()); err != nil {
		return err
	}
	if err := w.untracked(ctx, r); err != nil {
		return err
	}
	var files []git.File
	for _, f := range r.Files {
		if err := w.direct(f); err != nil {
			return err
		}
		pending, err := w.pending(f)
		if err != nil {
			return err
		}
		file := git.File{Path: f.Path}
		if f.After != "" {
			name := filepath.FromSlash(f.Path)
			if pending {
				name = staged(f.Path)
			}
			if file.After, err = w.root.ReadFile(name); err != nil {
				return fmt.Errorf("read %s: %w", f.Path, excerpt.Cause(err))
			}
		}
		files = append(files, file)
	}
	if r.Commit == "" {
		return nil
	}
	if w.store.repo == nil {
		return errors.New("there is no Git repository any more")
	}
	return holds(ctx, w.store.repo, r.Commit, files)
}

// direct refuses a path with a link on the way. A file that is a link itself can
// only be removed: what is edited is the file that it leads to.
func (w *writer) direct(f RecordFile) error {
	for at := f.Path; at != "."; at = path.Dir(at) {
		info, err := w.root.Lstat(filepath.FromSlash(at))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("read %s: %w", at, excerpt.Cause(err))
		case info.Mode()&fs.ModeSymlink != 0 && (at != f.Path || f.After != ""):
			return fmt.Errorf("%s has become a link", at)
		}
	}
	return nil
}

// pending reports whether a file has still to be replaced. A content that is
// neither the old nor the new one is an error.
func (w *writer) pending(f RecordFile) (bool, error) {
	data, err := w.root.ReadFile(filepath.FromSlash(f.Path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		data = nil
	case err != nil:
		return false, fmt.Errorf("read %s: %w", f.Path, excerpt.Cause(err))
	case data == nil:
		data = []byte{}
	}
	switch hash(data) {
	case f.After:
		return false, nil
	case f.Before:
	default:
		return false, fmt.Errorf("%s has been edited", f.Path)
	}
	if f.After == "" {
		return true, nil
	}
	part, err := w.root.ReadFile(staged(f.Path))
	if info, e := w.root.Lstat(staged(f.Path)); e == nil && !info.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	if err != nil || hash(part) != f.After {
		return false, fmt.Errorf("%s, which holds the new content of %s, is missing or has been edited", filepath.ToSlash(staged(f.Path)), f.Path)
	}
	return true, nil
}

// finish replaces the files that still hold their old content, the marker
// last, takes the visible step of the commit, and removes the record.
//
// It is not cancelled: what was decided is to be written.
func (w *writer) finish(ctx context.Context, r *Record, commit *commit) error {
	ctx = context.WithoutCancel(ctx)
	var paths []string
	for _, f := range r.Files {
		paths = append(paths, f.Path)
		if err := w.replace(f); err != nil {
			return err
		}
	}
	if r.Commit != "" && commit != nil {
		w.step("land commit")
		if err := commit.land(ctx, r.Commit); err != nil {
			return err
		}
		w.step("update the index")
		if err := commit.updateIndex(ctx, paths); err != nil {
			return &lateError{err}
		}
	}
	w.step("remove record")
	if err := w.store.remove(); err != nil {
		return &lateError{err}
	}
	return nil
}

// lateError comes when the decision is already visible: it is not undone.
type lateError struct{ error }

func (e *lateError) Unwrap() error { return e.error }

func (w *writer) replace(f RecordFile) error {
	pending, err := w.pending(f)
	if err != nil || !pending {
		return err
	}
	w.step("replace " + f.Path)
	if f.After == "" {
		if err := w.root.Remove(filepath.FromSlash(f.Path)); err != nil {
			return fmt.Errorf("remove %s: %w", f.Path, excerpt.Cause(err))
		}
	} else if err := w.root.Rename(staged(f.Path), filepath.FromSlash(f.Path)); err != nil {
		return fmt.Errorf("write %s: %w", f.Path, excerpt.Cause(err))
	}
	if err := w.syncDir(path.Dir(f.Path)); err != nil {
		return fmt.Errorf("write %s: %w", f.Path, excerpt.Cause(err))
	}
	return nil
}
