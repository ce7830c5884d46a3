package worktree

import (
	"context"
	"maps"
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// Adopt writes the first files of an environment, by their paths in the repository: all
// of them, or none; nil removes one. They were made of the files of the request. Next
// environments that the plan names are looked for first. The verb is the command.
func (d Dir) Adopt(ctx context.Context, verb string, req render.Request, files map[string][]byte) error {
	var list []git.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := promote.Before(req.FS, name)
		if err != nil {
			return err
		}
		f.After = files[name]
		list = append(list, f)
	}
	req.FS = req.FS.With(files)
	plan, err := render.Plan(req)
	if err != nil {
		return err
	}
	if err := promote.CheckNext(ctx, req, plan, d.Branch); err != nil {
		return err
	}
	return d.Replace(ctx, verb, list...)
}

// ResumeAdopt finishes what an earlier Adopt left undone when it was killed, and returns
// its record; nil where there is nothing to finish. Another verb than the killed command's
// is an error that names it.
func (d Dir) ResumeAdopt(ctx context.Context, verb string) (*Record, error) {
	record, err := d.Interrupted(ctx)
	if record == nil || err != nil {
		return nil, err
	}
	if _, err := d.Resume(ctx, decision.Outcome(verb)); err != nil {
		return nil, err
	}
	return record, nil
}
