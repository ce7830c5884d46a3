package render

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// Find lists the environments at and below a directory, by path and name: those
// that have a plan or a marker. It follows no links, and leaves out repositories
// inside the repository.
func Find(fsys *envfs.FS, dir string) ([]spec.Environment, error) {
	found := map[spec.Environment]bool{}
	err := fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skip(fsys, dir, name)
		case !mayBeOwn(entry.Name()) || !entry.Type().IsRegular():
			return nil
		}
		data, err := fsys.ReadFile(name)
		if err != nil || !spec.IsOwn(name, data) {
			return err
		}
		found[spec.Environment{Dir: path.Dir(name), Name: environmentOf(name)}] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Keys(found), spec.Environment.Compare), nil
}

// skip leaves out what is not a directory of this repository.
func skip(fsys *envfs.FS, top, dir string) error {
	if dir == top {
		return nil
	}
	other, err := fsys.IsRepository(dir)
	if other {
		return fs.SkipDir
	}
	return err
}

// Holds reports whether a directory with files of these names may be an
// environment.
func Holds(files []string) bool { return slices.ContainsFunc(files, mayBeOwn) }

// mayBeOwn is quick, and leaves no plan or marker out.
func mayBeOwn(base string) bool {
	return (strings.HasPrefix(base, "assay.") || strings.HasPrefix(base, "candidate.")) && spec.KindByName(base) != ""
}

// environmentOf is the name in assay.NAME.yaml or candidate.NAME.yaml.
func environmentOf(file string) string {
	if parts := strings.Split(path.Base(file), "."); len(parts) == 3 {
		return parts[1]
	}
	return ""
}
