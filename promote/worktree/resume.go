package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// Resume finishes what an earlier command on the environment left undone when it
// was killed, and returns its record; nil if there is nothing to finish. A file
// that was edited since is an error, and nothing has changed then. The outcome must
// be the same: half a promotion cannot become a rejection.
func Resume(ctx context.Context, root string, env spec.Environment, outcome promote.Outcome) (*Record, error) {
	return resume(ctx, root, env, outcome, nil, quiet)
}

func resume(ctx context.Context, root string, env spec.Environment, outcome promote.Outcome, commit *commit, step func(string)) (*Record, error) {
	w, err := openWriter(root, env, step)
	if err != nil {
		return nil, err
	}
	defer w.close()
	r, err := readRecord(w.root, w.record)
	if r == nil || err != nil {
		return nil, err
	}
	if outcome != "" && r.Outcome != outcome {
		return r, fmt.Errorf("%s: %s was interrupted while it was written: run assay %s with the same flags to finish it first",
			filepath.ToSlash(w.record), r.What(), r.Outcome)
	}
	for _, f := range r.Files {
		if _, err := w.pending(f); err != nil {
			return r, fmt.Errorf("%w, since %s was interrupted: restore the environment's files and remove %s, then start again",
				err, strings.Replace(r.What(), "a decision", "the decision", 1), filepath.ToSlash(w.record))
		}
	}
	return r, w.finish(ctx, r, commit)
}

// pending tells whether a file has still to be replaced. A content that is
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
		w.step("settle commit")
		if err := commit.settle(ctx, paths); err != nil {
			return &lateError{err}
		}
	}
	w.step("remove record")
	if err := w.root.Remove(w.record); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &lateError{fmt.Errorf("remove %s: %w", filepath.ToSlash(w.record), excerpt.Cause(err))}
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
