// Package tgz reads a tar.gz as it streams into a tree of files in memory. Whoever made
// the archive is not trusted.
//
//  1. Read takes the stream once: it is unpacked on the way, and nothing is written to disk.
//  2. Each entry is checked before its content is read: its name, its kind, what it lies
//     below, and what all entries take so far. What Limits exclude is refused by name.
//  3. Git's own directory is passed over: it is there, and empty.
//  4. Tree.At is the file system, with the archive's top at a path of the repository.
//  5. View.State says what a path holds, so that two archives can be compared where it counts.
//
// Links are kept as links: who follows them confines them (internal/envfs). One that is
// absolute or leaves the archive is refused here already.
package tgz

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/assaydev/assay/internal/dotgit"
	"github.com/assaydev/assay/internal/visible"
)

// Limits bound an archive. A zero field means its default.
type Limits struct {
	Bytes     int64 // unpacked, and what is kept of it; default 256 MiB
	FileBytes int64 // a larger file is not kept, and cannot be read; default 32 MiB
	Files     int   // entries; default 200,000
	Ratio     int64 // of unpacked to packed bytes, once 32 MiB are unpacked; default 200

	// Room is how much memory the tree may take before More is called, once: it may wait, and
	// its error ends Read. Without More there is room for all.
	Room int64
	More func() error
}

const (
	defaultBytes     = 256 << 20
	defaultFileBytes = 32 << 20
	defaultFiles     = 200_000
	defaultRatio     = 200

	ratioFrom = 32 << 20 // unpacked bytes from which the ratio counts
	mostName  = 4096     // bytes of a path or of a link's target
	mostPart  = 255      // bytes of one element, as on any file system
)

// WithDefaults fills in zero fields.
func (l Limits) WithDefaults() Limits {
	set := func(to *int64, value int64) {
		if *to <= 0 {
			*to = value
		}
	}
	set(&l.Bytes, defaultBytes)
	set(&l.FileBytes, defaultFileBytes)
	set(&l.Ratio, defaultRatio)
	if l.Files <= 0 {
		l.Files = defaultFiles
	}
	return l
}

// Error says why an archive is refused.
type Error struct{ Reason string }

func (e *Error) Error() string { return "read archive: " + e.Reason }

func refused(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Read reads an archive to its end. What the stream itself fails with is returned as it is;
// what is wrong with the archive is an *Error.
func Read(stream io.Reader, l Limits) (*Tree, error) {
	l = l.WithDefaults()
	packed := &counter{from: stream}
	unpacked, err := gzip.NewReader(bufio.NewReader(packed))
	if err != nil {
		return nil, packed.explain(err)
	}
	in := &bounded{from: unpacked, packed: packed, limits: l}
	r := &reader{tree: newTree(), limits: l}
	if err := r.entries(tar.NewReader(in)); err != nil {
		if r.ended != nil {
			return nil, r.ended
		}
		return nil, in.explain(err)
	}
	// Only the end of the stream has its checksum.
	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, in.explain(err)
	}
	r.tree.finish()
	return r.tree, nil
}

// counter counts what comes, and keeps the stream's own error apart from the archive's.
type counter struct {
	from  io.Reader
	bytes int64
	err   error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// explain tells an archive that is broken from a stream that is.
func (c *counter) explain(err error) error {
	var known *Error
	switch {
	case c.err != nil:
		return c.err
	case errors.As(err, &known):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return refused("it ends in the middle: the sender stopped too early")
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return refused("it is not gzip, or was changed on the way: its checksum is wrong")
	case errors.Is(err, tar.ErrHeader):
		return refused("it holds no tar, or one that is broken")
	}
	return refused("it cannot be unpacked: it was changed on the way")
}

// bounded ends an archive that unpacks to too much.
type bounded struct {
	from   io.Reader
	packed *counter
	limits Limits
	bytes  int64
	err    error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.from.Read(p)
	b.bytes += int64(n)
	switch {
	case b.bytes > b.limits.Bytes:
		b.err = tooLarge(b.limits)
	case b.bytes > ratioFrom && b.bytes > b.limits.Ratio*b.packed.bytes:
		b.err = refused("it unpacks to more than %d times its size: that is not a repository", b.limits.Ratio)
	}
	if b.err != nil {
		return 0, b.err
	}
	return n, err
}

func (b *bounded) explain(err error) error {
	if b.err != nil {
		return b.err
	}
	return b.packed.explain(err)
}

func tooLarge(l Limits) error {
	return refused("it holds more than %d MiB: leave out what no environment needs (the repo-server's --plugin-tar-exclude, or manifest-generate-paths), or raise the limit", l.Bytes>>20)
}

// reader fills a tree.
type reader struct {
	tree   *Tree
	limits Limits
	ended  error // of More
}

func (r *reader) entries(archive *tar.Reader) error {
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue // it names no file
		}
		if err := r.entry(h, archive); err != nil {
			return err
		}
	}
}

