package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/assaydev/assay/internal/dotgit"
	"github.com/assaydev/assay/internal/git"
)

// Modes of entries in a tree.
const (
	modeFile      = "100644"
	modeDir       = "040000"
	modeLink      = "120000"
	modeSubmodule = "160000"
)

// Commit makes a commit with a parent that differs from it in these files
// alone; their contents are those of a checkout, as Tree gives them. A file keeps its mode, directories are made as needed, and one without
// files is dropped. A symbolic link, a submodule or a directory is not
// overwritten, and nothing is written through a link. Removing what is not there
// changes nothing; ErrNoChange where nothing does. No ref names the commit yet.
func (r *Remote) Commit(ctx context.Context, parent string, files []git.File, message string) (string, error) {
	old, err := r.rootTree(ctx, parent)
	if err != nil {
		return "", err
	}
	root, err := edits(files)
	if err != nil {
		return "", err
	}
	root.id = old
	if err := r.load(ctx, []*directory{root}); err != nil {
		return "", err
	}
	if root.hasAttributes() {
		if err := r.convert(ctx, parent, root); err != nil {
			return "", err
		}
	}
	tree, err := r.write(ctx, root)
	if err != nil {
		return "", err
	}
	if tree == old {
		return "", ErrNoChange
	}
	return r.commitTree(ctx, tree, message, parent)
}

// commitTree makes a commit object.
func (r *Remote) commitTree(ctx context.Context, tree, message string, parents ...string) (string, error) {
	args := []string{"commit-tree", "-F", "-"}
	for _, parent := range parents {
		args = append(args, "-p", parent)
	}
	if r.opt.Sign {
		args = append(args, "-S")
	}
	out, err := r.run.Run(ctx, []byte(message), append(args, tree)...)
	if err != nil {
		return "", fmt.Errorf("make commit: %w", err)
	}
	r.known.addTree(git.FirstLine(out), tree)
	return git.FirstLine(out), nil
}

// directory is one with edits in it.
type directory struct {
	name    string // path from the root, empty for the root
	id      string // of its tree; empty for a new one
	entries map[string]treeEntry
	files   map[string][]byte // nil removes
	dirs    map[string]*directory
}

type treeEntry struct{ mode, id string }

func newDirectory(name string) *directory {
	return &directory{name: name, entries: map[string]treeEntry{}, files: map[string][]byte{}, dirs: map[string]*directory{}}
}

// edits sorts files into their directories.
func edits(files []git.File) (*directory, error) {
	root := newDirectory("")
	for _, f := range files {
		if !fs.ValidPath(f.Path) || f.Path == "." || strings.ContainsAny(f.Path, "\x00") || dotgit.Inside(f.Path) {
			return nil, fmt.Errorf("write %q: it is not a path in a repository", f.Path)
		}
		at := root
		parts := strings.Split(f.Path, "/")
		for i, part := range parts[:len(parts)-1] {
			if at.dirs[part] == nil {
				at.dirs[part] = newDirectory(path.Join(parts[:i+1]...))
			}
			at = at.dirs[part]
		}
		name := parts[len(parts)-1]
		if _, twice := at.files[name]; twice {
			return nil, fmt.Errorf("write %s: it is there twice", f.Path)
		}
		at.files[name] = f.After
	}
	return root, nil
}

// load reads the directories' trees, level by level with one fetch each.
func (r *Remote) load(ctx context.Context, level []*directory) error {
	for len(level) > 0 {
		var ids []string
		for _, d := range level {
			if d.id != "" {
				ids = append(ids, d.id)
			}
		}
		if len(ids) > 0 {
			if err := r.bring(ctx, ids); err != nil {
				return fmt.Errorf("read directories: %w", err)
			}
		}
		var below []*directory
		for _, d := range level {
			if err := r.read(ctx, d); err != nil {
				return err
			}
			for name, sub := range d.dirs {
				if err := d.enter(name, sub); err != nil {
					return err
				}
				below = append(below, sub)
			}
		}
		level = below
	}
	return nil
}

// hasAttributes reports whether files of the directories may be other ones in a checkout.
func (d *directory) hasAttributes() bool {
	_, found := d.entries[".gitattributes"]
	for _, sub := range d.dirs {
		found = found || sub.hasAttributes()
	}
	return found
}

// convert makes the contents those that Git holds.
func (r *Remote) convert(ctx context.Context, parent string, root *directory) error {
	tree, err := r.Tree(ctx, parent)
	if err != nil {
		return err
	}
	defer func() { _ = tree.Close() }()
	return root.convert(tree)
}

