package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// writeOwn writes files of an environment, by their paths in the repository: all
// of them, or none. The verb is the command. Next environments that the plan names
// are looked for first.
func (a *app) writeOwn(ctx context.Context, p *opened, verb string, files map[string][]byte) error {
	var list []git.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := promote.Before(p.FS, name)
		if err != nil {
			return err
		}
		f.After = files[name]
		list = append(list, f)
	}
	req := p.Request
	req.FS = req.FS.With(files)
	plan, err := render.Plan(req)
	if err != nil {
		return err
	}
	dir := a.dir(p.located)
	if err := promote.CheckNext(ctx, req, plan, dir.Branch); err != nil {
		return err
	}
	return dir.Replace(ctx, verb, list...)
}

// resumeInit finishes what an earlier init left undone when it was killed. Another verb
// than the killed command's is an error that names it.
func (a *app) resumeInit(ctx context.Context, p *opened, verb string) (done bool, err error) {
	record, err := a.dir(p.located).Interrupted(ctx)
	if record == nil || err != nil {
		return false, err
	}
	if _, err := a.dir(p.located).Resume(ctx, decision.Outcome(verb)); err != nil {
		return false, err
	}
	a.notef("this finishes an init that was interrupted")
	for _, f := range record.Files {
		_, _ = fmt.Fprintf(&a.out, "wrote %s\n", p.on(f.Path))
	}
	return true, nil
}
