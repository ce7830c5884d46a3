// Package worktree edits environments in a directory of this machine. It is the
// only writer of files there.
//
//  1. Dir's verbs make a proven edit (promote.Prepare), or another marker (package
//     candidate), and Replace takes the files of other commands (dir.go). All lock
//     the environment's directory, and hold every file against what the edit was
//     made from (write.go).
//  2. The contents are staged beside the files, with their modes and owners, and
//     synced. A link is edited where it leads to.
//  3. A record of them is written where no content of the repository can put it
//     (store.go, record.go). Then the files are replaced, one rename each, in
//     order: the marker is the last.
//  4. A process that is killed before the record leaves every file as it was; one
//     that is killed later leaves the record, with which Resume finishes
//     (resume.go). Without it, some of the files could hold the change and others
//     not, and a change that appends would be made twice.
package worktree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/dotgit"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/spec"
)

// Replace gives files of the environment, named by their paths in the repository,
// new contents: what a command makes that decides nothing. The verb is the
// command, as people would run it again. A file that is not what it was read as,
// or may not be written, is an error, and nothing has changed then.
func (d Dir) Replace(ctx context.Context, verb string, files ...git.File) error {
	r := &Record{Outcome: decision.Outcome(verb), Environment: d.env()}
	return d.hold(ctx, func() error { return d.write(ctx, r.of(files), files, nil) })
}

// quiet is not a step.
func quiet(string) {}

// write makes a proven edit in the directory. A file that is not what the edit was
// proven on, or may not be written, is an error, and nothing has changed then.
func (d Dir) write(ctx context.Context, r *Record, files []git.File, commit *commit) error {
	w, err := d.writer(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	if _, err := os.Lstat(w.store.file); err == nil {
		return fmt.Errorf("%s: %w", w.store.name(), ErrInterrupted)
	}
	if err := w.prepare(ctx, r, files, commit); err != nil {
		w.drop(files)
		return err
	}
	err = w.finish(ctx, r, commit)
	var late *lateError
	if err == nil || !errors.As(err, &late) && w.rollBack(files) == nil {
		return err
	}
	return fmt.Errorf("%w; run the same command again to finish", err)
}

// writer writes in one repository.
type writer struct {
	root  *os.Root
	lock  *os.File
	store *store
	made  []string // directories that staging made, outermost first
	step  func(string)
}

func (d Dir) writer(ctx context.Context) (*writer, error) {
	s, err := d.store(ctx)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(d.Root)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", excerpt.Cause(err))
	}
	w := &writer{root: root, store: s, step: d.steps()}
	if w.lock, err = lock(root, filepath.FromSlash(d.env().Dir)); err != nil {
		_ = root.Close()
		return nil, err
	}
	return w, nil
}

func (w *writer) close() {
	_ = w.lock.Close()
	_ = w.root.Close()
}

// staged is where a file's content waits, in the same directory.
func staged(name string) string {
	return filepath.FromSlash(path.Join(path.Dir(name), "."+path.Base(name)+partSuffix))
}

