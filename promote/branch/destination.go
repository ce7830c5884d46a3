package branch

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// elsewhere are the next environments of a plan that are not on this branch.
func elsewhere(plan *spec.Plan, branch string) []spec.Destination {
	var out []spec.Destination
	for _, to := range plan.Spec.Promotion.To {
		if to.Repo != "" || to.Branch != "" && to.Branch != branch {
			out = append(out, to)
		}
	}
	return out
}

// destination opens the branch of a next environment, and names its directory.
func (s Server) destination(ctx context.Context, from string, to spec.Destination) (there Server, dir string, done func(), err error) {
	there, done = s, func() {}
	if to.Repo == "" {
		there.Branch = to.Branch
		dir, err = promote.NextDir(from, to)
		return there, path.Clean(dir), done, err
	}
	if dir, err = envfs.Resolve(".", strings.TrimPrefix(to.Path, "/")); err != nil {
		return there, "", done, err
	}
	if s.Another == nil {
		return there, "", done, errors.New("other repositories are not set up here")
	}
	if there.Repo, done, err = s.Another(ctx, to.Repo); err != nil {
		return there, "", func() {}, err
	}
	if there.Branch = to.Branch; there.Branch == "" {
		err = there.Repo.Retry(ctx, func(ctx context.Context) (err error) {
			there.Branch, err = there.Repo.DefaultBranch(ctx)
			return err
		})
	}
	if err != nil {
		done()
	}
	return there, path.Clean(dir), done, err
}
