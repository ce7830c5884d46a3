package promote

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Chronicle is what the commits of a branch tell of all its environments, and where to
// look their files up.
type Chronicle struct {
	All     map[spec.Environment][]history.Decision
	Now     *envfs.FS // the files as they are
	Tip     string    // the newest commit; empty where there is none
	History func(context.Context) (commits History, done func(), err error)
	Open    func(fs.FS) render.Request

	dir string // of the environment that is followed
}

// Follow adds to the past of an environment what was decided before its directory was
// renamed. Other environments whose directories are gone are listed.
func (c Chronicle) Follow(ctx context.Context, env spec.Environment, past *history.Past) error {
	gone := c.gone(env)
	c.dir = path.Clean(env.Dir)
	if len(gone) == 0 || c.Tip == "" {
		past.Gone = gone
		return nil
	}
	commits, done, err := c.History(ctx)
	if err != nil {
		return err
	}
	defer done()
	for _, was := range gone {
		became, err := c.became(ctx, commits, was.Dir)
		if err != nil {
			return err
		}
		if became != c.dir {
			past.Gone = append(past.Gone, was)
			continue
		}
		past.Was = append(past.Was, was)
		past.Earlier = append(past.Earlier, c.All[was]...)
	}
	newest := func(a, b history.Decision) int { return b.Time.Compare(a.Time) }
	slices.SortStableFunc(past.Earlier, newest)
	slices.SortStableFunc(past.Was, func(a, b spec.Environment) int { return newest(c.All[a][0], c.All[b][0]) })
	return nil
}

// gone are the environments of the same name that commits tell of and whose directories
// are not there, in order.
func (c Chronicle) gone(env spec.Environment) []spec.Environment {
	var list []spec.Environment
	for other := range c.All {
		if other.Name == env.Name && other.Dir != env.Dir && fs.ValidPath(other.Dir) && !holdsDir(c.Now, other.Dir) {
			list = append(list, other)
		}
	}
	slices.SortFunc(list, spec.Environment.Compare)
	return list
}

// mostRenames is how often a directory is followed.
const mostRenames = 20

// became is what a directory that is gone is called now; empty where that is not known.
func (c Chronicle) became(ctx context.Context, commits History, dir string) (string, error) {
	for range mostRenames {
		change, known, err := commits.Changed(ctx, c.Tip, []string{dir})
		if err != nil || !known {
			return "", err
		}
		next, err := c.renamed(ctx, commits, change, dir)
		if next == "" || err != nil || holdsDir(c.Now, next) {
			return next, err
		}
		dir = next
	}
	return "", nil
}

// renamed is what a directory is called after the last commit that changed it, or in the
// files as they are, where that commit leaves it in its place.
func (c Chronicle) renamed(ctx context.Context, commits History, change git.Change, dir string) (string, error) {
	after, err := commits.Tree(ctx, change.Commit)
	if err != nil {
		return "", err
	}
	defer func() { _ = after.Close() }()
	if now := c.Open(after).FS; holdsDir(now, dir) {
		return sameFiles(now, c.Now, dir, c.untold(now), func(from, to string) (bool, error) {
			was, err := now.ReadFile(from)
			if err != nil {
				return false, err
			}
			is, err := c.Now.ReadFile(to)
			return err == nil && bytes.Equal(was, is), nil // what cannot be read is another file
		})
	}
	if change.Parent == "" {
		return "", nil
	}
	before, err := commits.Tree(ctx, change.Parent)
	if err != nil {
		return "", err
	}
	defer func() { _ = before.Close() }()
	changed, err := git.Diff(before, after)
	if err != nil {
		return "", err
	}
	return sameFiles(c.Open(before).FS, c.Open(after).FS, dir, changed, func(from, to string) (bool, error) {
		was, err := before.ID(from)
		if err != nil {
			return false, err
		}
		is, err := after.ID(to)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return was == is, err
	})
}

// untold are the files of the environment's directory that the last commit lacks.
func (c Chronicle) untold(last *envfs.FS) []string {
	var names []string
	_ = fs.WalkDir(c.Now, c.dir, func(name string, d fs.DirEntry, err error) error {
		if _, missing := last.Lstat(name); err == nil && d.Type().IsRegular() && missing != nil {
			names = append(names, name)
		}
		return nil // what cannot be read is not found
	})
	return names
}

// sameFiles is the directory that has most of the files of another one afterwards, as they
// were there; empty where none has. Names are those that may be among them; same compares
// one with what it may have been.
func sameFiles(before, after *envfs.FS, dir string, names []string, same func(from, to string) (bool, error)) (string, error) {
	files := map[string][]string{} // by their last name, the paths in the directory
	all := 0
	err := fs.WalkDir(before, dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files[path.Base(name)] = append(files[path.Base(name)], strings.TrimPrefix(name, dir+"/"))
			all++
		}
		return err
	})
	if err != nil {
		return "", err
	}
	kept := map[string]int{}
	for _, name := range names {
		for _, rel := range files[path.Base(name)] {
			to, found := strings.CutSuffix(name, "/"+rel)
			if !found || to == dir || holdsDir(before, to) || !holdsDir(after, to) {
				continue
			}
			ok, err := same(path.Join(dir, rel), name)
			if err != nil {
				return "", err
			}
			if ok {
				kept[to]++
			}
		}
	}
	for _, to := range slices.Sorted(maps.Keys(kept)) {
		if 2*kept[to] >= all {
			return to, nil
		}
	}
	return "", nil
}

// holdsDir reports whether the tree has a directory of that name, and not a link to one.
func holdsDir(fsys *envfs.FS, name string) bool {
	info, err := fsys.Lstat(name)
	return err == nil && info.IsDir()
}
