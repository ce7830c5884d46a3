package git

import (
	"io/fs"
	"path"
	"slices"
)

// Diff lists the files and links that two trees do not agree on, by path and
// sorted; a file's mode does not count. It reads no file, and no directory that
// both have alike. Submodules are left out.
func Diff(a, b *Tree) ([]string, error) {
	dir := fs.ModeDir | 0o755
	d := differ{a: a, b: b}
	out, err := d.dir(".", treeEntry{mode: dir, id: a.root}, treeEntry{mode: dir, id: b.root})
	slices.Sort(out)
	return out, err
}

// differ compares two trees.
type differ struct {
	a, b  *Tree
	dirs  int // that were compared
	files int // that were found
}

func (d *differ) dir(dir string, x, y treeEntry) ([]string, error) {
	if d.dirs++; d.dirs > mostDirs || len(dir) > mostPath {
		return nil, errBomb
	}
	before, err := d.a.byName(x)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: dir, Err: err}
	}
	after, err := d.b.byName(y)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: dir, Err: err}
	}
	var out []string
	for name, e := range before {
		if out, err = d.entry(path.Join(dir, name), e, after[name], out); err != nil {
			return nil, err
		}
	}
	for name, f := range after {
		if _, ok := before[name]; ok {
			continue
		}
		if out, err = d.entry(path.Join(dir, name), treeEntry{}, f, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// entry compares what one name stands for; an entry without a name does not exist.
func (d *differ) entry(name string, e, f treeEntry, out []string) ([]string, error) {
	if e.id == f.id && e.mode.Type() == f.mode.Type() {
		return out, nil
	}
	if e.isFile() || f.isFile() {
		if d.files++; d.files > mostFiles {
			return nil, errBomb
		}
		out = append(out, name)
	}
	if !e.mode.IsDir() && !f.mode.IsDir() {
		return out, nil
	}
	more, err := d.dir(name, e, f)
	return append(out, more...), err
}

func (e treeEntry) isFile() bool { return e.name != "" && !e.mode.IsDir() }

// byName are the entries of a directory; none of what is not a directory.
func (t *Tree) byName(dir treeEntry) (map[string]treeEntry, error) {
	if !dir.mode.IsDir() {
		return nil, nil
	}
	list, err := t.list(dir)
	out := make(map[string]treeEntry, len(list))
	for _, e := range list {
		out[e.name] = e
	}
	return out, err
}
