package branch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote/status"
	"github.com/assaydev/assay/render"
)

// Status says where the environments at and below the directory stand: those of a
// name alone, or all where it is empty. Open pull requests are listed with them. live asks a
// cluster how experiments do; nil asks none.
func (s Server) Status(ctx context.Context, name string, live status.Live) (list []status.Environment, err error) {
	err = s.atTip(ctx, func(ctx context.Context, base remote.Base) (err error) {
		list, err = s.survey(ctx, base, name, live)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, s.addPulls(ctx, list)
}

// survey looks at the environments at and below the view's directory.
func (s Server) survey(ctx context.Context, base remote.Base, name string, live status.Live) ([]status.Environment, error) {
	dir := s.View.Request.Dir
	entries, refs, err := s.chronicle(ctx)
	if err != nil {
		return nil, err
	}
	env := map[string]bool{} // directories that commits tell of
	past := history.All(entries, refs)
	for e := range past {
		env[e.Dir] = true
	}
	reads := func(dir string, files []string) bool { return env[dir] || render.Holds(files) }
	if err := base.Tree.Ahead(dir, reads); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the directories of %s: %w", s.Branch, err)
	}
	v := status.Survey{Name: name, Past: past, Live: live, Open: func(env spec.Environment) (render.Request, error) {
		return s.of(env).View.In(base.Tree), nil
	}, Since: func(ctx context.Context, env spec.Environment, res *render.Result) (time.Time, error) {
		return s.of(env).since(base, res)(ctx)
	}}
	list, err := v.List(ctx, []string{dir})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not a directory of the branch %s: correct the path", dir, s.Branch)
	}
	return list, err
}

// of is the server with one of the environments below its directory.
func (s Server) of(env spec.Environment) Server {
	s.View.Request.Environment = env
	return s
}

// Environments gives the environments at and below the directory, those of a name alone
// or all where it is empty, to look at. Where a server does not answer, it gives them
// again.
func (s Server) Environments(ctx context.Context, name string, look func(context.Context, []render.Request) error) error {
	dir := s.View.Request.Dir
	return s.atTip(ctx, func(ctx context.Context, base remote.Base) error {
		if err := base.Tree.Ahead(dir, func(_ string, files []string) bool { return render.Holds(files) }); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s is not a directory of the branch %s: correct the path", dir, s.Branch)
			}
			return fmt.Errorf("read the directories of %s: %w", s.Branch, err)
		}
		found, err := render.Find(s.View.In(base.Tree).FS, dir)
		if err != nil {
			return fmt.Errorf("find environments: %w", err)
		}
		if len(found) == 0 {
			found = []spec.Environment{{Dir: dir, Name: name}}
		}
		var list []render.Request
		for _, env := range found {
			if name == "" || env.Name == name {
				req := s.View.In(base.Tree)
				req.Environment = env
				list = append(list, req)
			}
		}
		return look(ctx, list)
	})
}

// chronicle is what the branch's newest commits tell, and the refs beside it.
func (s Server) chronicle(ctx context.Context) (entries, refs []git.Entry, err error) {
	if entries, _, err = s.Repo.Log(ctx, s.Branch, s.Commits); err != nil {
		return nil, nil, err
	}
	names, err := s.Repo.Refs(ctx, history.Refs)
	if err != nil {
		return nil, nil, err
	}
	refs, err = s.Repo.Entries(ctx, slices.Sorted(maps.Values(names))...)
	return entries, refs, err
}

// addPulls adds the open pull requests of each environment.
func (s Server) addPulls(ctx context.Context, list []status.Environment) error {
	if s.Forge == nil || len(list) == 0 {
		return nil
	}
	open, err := s.Forge.List(ctx, "assay/", s.Branch)
	if err != nil {
		return err
	}
	for i := range list {
		branches := path.Dir(HeadBranch(history.Record{Environment: list[i].Environment}))
		for _, p := range open {
			if path.Dir(p.Head) == branches {
				list[i].Pulls = append(list[i].Pulls, status.OpenPull{Number: p.Number, URL: p.URL, Title: p.Title, Head: p.Head})
			}
		}
	}
	return nil
}
