package worktree

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
)

// partSuffix ends the names that a decision uses while it is written. No layout
// reads such a file: Helm leaves out hidden templates.
const partSuffix = ".assay-part"

// recordSuffix ended the name of a record that lay beside the marker. One that is
// found there is not trusted.
const recordSuffix = ".assay-record"

// IsStaged reports whether the file is one that a decision which was killed
// before its record may have left behind. Nothing refers to it.
func IsStaged(name string) bool {
	base := filepath.Base(name)
	return strings.HasPrefix(base, ".") && strings.HasSuffix(base, partSuffix)
}

// sweep removes such files from the environment's directory, unless a record still
// needs them to finish, or Git tracks them: then they are the repository's, and may be
// rendered. One that cannot be removed is refused by name if it is in the way.
func (w *writer) sweep(ctx context.Context) error {
	at := filepath.FromSlash(w.store.dir)
	dir, err := w.root.Open(at)
	if err != nil {
		return nil //nolint:nilerr // there is nothing to sweep
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	needed := w.store.needed()
	var left []string
	for _, name := range names {
		if at := filepath.Join(at, name); IsStaged(name) && !needed[at] {
			left = append(left, filepath.ToSlash(at))
		}
	}
	var tracked []string
	if w.store.repo != nil {
		if tracked, err = w.store.repo.Tracked(ctx, left); err != nil {
			return err
		}
	}
	for _, name := range left {
		if !slices.Contains(tracked, name) {
			_ = w.root.Remove(filepath.FromSlash(name))
		}
	}
	return nil
}
