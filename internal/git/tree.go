package git

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Tree is the files of one commit, read object by object as they are asked for:
// what nobody reads costs nothing. Their lines end as in a checkout, by the commit's own
// attributes (checkout.go); sizes are those in Git. It implements fs.FS, fs.ReadLinkFS, and is
// safe for concurrent use. Submodules are empty directories.
type Tree struct {
	ctx     context.Context // for as long as the tree is open
	objects *objects
	root    string // the tree's id
	temp    string // where an index is made
	fetch   Fetch

	mu    sync.Mutex
	known map[string][]treeEntry // by tree id
	here  map[string]bool        // objects that were fetched
	ahead map[string]int         // by tree id: how many files the last fetch took there

	failed error // of the last fetch that did

	endings struct {
		sync.Mutex
		rules map[string][]rule // by directory
		of    map[string]ending // by file, where there are rules
	}
}

// Fetch brings objects from where the repository came from.
type Fetch func(ctx context.Context, ids []string) error

// OpenTree opens the files of a tree that git can name, as COMMIT:DIRECTORY.
// With fetch, which needs the tree's id, an object is fetched before it is read:
// a directory by itself, and a file with the others of its directory, since
// they are often read together; of a very large directory, with ever more of
// those that follow. temp is a directory for temporary files. The context is that of all
// reads. The caller closes the tree.
func OpenTree(ctx context.Context, r Runner, tree, temp string, fetch Fetch) (*Tree, error) {
	o, err := openObjects(ctx, r)
	if err != nil {
		return nil, err
	}
	t := &Tree{ctx: ctx, objects: o, temp: temp, fetch: fetch, known: map[string][]treeEntry{}, here: map[string]bool{}, ahead: map[string]int{}}
	t.endings.rules, t.endings.of = map[string][]rule{}, map[string]ending{}
	var root object
	if err = t.bring(tree); err == nil {
		root, err = o.read(tree, 0)
	}
	if err == nil && root.kind != "tree" {
		err = fs.ErrNotExist
	}
	t.root = root.id
	if err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

// Identity is the id of the tree: two of the same have the same files.
func (t *Tree) Identity() string { return t.root }

// Failed is the error of a fetch that failed: what read the tree may have taken
// it for a file that is wrong.
func (t *Tree) Failed() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// ID is the object of a file: two files with the same one have the same content in Git, which
// is not read for that.
func (t *Tree) ID(name string) (string, error) {
	e, err := t.find(name)
	return e.id, err
}

// Close ends the process that reads.
func (t *Tree) Close() error { return t.objects.close() }

// Open opens a file or a directory; it does not follow links.
func (t *Tree) Open(name string) (fs.File, error) {
	e, err := t.find(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	switch e.mode.Type() {
	case fs.ModeDir:
		list, err := t.list(e)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return &treeDir{info: t.info(name, e, 0), tree: t, rest: list}, nil
	case fs.ModeSymlink:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	data, err := t.content(e)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	ends, err := t.ending(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	data = ends.checkedOut(data)
	return &treeFile{Reader: bytes.NewReader(data), info: t.info(name, e, int64(len(data)))}, nil
}

// Lstat describes a file, a directory or a link.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) {
	e, err := t.find(name)
	if err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	return t.stat(name, e)
}

func (t *Tree) stat(name string, e treeEntry) (fs.FileInfo, error) {
	if e.mode.IsDir() {
		return t.info(name, e, 0), nil
	}
	if err := t.bringFile(e); err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	file, err := t.objects.listed(e.id, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	return t.info(name, e, file.size), nil
}

// ReadLink returns what the link holds.
func (t *Tree) ReadLink(name string) (string, error) {
	e, err := t.find(name)
	if err == nil && e.mode.Type() != fs.ModeSymlink {
		err = fs.ErrInvalid
	}
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	data, err := t.content(e)
	return string(data), err
}

// content is what a file or a link holds.
func (t *Tree) content(e treeEntry) ([]byte, error) {
	if err := t.bringFile(e); err != nil {
		return nil, err
	}
	file, err := t.objects.listed(e.id, mostObject)
	if err == nil && file.kind != "blob" {
		return nil, errDamaged
	}
	if err == nil && file.data == nil {
		err = fmt.Errorf("it has %d bytes: no more than %d are read from Git", file.size, mostObject)
	}
	return file.data, err
}

func (t *Tree) bringFile(e treeEntry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fetch == nil || t.here[e.id] {
		return nil
	}
	return t.bring(e.id, t.beside(e)...)
}

// bringAlone fetches a file without the others of its directory.
func (t *Tree) bringAlone(id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bring(id)
}

// beside are other files of a directory: all of them, or in a very large one
// some that follow, each time more.
func (t *Tree) beside(e treeEntry) []string {
	const most = 1000
	var ids []string
	at := 0
	for _, other := range t.known[e.dir] {
		if other.name == e.name {
			at = len(ids)
		}
		if !other.mode.IsDir() {
			ids = append(ids, other.id)
		}
	}
	if len(ids) <= most {
		return ids
	}
	t.ahead[e.dir] = min(most, max(1, 4*t.ahead[e.dir]))
	return ids[at:min(at+t.ahead[e.dir], len(ids))]
}

// bring fetches an object that is not here, and others with it.
func (t *Tree) bring(id string, more ...string) error {
	if t.fetch == nil || t.here[id] {
		return nil
	}
	want := []string{id}
	for _, other := range more {
		if other != id && !t.here[other] {
			want = append(want, other)
		}
	}
	slices.Sort(want)
	want = slices.Compact(want)
	if err := t.fetch(t.ctx, want); err != nil {
		t.failed = err
		return err
	}
	for _, id := range want {
		t.here[id] = true
	}
	return nil
}

// treeEntry is one name in a tree object.
type treeEntry struct {
	name string
	mode fs.FileMode
	id   string // empty for a submodule
	dir  string // id of the tree that it is in
}

func (t *Tree) info(name string, e treeEntry, size int64) fs.FileInfo {
	info := treeInfo{name: path.Base(name), size: size, mode: e.mode}
	if e.id == "" {
		info.sys = submodule{}
	}
	return info
}

// find walks down to a name.
func (t *Tree) find(name string) (treeEntry, error) {
	if !fs.ValidPath(name) {
		return treeEntry{}, fs.ErrInvalid
	}
	at := treeEntry{mode: fs.ModeDir | 0o755, id: t.root}
	if name == "." {
		return at, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if !at.mode.IsDir() {
			return treeEntry{}, fs.ErrNotExist
		}
		list, err := t.list(at)
		if err != nil {
			return treeEntry{}, err
		}
		i := slices.IndexFunc(list, func(e treeEntry) bool { return e.name == part })
		if i < 0 {
			return treeEntry{}, fs.ErrNotExist
		}
		at = list[i]
	}
	return at, nil
}

// list reads a tree object once.
func (t *Tree) list(dir treeEntry) ([]treeEntry, error) {
	if dir.id == "" {
		return nil, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if list, ok := t.known[dir.id]; ok {
		return list, nil
	}
	if err := t.bring(dir.id); err != nil {
		return nil, err
	}
	dirObject, err := t.objects.listed(dir.id, mostObject)
	if err != nil {
		return nil, err
	}
	if dirObject.kind != "tree" || dirObject.data == nil {
		return nil, fs.ErrNotExist
	}
	list, err := parseTree(dirObject.data, len(dirObject.id)/2)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].dir = dir.id
	}
	t.known[dir.id] = list
	return list, nil
}

// parseTree decodes a tree object: mode, space, name, NUL, id. It refuses one that
// tools read in different ways: with two entries of one name, or with a name that
// is not a name of a file.
func parseTree(data []byte, idBytes int) ([]treeEntry, error) {
	var list []treeEntry
	seen := map[string]bool{}
	for len(data) > 0 {
		head, rest, found := bytes.Cut(data, []byte{0})
		mode, name, named := strings.Cut(string(head), " ")
		bits, err := strconv.ParseUint(mode, 8, 32)
		if !found || !named || err != nil || len(rest) < idBytes {
			return nil, errDamaged
		}
		if !isName(name) {
			return nil, fmt.Errorf("it has an entry %q, which is not a name of a file: %w", name, errDamaged)
		}
		if seen[name] {
			return nil, fmt.Errorf("it has two entries %q: remove one of them: %w", name, errDamaged)
		}
		seen[name] = true
		e := treeEntry{name: name, mode: 0o644, id: hex.EncodeToString(rest[:idBytes])}
		switch bits &^ 0o7777 {
		case 0o040000:
			e.mode = fs.ModeDir | 0o755
		case 0o100000:
			if bits&0o100 != 0 {
				e.mode = 0o755
			}
		case 0o120000:
			e.mode = fs.ModeSymlink | 0o777
		case 0o160000:
			e.mode, e.id = fs.ModeDir|0o755, ""
		default:
			return nil, errDamaged
		}
		list = append(list, e)
		data = rest[idBytes:]
	}
	return list, nil
}

var errDamaged = errors.New("a tree object of the repository is damaged: run git fsck")

func isName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.Contains(name, "/")
}
