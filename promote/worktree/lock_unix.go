//go:build unix

package worktree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/assaydev/assay/internal/excerpt"
)

// lock keeps two decisions on one environment apart. It ends with the process.
func lock(root *os.Root, dir string) (*os.File, error) {
	file, err := root.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, excerpt.Cause(err))
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		_ = file.Close()
		return nil, fmt.Errorf("%s: another promotion or rejection is being written there: wait for it, and start again", dir)
	}
	return file, nil // where locks are not supported, there are none
}

// like gives the file the mode and the owner of another.
func like(file *os.File, info fs.FileInfo) error {
	if err := file.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	now, err := file.Stat()
	if err != nil {
		return err
	}
	was, ok := info.Sys().(*syscall.Stat_t)
	is, also := now.Sys().(*syscall.Stat_t)
	if !ok || !also || was.Uid == is.Uid && was.Gid == is.Gid {
		return nil
	}
	return file.Chown(int(was.Uid), int(was.Gid))
}
