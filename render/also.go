package render

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// AlsoChanges lists the environments elsewhere, at and below the directory top, that render
// otherwise once the candidate of req is promoted: those that are rendered from a file
// which the change edits. It reads all that is there. One that does not render here, as
// for want of a remote base, is listed too if it is rendered from such a file.
//
// An environment has a plan or a marker. A kustomization and a chart count too, since an
// Application may point to them, except those below the directory of req that this one is
// rendered from. One whose experiment holds an edited file is listed as well: the next
// candidate there would have another judge.
func AlsoChanges(ctx context.Context, req Request, top string, edits map[string][]byte) ([]spec.Environment, error) {
	if len(edits) == 0 {
		return nil, nil
	}
	own, err := open(req)
	if err != nil {
		return nil, err
	}
	parts, err := own.git.files(ctx, own.tree, own.hide)
	if err != nil {
		return nil, err
	}
	all, err := everywhere(req.FS, top, path.Clean(req.Dir), parts)
	if err != nil {
		return nil, err
	}
	var out []spec.Environment
	for _, env := range all {
		if env.Dir == path.Clean(req.Dir) {
			continue // one of the same directory is refused
		}
		n, err := openNeighbour(Request{FS: req.FS, Environment: env, Limits: req.Limits})
		if err != nil {
			continue // it does not render now
		}
		if n.source.layout == spec.Helm && n.source.helm.ReleaseName == "" {
			n.source.helm.ReleaseName = "release"
		}
		differences, err := n.changes(ctx, edits)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil || len(differences) > 0 || n.judgedBy(edits) {
			out = append(out, env)
		}
	}
	return out, nil
}

// everywhere lists the environments at and below a directory. The one in own is
// rendered from parts.
func everywhere(fsys *envfs.FS, top, own string, parts map[string]bool) ([]spec.Environment, error) {
	found, err := Find(fsys, top)
	if err != nil {
		return nil, err
	}
	all := map[spec.Environment]bool{}
	known := map[string]bool{}
	for _, env := range found {
		all[env], known[env.Dir] = true, true
	}
	err = fs.WalkDir(fsys, top, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			return skip(fsys, top, name)
		}
		if entry.Type()&fs.ModeSymlink != 0 && isDir(fsys, name) {
			return linked(fsys, name, own, all)
		}
		dir := path.Dir(name)
		if !marks(entry.Name()) || known[dir] || dir == own {
			return nil
		}
		if at, err := fsys.Locate(name); err == nil && envfs.Within(dir, own) {
			if _, part := parts[at]; part {
				return nil
			}
		}
		all[spec.Environment{Dir: dir}] = true
		return nil
	})
	return slices.SortedFunc(maps.Keys(all), spec.Environment.Compare), err
}

func isDir(fsys *envfs.FS, name string) bool {
	info, err := fsys.Stat(name)
	return err == nil && info.IsDir()
}

// linked adds the environments of a directory that a link leads to: an Application may
// point to the link. What own has below it is a part of it.
func linked(fsys *envfs.FS, name, own string, all map[spec.Environment]bool) error {
	if envfs.Within(name, own) {
		return nil
	}
	names, err := ownIn(fsys, name)
	if err != nil {
		return err
	}
	entries, err := fsys.ReadDir(name)
	if err != nil {
		return err
	}
	if len(names) == 0 && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return marks(e.Name()) }) {
		names = []string{""}
	}
	for _, env := range names {
		all[spec.Environment{Dir: name, Name: env}] = true
	}
	return nil
}

// marks reports whether a file of the name makes its directory a kustomization or
// a chart.
func marks(base string) bool {
	return slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization", "Chart.yaml"}, base)
}
