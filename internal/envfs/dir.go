package envfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/assaydev/assay/internal/dotgit"
	"github.com/assaydev/assay/internal/excerpt"
)

// ReadDir lists a directory, sorted by name. Links are listed as links.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	at, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !at.info.IsDir() {
		return nil, pathError("readdir", name, errors.New("it is not a directory"))
	}
	return f.list(name, at)
}

func (f *FS) list(name string, at located) ([]fs.DirEntry, error) {
	entries, err := f.listBase(at.path)
	if errors.Is(err, fs.ErrNotExist) && f.over != nil && f.over.names[at.path] != nil {
		err = nil // the directory exists in the overlay alone
	}
	var limit *LimitError
	if err != nil && !errors.As(err, &limit) {
		return nil, pathError("readdir", name, excerpt.Cause(err))
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return f.isInsideGit(path.Join(at.path, e.Name()), e) })
	if err != nil || f.over == nil {
		return entries, err
	}
	return f.over.merge(at.path, entries), nil
}

// isInsideGit reports whether an entry of a directory is, or is a link into, Git's
// own directory: it is left out, so that what lists all files gets along without.
func (f *FS) isInsideGit(name string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return f.inGit(name)
	}
	_, err := f.find("stat", name)
	return errors.Is(err, dotgit.ErrInside)
}

// listBase stops past the limit: a directory is as good a bomb as a file.
func (f *FS) listBase(dir string) ([]fs.DirEntry, error) {
	f.trail.note(dir, content)
	file, err := f.base.Open(dir)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	list, ok := file.(fs.ReadDirFile)
	if !ok {
		return nil, errors.New("it is not a directory")
	}
	most := f.meter.limits.Files
	entries, err := list.ReadDir(most + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(entries) > most {
		return nil, &LimitError{dir, "the directory has too many entries", int64(most), FileCount}
	}
	if err := f.meter.list(dir, len(entries)); err != nil {
		return nil, err
	}
	slices.SortFunc(entries, byEntryName)
	return entries, nil
}

// openFile is a file that was read whole.
type openFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (o *openFile) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *openFile) Close() error               { return nil }

// openDir is a directory that was listed whole.
type openDir struct {
	info fs.FileInfo
	name string
	rest []fs.DirEntry
}

func (o *openDir) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *openDir) Close() error               { return nil }

func (o *openDir) Read([]byte) (int, error) {
	return 0, pathError("read", o.name, errors.New("it is a directory"))
}

// ReadDir implements fs.ReadDirFile.
func (o *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(o.rest) {
		if n > 0 && len(o.rest) == 0 {
			return nil, io.EOF
		}
		n = len(o.rest)
	}
	out := o.rest[:n:n]
	o.rest = o.rest[n:]
	return out, nil
}
