package tgz

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tree is what an archive holds. Nothing changes it once it is read, so that it is safe for
// concurrent use.
type Tree struct {
	entries map[string]*entry // by path
	bytes   int64
}

// entry is a file, a directory or a link.
type entry struct {
	mode  fs.FileMode
	size  int64
	data  []byte // nil for a file that is too large to be kept
	link  string
	names []string // of a directory, sorted

	once sync.Once
	sum  State
}

// overhead is about what an entry takes beside its content.
const overhead = 256

func newTree() *Tree {
	return &Tree{entries: map[string]*entry{".": {mode: fs.ModeDir | 0o755}}, bytes: overhead}
}

func (t *Tree) add(name string, e *entry) {
	t.entries[name] = e
	dir := t.entries[path.Dir(name)]
	dir.names = append(dir.names, path.Base(name))
	t.bytes += overhead + int64(2*len(name)+len(e.data)+len(e.link))
}

func (t *Tree) finish() {
	for _, e := range t.entries {
		slices.Sort(e.names)
	}
}

// Bytes is about how much memory the tree takes.
func (t *Tree) Bytes() int64 { return t.bytes }

// Files is how many files, directories and links it holds.
func (t *Tree) Files() int { return len(t.entries) }

// At is the tree as a file system whose files lie below prefix, a clean path: that of the
// archive's top in the repository, "." where it is all of it.
func (t *Tree) At(prefix string) *View { return &View{t, prefix} }

// View is a Tree at its place in a repository. It implements fs.FS, fs.ReadLinkFS and
// fs.ReadDirFile for directories, and follows no links.
type View struct {
	tree   *Tree
	prefix string
}

// find returns what is at a name. Directories above the prefix hold the way down to it.
func (v *View) find(op, name string) (*entry, error) {
	if e := v.lookup(name); e != nil {
		return e, nil
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

func (v *View) lookup(name string) *entry {
	switch {
	case v.prefix == ".":
		return v.tree.entries[name]
	case name == v.prefix:
		return v.tree.entries["."]
	case strings.HasPrefix(name, v.prefix+"/"):
		if name = name[len(v.prefix)+1:]; name == "." {
			return nil // that is not a path
		}
		return v.tree.entries[name]
	case name == ".":
		first, _, _ := strings.Cut(v.prefix, "/")
		return &entry{mode: fs.ModeDir | 0o755, names: []string{first}}
	case strings.HasPrefix(v.prefix, name+"/"):
		next, _, _ := strings.Cut(v.prefix[len(name)+1:], "/")
		return &entry{mode: fs.ModeDir | 0o755, names: []string{next}}
	}
	return nil
}

// Lstat describes a file, a directory or a link.
func (v *View) Lstat(name string) (fs.FileInfo, error) {
	e, err := v.find("lstat", name)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), e.mode, e.size}, nil
}

// ReadLink returns what a link holds.
func (v *View) ReadLink(name string) (string, error) {
	e, err := v.find("readlink", name)
	if err != nil {
		return "", err
	}
	if e.mode&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return e.link, nil
}

// Open opens a file or a directory.
func (v *View) Open(name string) (fs.File, error) {
	e, err := v.find("open", name)
	if err != nil {
		return nil, err
	}
	at := info{path.Base(name), e.mode, e.size}
	switch {
	case e.mode.IsDir():
		return &openDir{at, v.children(name, e)}, nil
	case !e.mode.IsRegular():
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	case e.data == nil && e.size > 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("it is larger than a file may be")}
	}
	return &openFile{bytes.NewReader(e.data), at}, nil
}

// children are the entries of a directory.
func (v *View) children(name string, e *entry) []fs.DirEntry {
	list := make([]fs.DirEntry, 0, len(e.names))
	for _, base := range e.names {
		if child := v.lookup(path.Join(name, base)); child != nil {
			list = append(list, fs.FileInfoToDirEntry(info{base, child.mode, child.size}))
		}
	}
	return list
}

// State is what a path holds: two equal ones are the same. The zero State is that of a path
// with nothing there.
type State [sha256.Size]byte

// State is that of a file by its content, of a link by what it holds, and of a directory by
// the names and kinds of its entries.
func (v *View) State(name string) State {
	e := v.lookup(name)
	if e == nil {
		return State{}
	}
	e.once.Do(func() {
		sum := sha256.New()
		var head [12]byte
		binary.BigEndian.PutUint32(head[:], uint32(e.mode.Type()))
		binary.BigEndian.PutUint64(head[4:], uint64(e.size)) //nolint:gosec // a size is never below 0
		_, _ = sum.Write(head[:])
		_, _ = sum.Write(e.data)
		_, _ = io.WriteString(sum, e.link)
		for _, child := range v.children(name, e) {
			_, _ = io.WriteString(sum, child.Name()+"\x00"+child.Type().String()+"\x00")
		}
		sum.Sum(e.sum[:0])
	})
	return e.sum
}

// EachFile calls see with the content of every file below a directory until it returns false.
// It reports whether that is all that can be read there: no link leads to the directory, or is
// in it.
func (v *View) EachFile(dir string, see func(data []byte) bool) bool {
	for at := dir; ; at = path.Dir(at) {
		if e := v.lookup(at); e != nil && e.mode&fs.ModeSymlink != 0 {
			return false
		}
		if at == "." {
			return v.each(dir, see)
		}
	}
}

func (v *View) each(name string, see func(data []byte) bool) bool {
	e := v.lookup(name)
	switch {
	case e == nil:
		return true
	case e.mode&fs.ModeSymlink != 0:
		return false
	case e.mode.IsRegular():
		return see(e.data)
	}
	for _, base := range e.names {
		if !v.each(path.Join(name, base), see) {
			return false
		}
	}
	return true
}

type info struct {
	name string
	mode fs.FileMode
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }

type openFile struct {
	*bytes.Reader
	info info
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info info
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errors.New("it is a directory")}
}

// ReadDir implements fs.ReadDirFile.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		list := d.rest
		d.rest = nil
		return list, nil
	}
	if len(d.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.rest))
	list := d.rest[:n:n]
	d.rest = d.rest[n:]
	return list, nil
}
