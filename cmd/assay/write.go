package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// writeFiles writes files, named by slash paths relative to dir, once all of
// their contents are on the disk: a failure before leaves everything as it
// was, and a reader sees the old or the new content of a file.
func writeFiles(ctx context.Context, dir string, files map[string][]byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open directory: %w", pathless(err))
	}
	defer func() { _ = root.Close() }()
	names := slices.Sorted(maps.Keys(files))
	for i, name := range names {
		err := stage(root, name, files[name])
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			unstage(root, names[:i+1])
			return fmt.Errorf("write %s: %w", name, pathless(err))
		}
	}
	for i, name := range names {
		if err := root.Rename(staged(name), filepath.FromSlash(name)); err != nil {
			unstage(root, names[i:])
			return fmt.Errorf("write %s: %w", name, pathless(err))
		}
	}
	return nil
}

// staged is where a file's content waits. No layout reads that ending.
func staged(name string) string { return filepath.FromSlash(name) + ".assay-part" }

func stage(root *os.Root, name string, data []byte) error {
	if err := root.MkdirAll(filepath.Dir(filepath.FromSlash(name)), 0o750); err != nil {
		return err
	}
	return root.WriteFile(staged(name), data, 0o644)
}

// unstage removes what stage left, and the directories that it made.
func unstage(root *os.Root, names []string) {
	for _, name := range names {
		_ = root.Remove(staged(name))
		_ = root.Remove(filepath.Dir(filepath.FromSlash(name))) // fails unless it is empty
	}
}
