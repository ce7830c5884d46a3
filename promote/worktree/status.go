package worktree

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote/status"
	"github.com/assaydev/assay/render"
)

// Status says where the environments at and below directories of the repository
// stand: those of a name alone, or all where it is empty. Outside of a repository each
// environment is one of its own, as for the other verbs, so that its digest is the same.
// It says as well how far back commits were read for what was decided last. live asks a
// cluster how experiments do; nil asks none.
func (d Dir) Status(ctx context.Context, dirs []string, name string, live status.Live) ([]status.Environment, history.Past, error) {
	c, err := readChronicle(ctx, d.Root, d.Process, d.Commits)
	if err != nil && !errors.Is(err, local.ErrNoRepo) {
		return nil, c.Past, err
	}
	s := status.Survey{
		Name: name, Past: history.All(c.Entries, c.Refs), Live: live,
		Open: func(env spec.Environment) (render.Request, error) {
			one := d.of(env)
			return one.View.At(one.Root)
		},
		Since: func(ctx context.Context, env spec.Environment, res *render.Result) (time.Time, error) {
			return d.of(env).since(res)(ctx)
		},
	}
	list, err := s.List(ctx, dirs)
	return list, c.Past, err
}

// of is the directory with one of the environments below it.
func (d Dir) of(env spec.Environment) Dir {
	d.View.Request.Environment = env
	if d.Apart {
		d.Root, d.View.Request.Dir = filepath.Join(d.Root, filepath.FromSlash(env.Dir)), "."
	}
	return d
}
