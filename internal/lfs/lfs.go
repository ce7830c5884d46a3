// Package lfs tells the pointers that Git LFS keeps in Git in place of files.
// Argo CD gives a plugin the files themselves only where it is told to, and Assay
// reads Git alone: what such a file holds can be neither rendered nor edited.
package lfs

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/assaydev/assay/internal/envfs"
)

// start is how a pointer begins.
// https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
const start = "version https://git-lfs.github.com/spec/"

// most is how many bytes a pointer has at the most, by the specification.
const most = 1024

// Check is an error for a file that is a pointer.
func Check(name string, data []byte) error {
	if !isPointer(data) {
		return nil
	}
	return fmt.Errorf("%s is a pointer of Git LFS, and what it stands for is not in Git: run git lfs untrack for it, and commit the file itself", name)
}

func isPointer(data []byte) bool {
	return len(data) < most && bytes.HasPrefix(data, []byte(start))
}

// Explain adds to an error in an environment that one of its YAML or JSON files
// is a pointer.
func Explain(fsys *envfs.FS, dir string, err error) error {
	if err == nil {
		return nil
	}
	var found error
	_ = fs.WalkDir(fsys, dir, func(name string, d fs.DirEntry, walkErr error) error {
		if walkErr != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)) {
			return walkErr
		}
		info, infoErr := d.Info()
		if infoErr != nil || info.Size() >= most {
			return infoErr
		}
		data, readErr := fsys.ReadFile(name)
		if found = Check(name, data); readErr != nil || found != nil {
			return fs.SkipAll
		}
		return nil
	})
	if found == nil {
		return err
	}
	return fmt.Errorf("%w; %w", err, found)
}
