package envfs

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/assaydev/assay/internal/dotgit"
)

// overlay is a set of edited, added and removed files by real path.
type overlay struct {
	files map[string][]byte              // nil value: the file is gone
	names map[string]map[string]struct{} // directory to the entries that edits bring
}

// With lays edits over the view; a nil value removes the file. An edit of a
// link's name edits the file that the link leads to, as writing through it
// would; removing one removes the link. The view itself does not change, and
// the caller must not change the contents afterwards. Names that are not valid
// in io/fs or inside .git are left out, since nothing could read them.
func (f *FS) With(edits map[string][]byte) *FS {
	files := map[string][]byte{}
	if f.over != nil {
		maps.Copy(files, f.over.files)
	}
	for name, data := range edits {
		if at, ok := f.place(name, data == nil); ok {
			files[at] = data
		}
	}
	return &FS{base: f.base, close: f.close, meter: f.meter, trail: f.trail, over: newOverlay(files), places: newPlaces(), git: f.git}
}

// Place is where an edit of name goes: through the links of its directory and, unless
// it is removed, through its own. The file need not exist; what lies inside .git, or
// leads out of the repository, is an error.
func (f *FS) Place(name string, removed bool) (string, error) {
	_, err := f.findLink("edit", name)
	if err == nil && !removed {
		return f.Locate(name)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	at, _ := f.place(name, true)
	return at, nil
}

// place is Place for names that may lead nowhere.
func (f *FS) place(name string, removed bool) (string, bool) {
	if !fs.ValidPath(name) || name == "." {
		return "", false
	}
	at, err := f.find("edit", name)
	if errors.Is(err, dotgit.ErrInside) {
		return "", false
	}
	if err == nil && !removed {
		return at.path, true
	}
	dir, rest := path.Split(name)
	for dir != "" {
		if at, err := f.find("edit", path.Clean(dir)); err == nil {
			return path.Join(at.path, rest), true
		}
		var last string
		dir, last = path.Split(path.Clean(dir))
		rest = path.Join(last, rest)
	}
	return name, true
}

func newOverlay(files map[string][]byte) *overlay {
	o := &overlay{files: files, names: map[string]map[string]struct{}{}}
	for name, data := range files {
		if data == nil {
			continue
		}
		for p := name; p != "."; p = path.Dir(p) {
			dir := path.Dir(p)
			if o.names[dir] == nil {
				o.names[dir] = map[string]struct{}{}
			}
			o.names[dir][path.Base(p)] = struct{}{}
		}
	}
	return o
}

// lstat describes what the overlay knows of name; ok is false where the base
// has to be asked.
func (o *overlay) lstat(name string) (at located, ok bool, err error) {
	if data, ok := o.files[name]; ok {
		if data == nil {
			return located{}, true, fs.ErrNotExist
		}
		return located{name, fileInfo{path.Base(name), int64(len(data)), 0o644}, true}, true, nil
	}
	if data, ok := o.files[path.Dir(name)]; ok && data != nil {
		return located{}, true, fs.ErrNotExist
	}
	if _, ok := o.names[name]; ok {
		return located{path: name, info: fileInfo{path.Base(name), 0, fs.ModeDir | 0o755}}, true, nil
	}
	return located{}, false, nil
}

// merge lays the edits of one directory over its entries, sorted by name.
func (o *overlay) merge(dir string, entries []fs.DirEntry) []fs.DirEntry {
	byName := map[string]fs.DirEntry{}
	for _, e := range entries {
		if data, ok := o.files[path.Join(dir, e.Name())]; !ok || data != nil {
			byName[e.Name()] = e
		}
	}
	for name := range o.names[dir] {
		if at, ok, err := o.lstat(path.Join(dir, name)); ok && err == nil {
			byName[name] = fs.FileInfoToDirEntry(at.info)
		}
	}
	return slices.SortedFunc(maps.Values(byName), byEntryName)
}

func byEntryName(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) }

// fileInfo describes what exists in memory alone.
type fileInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) Mode() fs.FileMode  { return i.mode }
func (i fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) Sys() any           { return nil }
