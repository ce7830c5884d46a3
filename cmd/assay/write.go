package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	s := staging{root: root}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		if err = ctx.Err(); err == nil {
			err = s.add(name, files[name])
		}
		if err != nil {
			s.drop()
			return fmt.Errorf("write %s: %w", name, pathless(err))
		}
	}
	for _, name := range names {
		if err := root.Rename(staged(name), filepath.FromSlash(name)); err != nil {
			s.drop()
			return fmt.Errorf("write %s: %w", name, pathless(err))
		}
	}
	return nil
}

// staged is where a file's content waits. No layout reads a name like that, and
// promote.IsStaged knows it.
func staged(name string) string {
	dir, base := filepath.Split(filepath.FromSlash(name))
	return filepath.Join(dir, "."+base+".assay-part")
}

// staging knows what to remove if not all goes well.
type staging struct {
	root *os.Root
	made []string // files and directories, in the order of their making
}

func (s *staging) add(name string, data []byte) error {
	dir := filepath.Dir(filepath.FromSlash(name))
	if err := s.mkdir(dir); err != nil {
		return err
	}
	s.made = append(s.made, staged(name))
	return s.root.WriteFile(staged(name), data, 0o644)
}

func (s *staging) mkdir(dir string) error {
	if _, err := s.root.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.mkdir(filepath.Dir(dir)); err != nil {
		return err
	}
	s.made = append(s.made, dir)
	return s.root.Mkdir(dir, 0o750)
}

func (s *staging) drop() {
	for _, name := range slices.Backward(s.made) {
		_ = s.root.Remove(name) // a directory that holds more stays
	}
}
