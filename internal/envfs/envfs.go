// Package envfs is the confined, read-only view of an env repo that all of
// Assay reads through.
//
// Data flows one way:
//
//  1. OpenDir roots a file system at the repo with os.Root: no path, symlink or
//     ".." leaves it. Links inside the repo are followed to the real file. Git's own
//     directory is not part of it, at any depth and by any name (internal/dotgit).
//  2. Every file is charged against Limits by its real path, before it is read
//     and once: past them reading fails with a *LimitError. Contents are kept,
//     up to a bound, so that a second render does not read them again.
//  3. Depends tells what decided all of that: names where nothing is, too.
//  4. With lays edits over it in memory: this is how a candidate is rendered
//     from edited files while nothing is written to disk.
//
// Names are slash-separated and relative to the repo's root, as in io/fs. Errors
// name files the same way, never by a path of the machine.
package envfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/assaydev/assay/internal/dotgit"
	"github.com/assaydev/assay/internal/excerpt"
)

// FS is a confined view of a repository. It implements fs.ReadFileFS,
// fs.ReadDirFS, fs.StatFS and fs.ReadLinkFS. It is safe for concurrent use;
// views made by With share its counters and its kept contents. It serves one
// command: a file that changes on disk after it was read keeps its old content.
type FS struct {
	base   fs.FS
	close  func() error
	meter  *meter
	trail  *trail
	over   *overlay // nil without edits
	git    []string // Git's own directories inside that have other names
	places *places
}

// OpenDir opens the directory root as a repository. The caller closes it.
func OpenDir(root string, l Limits) (*FS, error) {
	if err := outsideGit(root); err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", excerpt.Cause(err))
	}
	return &FS{base: confined{r.FS(), r}, close: r.Close, meter: newMeter(l), trail: newTrail(), places: newPlaces(), git: gitDirs(root)}, nil
}

// mostPointer is how many bytes are read of a file of Git's that names a directory.
const mostPointer = 4096

// gitDirs are where Git's own directories lie in the tree of root under other names: where
// git init --separate-git-dir or a link puts it, and where a linked work tree finds what
// it shares.
func gitDirs(root string) (list []string) {
	at := filepath.Join(root, ".git")
	if to, found := pointer(at, "gitdir:"); found {
		at = to
	}
	dirs := []string{at}
	if to, found := pointer(filepath.Join(at, "commondir"), ""); found {
		dirs = append(dirs, to)
	}
	top, err := filepath.EvalSymlinks(root)
	if err == nil {
		top, err = filepath.Abs(top)
	}
	if err != nil {
		return nil
	}
	for _, dir := range dirs {
		if dir, err = filepath.EvalSymlinks(dir); err == nil {
			dir, err = filepath.Abs(dir)
		}
		if rel, relErr := filepath.Rel(top, dir); err == nil && relErr == nil && rel != "." && filepath.IsLocal(rel) {
			list = append(list, filepath.ToSlash(rel))
		}
	}
	return list
}

// pointer is the path that a file of Git's holds after a beginning.
func pointer(name, before string) (to string, found bool) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // where Git keeps it; what it says is resolved
	if err != nil {
		return "", false
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, mostPointer))
	to, found = strings.CutPrefix(string(data), before)
	if err != nil || !found { // a directory, as a rule
		return "", false
	}
	if to = strings.TrimSpace(to); !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(name), to)
	}
	return to, true
}

// inGit reports whether a path whose parents are not in Git's own directory is it.
func (f *FS) inGit(name string) bool {
	return dotgit.Inside(path.Base(name)) || slices.ContainsFunc(f.git, func(dir string) bool { return strings.EqualFold(name, dir) })
}

// outsideGit refuses a directory below Git's own one, as it is named and as it is
// reached.
func outsideGit(root string) error {
	abs, err := filepath.Abs(root)
	if err != nil {
		return excerpt.Cause(err)
	}
	if dotgit.Inside(abs) {
		return dotgit.ErrInside
	}
	if at, err := filepath.EvalSymlinks(abs); err == nil && dotgit.Inside(at) {
		return dotgit.ErrInside
	}
	return nil
}

// New is a view of any file system, which must be confined itself.
func New(base fs.FS, l Limits) *FS {
	return &FS{base: base, meter: newMeter(l), trail: newTrail(), places: newPlaces()}
}

// Close releases the repository. Views of it that With made end with it.
func (f *FS) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// Charged lists the files that were read, by their real paths.
func (f *FS) Charged() []string { return f.meter.files() }

// Depends lists the paths that decide what was read so far: files, links on the
// way to them, listed directories, and names where nothing was found. Where all
// of them have the same content, the same is read. Paths are real ones; edits that
// With laid over the files are left out.
func (f *FS) Depends() []string { return f.trail.paths() }

// ReadFile returns the content of a regular file. The caller may change it.
func (f *FS) ReadFile(name string) ([]byte, error) {
	at, err := f.find("read", name)
	if err != nil {
		return nil, err
	}
	data, err := f.content(name, at)
	return bytes.Clone(data), err
}

// content is what a file holds; it must not be changed.
func (f *FS) content(name string, at located) ([]byte, error) {
	switch {
	case at.info.IsDir():
		return nil, pathError("read", name, errors.New("it is a directory"))
	case !at.info.Mode().IsRegular():
		return nil, pathError("read", name, errors.New("it is not a regular file: replace it with a file or remove it"))
	case at.edited:
		return f.over.files[at.path], nil
	}
	return f.meter.read(at.path, at.info.Size(), func() (io.ReadCloser, error) {
		file, err := f.base.Open(at.path)
		if err != nil {
			return nil, pathError("read", name, excerpt.Cause(err))
		}
		return file, nil
	})
}

// Stat describes a file or directory; it follows links.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	at, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return at.info, nil
}

// Locate returns the path of name with every link followed: where an edit of
// the file must go. What does not exist is fs.ErrNotExist.
func (f *FS) Locate(name string) (string, error) {
	at, err := f.find("locate", name)
	return at.path, err
}

// Open opens a file or directory; it follows links.
func (f *FS) Open(name string) (fs.File, error) {
	at, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	if at.info.IsDir() {
		entries, err := f.list(name, at)
		return &openDir{info: at.info, name: name, rest: entries}, err
	}
	data, err := f.content(name, at)
	if err != nil {
		return nil, err
	}
	return &openFile{Reader: bytes.NewReader(data), info: at.info}, nil
}

// confined opens without blocking, so that a fifo which takes a file's place
// between Stat and Open cannot hang a render.
type confined struct {
	fs.FS
	root *os.Root
}

func (c confined) Open(name string) (fs.File, error) {
	return c.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func (c confined) Lstat(name string) (fs.FileInfo, error) { return c.root.Lstat(name) }

func (c confined) ReadLink(name string) (string, error) { return c.root.Readlink(name) }

// pathError names the file as the caller did.
func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}
