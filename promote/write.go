package promote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Commit is what Write does beside the files: a commit of Git. Land and Settle
// may run again after a crash.
type Commit struct {
	// Prepare makes everything but the visible step, and returns what the
	// others need to know. A failure leaves nothing to undo.
	Prepare func(ctx context.Context, e *Edit) (state string, err error)
	// Land takes the visible step, unless it was taken already.
	Land func(ctx context.Context, state string) error
	// Settle tidies up after Land.
	Settle func(ctx context.Context, state string, paths []string) error
}

// Write makes the edit in the working tree at root. A file that is not what
// Prepare saw, or may not be written, is an error, and nothing has changed then.
//
// The contents are first staged beside the files, and a record of them is
// written beside the marker; then the files are replaced, one rename each, and
// the marker is the last. A process that is killed before the record leaves
// every file as it was; one that is killed later leaves the record, with which
// Resume finishes. Without it, some of the files could hold the change and others
// not, and a change that appends would be made twice.
func Write(ctx context.Context, root string, e *Edit, commit *Commit) error {
	return write(ctx, root, e, commit, func(string) {})
}

// write calls step before everything that a crash could separate from what
// came before.
func write(ctx context.Context, root string, e *Edit, commit *Commit, step func(string)) error {
	w, err := openWriter(root, e.Dir, e.Name, step)
	if err != nil {
		return err
	}
	defer w.close()
	if _, err := w.root.Lstat(w.record); err == nil {
		return fmt.Errorf("%s: %w", filepath.ToSlash(w.record), ErrInterrupted)
	}
	r, err := w.prepare(ctx, e, commit)
	if err != nil {
		w.drop(e)
		return err
	}
	err = w.finish(ctx, r, commit)
	var late *lateError
	if err == nil || !errors.As(err, &late) && w.rollBack(e) == nil {
		return err
	}
	return fmt.Errorf("%w; run the same command again to finish", err)
}

// writer writes in one repository.
type writer struct {
	root   *os.Root
	lock   *os.File
	record string // beside the marker
	step   func(string)
}

func openWriter(dir, env, name string, step func(string)) (*writer, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", pathless(err))
	}
	w := &writer{root: root, step: step}
	if w.record, err = recordName(env, name); err == nil {
		w.lock, err = lock(root, filepath.FromSlash(env))
	}
	if err != nil {
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

// prepare does all that can fail, up to the record.
func (w *writer) prepare(ctx context.Context, e *Edit, commit *Commit) (*Record, error) {
	for _, f := range e.Files {
		if err := w.unchanged(f); err != nil {
			return nil, err
		}
	}
	w.sweep()
	for _, f := range e.Files {
		if f.After == nil {
			continue
		}
		w.step("stage " + f.Path)
		if err := w.stage(f); err != nil {
			return nil, fmt.Errorf("write %s: %w", f.Path, pathless(err))
		}
	}
	r := newRecord(e)
	if commit != nil {
		w.step("prepare commit")
		var err error
		if r.Commit, err = commit.Prepare(ctx, e); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.step("record")
	if err := w.save(r); err != nil {
		return nil, fmt.Errorf("write %s: %w", w.record, pathless(err))
	}
	return r, nil
}

// unchanged compares a file with what Prepare saw, and asks whether it may be
// replaced: a rename would replace a read-only file too.
func (w *writer) unchanged(f File) error {
	name := filepath.FromSlash(f.Path)
	data, err := w.root.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && f.Before == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: it has been removed meanwhile: look at it, and start again", f.Path)
	case err != nil:
		return fmt.Errorf("read %s: %w", f.Path, pathless(err))
	case f.Before == nil || !bytes.Equal(data, f.Before):
		return fmt.Errorf("%s: it has changed meanwhile: look at it, and start again", f.Path)
	}
	info, err := w.root.Stat(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", f.Path, pathless(err))
	}
	if info.Mode().Perm()&0o200 == 0 {
		return fmt.Errorf("%s: it is read-only: make it writable with chmod u+w", f.Path)
	}
	return nil
}

// stage writes the content, with the mode and the owner of the file that it
// replaces, through to the disk.
func (w *writer) stage(f File) error {
	name := staged(f.Path)
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

// drop removes what was staged. Nothing else was done yet.
func (w *writer) drop(e *Edit) {
	_ = w.root.Remove(w.record)
	_ = w.root.Remove(w.record + ".part")
	for _, f := range e.Files {
		if f.After != nil {
			_ = w.root.Remove(staged(f.Path))
		}
	}
}

// rollBack puts back the files that were replaced before a failure.
func (w *writer) rollBack(e *Edit) error {
	for _, f := range e.Files {
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
			if err = w.stage(File{f.Path, f.After, f.Before}); err == nil {
				err = w.root.Rename(staged(f.Path), name)
			}
		}
		if err != nil {
			return err
		}
	}
	w.drop(e)
	return nil
}

// pathless drops the machine's path from an error of the operating system.
func pathless(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	var linkError *os.LinkError
	if errors.As(err, &linkError) {
		return linkError.Err
	}
	return err
}
