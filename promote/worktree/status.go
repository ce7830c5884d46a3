package worktree

import (
	"context"
	"errors"

	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/promote/status"
	"github.com/assaydev/assay/render"
)

// Status says where the environments at and below directories of the repository
// stand: those of a name alone, or all where it is empty.
func (d Dir) Status(ctx context.Context, dirs []string, name string) ([]status.Environment, error) {
	c, err := readChronicle(ctx, d.Root, d.Process, d.Commits)
	if err != nil && !errors.Is(err, local.ErrNoRepo) {
		return nil, err
	}
	s := status.Survey{
		Name: name, Past: history.All(c.Entries, c.Refs),
		Open: func() (render.Request, error) { return d.View.At(d.Root) },
	}
	return s.List(ctx, dirs)
}
