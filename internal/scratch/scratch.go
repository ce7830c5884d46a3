// Package scratch makes directories for what need not outlive the process.
//
//  1. Make removes what processes that were killed have left: their locks ended
//     with them.
//  2. It makes a directory that this user alone can read, and locks it for as
//     long as the process lives.
//  3. Remove ends both. A process that is killed gets no further than that, and
//     the next one does 1.
package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// orphanAge is how old a directory is before somebody else removes it: between its
// making and its locking, nothing tells that it is in use.
const orphanAge = time.Hour

// Dir is a directory in use.
type Dir struct {
	Path string

	lock *os.File // nil where there are no locks
}

// Make makes a directory whose name begins with the prefix, in a parent that is
// meant for temporary files. It removes abandoned ones of the same prefix and user;
// what cannot be removed stays.
func Make(parent, prefix string) (*Dir, error) {
	if parent == "" {
		return nil, &os.PathError{Op: "mkdir", Path: prefix, Err: errors.New("no directory for temporary files is named")}
	}
	sweep(parent, prefix, time.Now().Add(-orphanAge))
	path, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, err
	}
	d := &Dir{Path: path}
	file, err := open(path)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil: // without a lock, others would remove it while it is in use
		_ = os.Remove(path)
		return nil, err
	case lock(file):
		d.lock = file
	default: // a file system without locks: nobody else gets one either
		_ = file.Close()
	}
	return d, nil
}

// Remove removes the directory and what is in it.
func (d *Dir) Remove() error {
	err := os.RemoveAll(d.Path)
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
		d.lock = nil
	}
	return err
}

// sweep removes directories that are older than a time and that nobody holds.
func sweep(parent, prefix string, before time.Time) {
	list, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, entry := range list {
		if !strings.HasPrefix(entry.Name(), prefix) {
			continue
		}
		path := filepath.Join(parent, entry.Name())
		info, err := entry.Info()
		if err != nil || !info.IsDir() || !own(info) || info.ModTime().After(before) {
			continue
		}
		file, err := open(path)
		if err != nil {
			continue
		}
		if lock(file) {
			_ = os.RemoveAll(path) // the next one tries again
		}
		_ = file.Close()
	}
}