// prepare does all that can fail, up to the record. One file that decides
// nothing needs none: its rename is the only step. A decision needs one even
// then: made again, it would be about the candidate that moved up.
func (w *writer) prepare(ctx context.Context, r *Record, files []git.File, commit *commit) error {
	for _, f := range files {
		if dotgit.Inside(f.Path) {
			return fmt.Errorf("write %s: %w", f.Path, dotgit.ErrInside)
		}
		if err := w.unchanged(f); err != nil {
			return err
		}
	}
	r.Root, r.Environment = w.store.root, w.store.env
	if err := r.check(w.store, w.marker()); err != nil {
		return fmt.Errorf("write %s: %w", r.Environment, err)
	}
	if err := w.store.ready(); err != nil {
		return err
	}
	if err := w.untracked(ctx, r); err != nil {
		return err
	}
	if err := w.sweep(ctx); err != nil {
		return err
	}
	for _, f := range files {
		if f.After == nil {
			continue
		}
		w.step("stage " + f.Path)
		if err := w.stage(f); err != nil {
			return fmt.Errorf("write %s: %w", f.Path, excerpt.Cause(err))
		}
	}
	if commit != nil {
		w.step("prepare commit")
		var err error
		if r.Commit, err = commit.prepare(ctx, files); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(files) == 1 && !r.decides() {
		return nil
	}
	w.step("record")
	if err := w.save(r); err != nil {
		return fmt.Errorf("write %s: %w", w.store.name(), excerpt.Cause(err))
	}
	return nil
}

// save makes the record appear once all before it is on the disk.
func (w *writer) save(r *Record) error {
	for _, f := range r.Files {
		if err := w.syncDir(path.Dir(f.Path)); err != nil {
			return err
		}
	}
	return w.store.save(r, w.step)
}

// syncDir makes renames and removals in a directory last.
func (w *writer) syncDir(name string) error {
	dir, err := w.root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return dir.Sync()
}

// marker is the path of the file that the environment's marker is, or leads to.
func (w *writer) marker() string {
	name, err := spec.CandidateFile(w.store.env.Name)
	if err != nil {
		return ""
	}
	name = path.Join(w.store.env.Dir, name)
	if at, err := filepath.EvalSymlinks(filepath.Join(w.store.root, filepath.FromSlash(name))); err == nil {
		if rel, err := filepath.Rel(w.store.root, at); err == nil {
			return filepath.ToSlash(rel)
		}
	}
	return name
}

// untracked refuses names of staged files that Git tracks: their content is the
// repository's, and not ours.
func (w *writer) untracked(ctx context.Context, r *Record) error {
	if w.store.repo == nil {
		return nil
	}
	var names []string
	for _, f := range r.Files {
		names = append(names, filepath.ToSlash(staged(f.Path)))
	}
	tracked, err := w.store.repo.Tracked(ctx, names)
	if err == nil && len(tracked) > 0 {
		err = fmt.Errorf("%s: Git tracks it, and new contents wait under that name before they take their place: remove it from the repository", tracked[0])
	}
	return err
}

// unchanged compares a file with what the edit was proven on, and asks whether it may be
// replaced: a rename would replace a read-only file too.
func (w *writer) unchanged(f git.File) error {
	name := filepath.FromSlash(f.Path)
	data, err := w.root.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && f.Before == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: it has been removed meanwhile: look at it, and start again", f.Path)
	case err != nil:
		return fmt.Errorf("read %s: %w", f.Path, excerpt.Cause(err))
	case f.Before == nil || !bytes.Equal(data, f.Before):
		return fmt.Errorf("%s: it has changed meanwhile: look at it, and start again", f.Path)
	}
	info, err := w.root.Stat(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", f.Path, excerpt.Cause(err))
	}
	if info.Mode().Perm()&0o200 == 0 {
		return fmt.Errorf("%s: it is read-only: make it writable with chmod u+w", f.Path)
	}
	return nil
}

// stage writes the content, with the mode and the owner of the file that it
// replaces, through to the disk.
func (w *writer) stage(f git.File) error {
	name := staged(f.Path)
	if err := w.mkdir(filepath.Dir(name)); err != nil {
		return err
	}
	if err := w.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // what a crash before the record left behind
	}
	file, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if info, err := w.root.Stat(filepath.FromSlash(f.Path)); err == nil {
		if err := like(file, info); err != nil {
			return err
		}
	}
	if _, err := file.Write(f.After); err != nil {
		return err
	}
	return file.Sync()
}

// mkdir makes the directory of a new file.
func (w *writer) mkdir(dir string) error {
	if _, err := w.root.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := w.mkdir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := w.root.Mkdir(dir, 0o750); err != nil {
		return err
	}
	w.made = append(w.made, dir)
	return w.syncDir(filepath.ToSlash(filepath.Dir(dir)))
}

// drop removes what was staged. Nothing else was done yet.
func (w *writer) drop(files []git.File) {
	w.store.drop()
	for _, f := range files {
		if f.After != nil {
			_ = w.root.Remove(staged(f.Path))
		}
	}
	for _, dir := range slices.Backward(w.made) {
		_ = w.root.Remove(dir) // one that holds more stays
	}
}

// rollBack puts back the files that were replaced before a failure.
func (w *writer) rollBack(files []git.File) error {
	for _, f := range files {
		name := filepath.FromSlash(f.Path)
		data, err := w.root.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		switch {
		case err == nil && f.Before != nil && bytes.Equal(data, f.Before), err != nil && f.Before == nil:
			continue
		case f.Before == nil:
			err = w.root.Remove(name)
		default:
			if err = w.stage(git.File{Path: f.Path, Before: f.After, After: f.Before}); err == nil {
				err = w.root.Rename(staged(f.Path), name)
			}
		}
		if err != nil {
			return err
		}
	}
	w.drop(files)
	return nil
}
