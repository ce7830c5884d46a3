package worktree

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
)

// Fill writes files to a new or empty directory, which is not an environment: all of them,
// or none. Their names may come from anybody, and do not lead out of it.
func Fill(ctx context.Context, dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make directory %s: %w", dir, excerpt.Cause(err))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read directory %s: %w", dir, excerpt.Cause(err))
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: name a new or empty directory", dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open directory %s: %w", dir, excerpt.Cause(err))
	}
	defer func() { _ = root.Close() }()
	w := &writer{root: root, step: func(string) {}}
	var list []git.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, git.File{Path: name, After: files[name]})
	}
	if err := w.fill(ctx, list); err != nil {
		for _, f := range list {
			_ = root.Remove(f.Path)
			_ = root.Remove(staged(f.Path))
		}
		return fmt.Errorf("write to %s: %w", dir, err)
	}
	return nil
}

func (w *writer) fill(ctx context.Context, files []git.File) error {
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.stage(f); err != nil {
			return fmt.Errorf("%s: %w", f.Path, excerpt.Cause(err))
		}
	}
	for _, f := range files {
		if err := w.root.Rename(staged(f.Path), f.Path); err != nil {
			return fmt.Errorf("%s: %w", f.Path, excerpt.Cause(err))
		}
	}
	return excerpt.Cause(w.syncDir("."))
}
