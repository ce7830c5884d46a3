package git

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"time"
)

// treeInfo describes an entry. Git keeps no times.
type treeInfo struct {
	name string
	size int64
	mode fs.FileMode
	sys  any
}

// submodule is what lies behind a directory whose files are elsewhere.
type submodule struct{}

// IsSubmodule reports whether a file of a Tree is a submodule.
func IsSubmodule(info fs.FileInfo) bool {
	_, ok := info.Sys().(submodule)
	return ok
}

func (i treeInfo) Name() string       { return i.name }
func (i treeInfo) Size() int64        { return i.size }
func (i treeInfo) Mode() fs.FileMode  { return i.mode }
func (i treeInfo) IsDir() bool        { return i.mode.IsDir() }
func (i treeInfo) ModTime() time.Time { return time.Time{} }
func (i treeInfo) Sys() any           { return i.sys }

// treeFile is a file that was read whole.
type treeFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (f *treeFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *treeFile) Close() error               { return nil }

// treeDir is a directory that was listed whole.
type treeDir struct {
	info fs.FileInfo
	tree *Tree
	rest []treeEntry
}

func (d *treeDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *treeDir) Close() error               { return nil }
func (d *treeDir) Read([]byte) (int, error)   { return 0, errors.New("it is a directory") }

// ReadDir implements fs.ReadDirFile.
func (d *treeDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.rest) {
		if n > 0 && len(d.rest) == 0 {
			return nil, io.EOF
		}
		n = len(d.rest)
	}
	out := make([]fs.DirEntry, n)
	for i, e := range d.rest[:n] {
		out[i] = treeDirEntry{d.tree, e}
	}
	d.rest = d.rest[n:]
	return out, nil
}

type treeDirEntry struct {
	tree  *Tree
	entry treeEntry
}

func (e treeDirEntry) Name() string               { return e.entry.name }
func (e treeDirEntry) IsDir() bool                { return e.entry.mode.IsDir() }
func (e treeDirEntry) Type() fs.FileMode          { return e.entry.mode.Type() }
func (e treeDirEntry) Info() (fs.FileInfo, error) { return e.tree.stat(e.entry.name, e.entry) }