func (d *directory) convert(tree *git.Tree) error {
	for name, data := range d.files {
		if data == nil {
			continue
		}
		full := path.Join(d.name, name)
		stored, err := tree.Stored(full, data)
		if err != nil {
			return fmt.Errorf("write %s: %w", full, err)
		}
		d.files[name] = stored
	}
	for _, sub := range d.dirs {
		if err := sub.convert(tree); err != nil {
			return err
		}
	}
	return nil
}

// enter finds a directory's own directory, and what cannot be one.
func (d *directory) enter(name string, sub *directory) error {
	e, found := d.entries[name]
	switch {
	case !found:
		return nil
	case e.mode == modeDir:
		sub.id = e.id
		return nil
	}
	return fmt.Errorf("write in %s: it is a %s in the repository", sub.name, kind(e.mode))
}

func kind(mode string) string {
	switch mode {
	case modeDir:
		return "directory"
	case modeLink:
		return "symbolic link"
	case modeSubmodule:
		return "submodule"
	}
	return "file"
}

func (r *Remote) read(ctx context.Context, d *directory) error {
	if d.id == "" {
		return nil
	}
	list, err := r.entries(ctx, d.id)
	if err == nil {
		d.entries = list
	}
	return err
}

// entries are those of a tree that is here.
func (s *store) entries(ctx context.Context, tree string) (map[string]treeEntry, error) {
	out, err := s.run.Run(ctx, nil, "ls-tree", "-z", tree)
	if err != nil {
		return nil, fmt.Errorf("read directory: %w", err)
	}
	list := map[string]treeEntry{}
	for record := range strings.SplitSeq(string(out), "\x00") {
		if record == "" {
			continue
		}
		meta, name, found := strings.Cut(record, "\t")
		fields := strings.Fields(meta)
		if !found || len(fields) != 3 {
			return nil, errors.New("read directory: the output of git ls-tree is not a list of files")
		}
		if _, twice := list[name]; twice {
			return nil, fmt.Errorf("read directory: it has two entries %q: remove one of them", name)
		}
		list[name] = treeEntry{mode: fields[0], id: fields[2]}
	}
	return list, nil
}

// write makes a directory's tree and returns its id, empty where it has no
// entries and is not the root.
func (r *Remote) write(ctx context.Context, d *directory) (string, error) {
	for name, sub := range d.dirs {
		id, err := r.write(ctx, sub)
		switch {
		case err != nil:
			return "", err
		case id == "":
			delete(d.entries, name)
		default:
			d.entries[name] = treeEntry{modeDir, id}
		}
	}
	for name, data := range d.files {
		if err := r.writeFile(ctx, d, name, data); err != nil {
			return "", err
		}
	}
	if len(d.entries) == 0 && d.name != "" {
		return "", nil
	}
	var list bytes.Buffer
	for name, e := range d.entries {
		_, _ = fmt.Fprintf(&list, "%s %s %s\t%s\x00", e.mode, objectType(e.mode), e.id, name)
	}
	out, err := r.run.Run(ctx, list.Bytes(), "mktree", "-z", "--missing")
	if err != nil {
		return "", fmt.Errorf("write directory %s: %w", d.name, err)
	}
	r.known.add(git.FirstLine(out))
	return git.FirstLine(out), nil
}

func (r *Remote) writeFile(ctx context.Context, d *directory, name string, data []byte) error {
	e, found := d.entries[name]
	full := path.Join(d.name, name)
	switch {
	case !found && data == nil:
		return nil
	case data == nil && e.mode != modeDir && e.mode != modeSubmodule:
		delete(d.entries, name)
		return nil
	case found && (e.mode == modeDir || e.mode == modeLink || e.mode == modeSubmodule):
		return fmt.Errorf("write %s: it is a %s in the repository", full, kind(e.mode))
	case !found:
		e.mode = modeFile
	}
	out, err := r.run.Run(ctx, data, "hash-object", "-w", "--stdin")
	if err != nil {
		return fmt.Errorf("write %s: %w", full, err)
	}
	e.id = git.FirstLine(out)
	r.known.add(e.id)
	d.entries[name] = e
	return nil
}

func objectType(mode string) string {
	switch mode {
	case modeDir:
		return "tree"
	case modeSubmodule:
		return "commit"
	}
	return "blob"
}
