package gitrepo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Tree is the files of one commit, read object by object as they are asked for:
// what nobody reads costs nothing. It implements fs.FS, fs.ReadLinkFS, and is safe
// for concurrent use. Submodules are empty directories.
type Tree struct {
	objects *objects
	root    string // the tree's id

	mu    sync.Mutex
	known map[string][]treeEntry // by tree id
}

// Tree opens the files of the directory that Open was given, as the revision
// has them. The caller closes it.
func (r *Repo) Tree(ctx context.Context, revision string) (*Tree, error) {
	commit, err := r.Resolve(ctx, revision)
	if err != nil {
		return nil, err
	}
	o, err := r.openObjects(ctx)
	if err != nil {
		return nil, err
	}
	t := &Tree{objects: o, known: map[string][]treeEntry{}}
	top := commit + "^{tree}"
	if r.prefix != "" {
		top = commit + ":" + strings.TrimSuffix(r.prefix, "/")
	}
	id, kind, _, err := o.read(top)
	if err == nil && kind != "tree" {
		err = fs.ErrNotExist
	}
	if err != nil {
		_ = t.Close()
		return nil, fmt.Errorf("read %s: %w", revision, err)
	}
	t.root = id
	return t, nil
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
	_, _, data, err := t.objects.read(e.id)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
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
	_, _, data, err := t.objects.read(e.id)
	if err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	return t.info(name, e, int64(len(data))), nil
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
	_, _, data, err := t.objects.read(e.id)
	return string(data), err
}

// treeEntry is one name in a tree object.
type treeEntry struct {
	name string
	mode fs.FileMode
	id   string // empty for a submodule
}

func (t *Tree) info(name string, e treeEntry, size int64) fs.FileInfo {
	return treeInfo{path.Base(name), size, e.mode}
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
	id, kind, data, err := t.objects.read(dir.id)
	if err != nil {
		return nil, err
	}
	if kind != "tree" {
		return nil, fs.ErrNotExist
	}
	list, err := parseTree(data, len(id)/2)
	t.known[dir.id] = list
	return list, err
}

// parseTree decodes a tree object: mode, space, name, NUL, id.
func parseTree(data []byte, idBytes int) ([]treeEntry, error) {
	var list []treeEntry
	for len(data) > 0 {
		head, rest, found := bytes.Cut(data, []byte{0})
		mode, name, named := strings.Cut(string(head), " ")
		if !found || !named || len(rest) < idBytes {
			return nil, errors.New("a tree object of the repository is damaged: run git fsck")
		}
		e := treeEntry{name: name, mode: 0o644, id: hex.EncodeToString(rest[:idBytes])}
		switch mode {
		case "40000":
			e.mode = fs.ModeDir | 0o755
		case "100755":
			e.mode = 0o755
		case "120000":
			e.mode = fs.ModeSymlink | 0o777
		case "160000":
			e.mode, e.id = fs.ModeDir|0o755, ""
		}
		list = append(list, e)
		data = rest[idBytes:]
	}
	return list, nil
}

// objects reads the repository's objects through one git process.
type objects struct {
	mu     sync.Mutex
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	broken error
}

func (r *Repo) openObjects(ctx context.Context) (*objects, error) {
	cmd := exec.CommandContext(ctx, "git", "-C", r.top, "--no-replace-objects", "cat-file", "--batch") //nolint:gosec // git, without a shell
	cmd.Env = append(cmd.Environ(), "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("run git: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("run git: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run git: %w; is it installed?", err)
	}
	return &objects{cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

func (o *objects) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.broken = fs.ErrClosed
	_ = o.in.Close()
	return o.cmd.Wait()
}

// read returns an object by its name.
func (o *objects) read(name string) (id, kind string, data []byte, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken != nil {
		return "", "", nil, o.broken
	}
	if strings.ContainsAny(name, "\n\r") {
		return "", "", nil, fs.ErrNotExist
	}
	if id, kind, data, err = o.exchange(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		o.broken = fmt.Errorf("git cat-file: %w", err) // what follows cannot be told apart
		err = o.broken
	}
	return id, kind, data, err
}

func (o *objects) exchange(name string) (id, kind string, data []byte, err error) {
	if _, err := io.WriteString(o.in, name+"\n"); err != nil {
		return "", "", nil, err
	}
	header, err := o.out.ReadString('\n')
	if err != nil {
		return "", "", nil, err
	}
	fields := strings.Fields(header)
	if n := len(fields); n > 0 && (fields[n-1] == "missing" || fields[n-1] == "ambiguous") {
		return "", "", nil, fs.ErrNotExist
	}
	if len(fields) != 3 {
		return "", "", nil, errors.New("it prints what is no object")
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size < 0 {
		return "", "", nil, errors.New("it prints what is no object")
	}
	data, err = io.ReadAll(io.LimitReader(o.out, size))
	if err == nil && int64(len(data)) < size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		_, err = o.out.Discard(1)
	}
	return fields[0], fields[1], data, err
}

// treeInfo describes an entry. Git keeps no times.
type treeInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i treeInfo) Name() string       { return i.name }
func (i treeInfo) Size() int64        { return i.size }
func (i treeInfo) Mode() fs.FileMode  { return i.mode }
func (i treeInfo) IsDir() bool        { return i.mode.IsDir() }
func (i treeInfo) ModTime() time.Time { return time.Time{} }
func (i treeInfo) Sys() any           { return nil }

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
