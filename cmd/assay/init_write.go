package main

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/worktree"
)

// writeOwn writes files of the environment that are named relative to it: all of
// them, or none.
func (a *app) writeOwn(ctx context.Context, p *place, files map[string][]byte) error {
	var list []promote.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := promote.Before(p.FS, path.Join(p.Dir, name))
		if err != nil {
			return err
		}
		f.After = files[name]
		list = append(list, f)
	}
	return a.write(ctx, func() error { return worktree.Replace(ctx, p.root, p.Dir, p.Name, "init", list...) })
}

// resumeInit finishes what an earlier init left undone when it was killed.
func (a *app) resumeInit(ctx context.Context, p *place) (done bool, err error) {
	record, err := worktree.Interrupted(p.root, p.Dir, p.Name)
	if record == nil || err != nil {
		return false, err
	}
	err = a.write(ctx, func() error {
		_, err := worktree.Resume(ctx, p.root, p.Dir, p.Name, "init", nil)
		return err
	})
	if err != nil {
		return false, err
	}
	a.notef("this finishes an init that was interrupted")
	for _, f := range record.Files {
		_, _ = fmt.Fprintf(&a.out, "wrote %s\n", p.on(f.Path))
	}
	return true, nil
}
