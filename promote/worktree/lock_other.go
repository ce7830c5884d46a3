//go:build !unix

package worktree

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/assaydev/assay/internal/excerpt"
)

// lock has nothing to lock with here: the directory must exist.
func lock(root *os.Root, dir string) (*os.File, error) {
	file, err := root.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, excerpt.Cause(err))
	}
	return file, nil
}

// like gives the file the mode of another.
func like(file *os.File, info fs.FileInfo) error { return file.Chmod(info.Mode().Perm()) }
