package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// effect is what a promotion would change beside the objects of its environment.
type effect struct {
	Files []string `json:"files,omitempty"`       // every file, by its path in the repository
	Also  []string `json:"alsoChanges,omitempty"` // environments elsewhere that render from them
}

// effectOf lists them for the candidate that is rendered at hand. Where it cannot
// be promoted, the files are those of its change, and the error says why.
func (p *place) effectOf(ctx context.Context, res *render.Result) (effect, error) {
	marker, err := p.markerFile()
	if err != nil {
		return effect{}, err
	}
	e := effect{Files: append(slices.Sorted(maps.Keys(res.Edited)), marker)}
	edit, broken := promote.Prepare(ctx, p.Request, promote.Options{Outcome: promote.Promote, Branch: p.branch, Rendered: res})
	if broken == nil {
		e.Files = e.Files[:0]
		for _, f := range edit.Files {
			e.Files = append(e.Files, f.Path)
		}
	}
	also, err := render.AlsoChanges(ctx, p.Request, res.Edited)
	if err != nil {
		return e, fmt.Errorf("look for other environments that the change reaches: %w", err)
	}
	for _, env := range also {
		e.Also = append(e.Also, env.String())
	}
	return e, broken
}

// reach puts the files as the user reaches them from here.
func (p *place) reach(e effect) effect {
	files := make([]string, len(e.Files))
	for i, name := range e.Files {
		files[i] = p.on(name)
	}
	e.Files = files
	return e
}
