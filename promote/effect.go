package promote

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Effect is what a promotion would change beside the objects of its environment.
type Effect struct {
	Files []string `json:"files,omitempty"`       // every file, by its path in the repository
	Also  []string `json:"alsoChanges,omitempty"` // environments elsewhere that render from them
}

// EffectOf lists them for the candidate of an environment, which is rendered at
// hand. Where it cannot be promoted, the files are those of its change, and the
// error says why. The branch is as in Options. Environments elsewhere are looked for at and
// below top, which is to be at hand; empty: nowhere.
func EffectOf(ctx context.Context, req render.Request, res *render.Result, branch func(context.Context) (string, error), top string) (Effect, error) {
	marker, err := spec.CandidateFile(req.Name)
	if err != nil {
		return Effect{}, err
	}
	e := Effect{Files: append(slices.Sorted(maps.Keys(res.Edited)), path.Join(req.Dir, marker))}
	edit, broken := Prepare(ctx, req, Options{Outcome: decision.Promote, Branch: branch, Rendered: res})
	if broken == nil {
		e.Files = e.Files[:0]
		for _, f := range edit.Files {
			e.Files = append(e.Files, f.Path)
		}
	}
	if top == "" {
		return e, broken
	}
	also, err := render.AlsoChanges(ctx, req, top, res.Edited)
	if err != nil {
		return e, fmt.Errorf("look for other environments that the change reaches: %w", err)
	}
	for _, env := range also {
		e.Also = append(e.Also, env.String())
	}
	return e, broken
}
