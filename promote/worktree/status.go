package worktree

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote/status"
	"github.com/assaydev/assay/render"
)

// Status says where the environments at and below directories of the repository
// stand: those of a name alone, or all where it is empty. Outside of a repository each
// environment is one of its own, as for the other verbs, so that its digest is the same.
// It says as well how far back commits were read for what was decided last.
func (d Dir) Status(ctx context.Context, dirs []string, name string) ([]status.Environment, history.Past, error) {
	c, err := readChronicle(ctx, d.Root, d.Process, d.Commits)
	if err != nil && !errors.Is(err, local.ErrNoRepo) {
		return nil, c.Past, err
	}
	s := status.Survey{
		Name: name, Past: history.All(c.Entries, c.Refs),
		Open: func(env spec.Environment) (render.Request, error) {
			root, view := d.Root, d.View
			view.Request.Environment = env
			if d.Apart {
				root, view.Request.Dir = filepath.Join(root, filepath.FromSlash(env.Dir)), "."
			}
			return view.At(root)
		},
	}
	list, err := s.List(ctx, dirs)
	return list, c.Past, err
}
