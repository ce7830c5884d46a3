// Package status says where the environments of a repository stand: what runs,
// what is under test, what waits, and what was decided last. It finds them by
// their files, and by what commits tell of (find.go), and renders each
// (environment.go). Where a cluster is asked, it says how the experiments do there
// (experiment.go).
package status

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Survey looks at the environments of a repository.
type Survey struct {
	// Open gives an environment as its repository has it, with limits of its own.
	// An environment without a name stands for its directory.
	Open func(spec.Environment) (render.Request, error)

	Past map[spec.Environment][]history.Decision
	Name string // environments of this name alone; empty: all

	// Live asks a cluster; nil is from Git alone. Since tells when the branch began to hold
	// what an environment has under test, and is asked by one at a time.
	Live  Live
	Since func(context.Context, spec.Environment, *render.Result) (time.Time, error)
	turn  *sync.Mutex
}

// List looks at all environments at and below directories.
func (s Survey) List(ctx context.Context, dirs []string) ([]Environment, error) {
	places, err := s.find(dirs)
	if err != nil {
		return nil, err
	}
	s.turn = &sync.Mutex{}
	return s.take(ctx, places)
}

// find lists the environments at and below directories: those that have files of
// their own, and those that are directories that commits tell of.
func (s Survey) find(dirs []string) ([]spec.Environment, error) {
	req, err := s.Open(spec.Environment{Dir: "."})
	if err != nil {
		return nil, err
	}
	defer func() { _ = req.FS.Close() }()
	var list []spec.Environment
	for _, dir := range dirs {
		found, err := render.Find(req.FS, dir)
		if err != nil {
			return nil, fmt.Errorf("find environments: %w", err)
		}
		list = append(list, found...)
		for env := range s.Past {
			if env.Name == "" && envfs.Within(env.Dir, dir) && !slices.ContainsFunc(found, func(p spec.Environment) bool { return p.Dir == env.Dir }) && isDir(req.FS, env.Dir) {
				list = append(list, spec.Environment{Dir: env.Dir})
			}
		}
	}
	list = slices.DeleteFunc(list, func(p spec.Environment) bool { return s.Name != "" && p.Name != s.Name })
	slices.SortFunc(list, spec.Environment.Compare)
	return slices.Compact(list), nil
}

// isDir holds for a directory itself, not for a link to one. The name comes from
// a commit.
func isDir(fsys *envfs.FS, name string) bool {
	if !fs.ValidPath(name) {
		return false
	}
	info, err := fsys.Lstat(name)
	return err == nil && info.IsDir()
}