// entry takes one entry.
func (r *reader) entry(h *tar.Header, content io.Reader) error {
	name, err := cleanName(h.Name)
	if err != nil {
		return err
	}
	if name == "." {
		if h.Typeflag != tar.TypeDir {
			return refused("its top is not a directory")
		}
		return nil
	}
	if dotgit.Inside(name) {
		return r.git(name)
	}
	if err := r.parents(path.Dir(name)); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return r.directory(name)
	case tar.TypeSymlink:
		return r.link(name, h.Linkname)
	case tar.TypeReg:
		return r.file(name, h.Size, content)
	}
	return refused("%s is neither a file, a directory nor a symbolic link", visible.Name(name))
}

// cleanName refuses what could lie outside, by any reading of the name.
func cleanName(raw string) (string, error) {
	name := strings.TrimSuffix(raw, "/")
	for strings.HasPrefix(name, "./") {
		name = name[2:]
	}
	switch {
	case len(raw) > mostName:
		return "", refused("the path of an entry has more than %d bytes", mostName)
	case name == "." || name == "" && raw == "./":
		return ".", nil
	case name == "", strings.ContainsRune(name, 0):
		return "", refused("an entry has no name that a file could have")
	case strings.HasPrefix(name, "/"):
		return "", refused("%s is an absolute path", visible.Name(name))
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "..":
			return "", refused("%s leaves the archive", visible.Name(name))
		case part == "", part == ".":
			return "", refused("%s is not a plain path", visible.Name(name))
		case len(part) > mostPart:
			return "", refused("a name in it has more than %d bytes", mostPart)
		}
	}
	return name, nil
}

// git notes that a directory has a Git directory of its own, and no more of it.
func (r *reader) git(name string) error {
	at := ""
	for part := range strings.SplitSeq(name, "/") {
		if at = path.Join(at, part); dotgit.Inside(part) {
			break
		}
	}
	if r.tree.entries[at] != nil {
		return nil
	}
	if err := r.parents(path.Dir(at)); err != nil {
		return err
	}
	return r.directory(at)
}

// parents makes the directories that an entry lies in, where the archive names none.
func (r *reader) parents(dir string) error {
	if e := r.tree.entries[dir]; e != nil {
		if e.mode.IsDir() {
			return nil
		}
		return refused("it has something below %s, which is not a directory", visible.Name(dir))
	}
	if err := r.parents(path.Dir(dir)); err != nil {
		return err
	}
	return r.directory(dir)
}

func (r *reader) directory(name string) error {
	if e := r.tree.entries[name]; e != nil {
		if e.mode.IsDir() {
			return nil
		}
		return twice(name)
	}
	return r.add(name, &entry{mode: fs.ModeDir | 0o755})
}

func (r *reader) link(name, to string) error {
	switch target := path.Join(path.Dir(name), to); {
	case len(to) > mostName, to == "", strings.ContainsRune(to, 0):
		return refused("the symbolic link %s leads nowhere", visible.Name(name))
	case path.IsAbs(to), target == "..", strings.HasPrefix(target, "../"):
		return refused("the symbolic link %s leaves the repository: replace it with a copy of the file, or with a relative link to a file inside", visible.Name(name))
	}
	return r.add(name, &entry{mode: fs.ModeSymlink | 0o777, link: to, size: int64(len(to))})
}

// file keeps a file's content, if it may be read.
func (r *reader) file(name string, size int64, content io.Reader) error {
	e := &entry{mode: 0o644, size: size}
	if size <= r.limits.FileBytes {
		if err := r.room(size); err != nil {
			return err
		}
		e.data = make([]byte, size)
		if _, err := io.ReadFull(content, e.data); err != nil {
			return err
		}
	}
	return r.add(name, e)
}

// room makes sure of the memory for a file. A sparse one takes more than it has in the stream.
func (r *reader) room(size int64) error {
	if r.tree.bytes+size > r.limits.Bytes {
		return tooLarge(r.limits)
	}
	if r.limits.More == nil || r.tree.bytes+size <= r.limits.Room {
		return nil
	}
	r.ended = r.limits.More()
	r.limits.More = nil
	return r.ended
}

func (r *reader) add(name string, e *entry) error {
	switch {
	case r.tree.entries[name] != nil:
		return twice(name)
	case len(r.tree.entries) >= r.limits.Files:
		return refused("it holds more than %d files: leave out what no environment needs (the repo-server's --plugin-tar-exclude, or manifest-generate-paths), or raise the limit", r.limits.Files)
	}
	r.tree.add(name, e)
	return r.room(0)
}

func twice(name string) error { return refused("%s is in it twice", visible.Name(name)) }
