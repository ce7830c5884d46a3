package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/promote/branch"
	"github.com/assaydev/assay/render"
)

// statusThere lists the environments on a branch of a server.
func (a *app) statusThere(ctx context.Context, opt statusOptions) error {
	name := opt.name
	opt.name = "" // which of them are listed, not which one a render is of
	s, err := a.connect(ctx, opt.server, opt.environment)
	if err != nil {
		return err
	}
	defer s.close()
	var list []standing
	err = s.AtTip(ctx, func(ctx context.Context, base remote.Base) (err error) {
		list, err = s.survey(ctx, base, name)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.addPulls(ctx, list); err != nil {
		return err
	}
	return a.reportStatus(list, opt.format, []string{s.dir})
}

// survey looks at the environments at and below the session's directory.
func (s *session) survey(ctx context.Context, base remote.Base, name string) ([]standing, error) {
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
	if err := base.Tree.Ahead(s.dir, reads); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the directories of %s: %w", s.Branch, err)
	}
	v := survey{name: name, past: past, open: func() (render.Request, error) { return s.Open(base.Tree), nil }}
	list, err := v.list(ctx, []string{s.dir})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no directory of the branch %s: correct the path", s.dir, s.Branch)
	}
	return list, err
}

// chronicle is what the branch's newest commits tell, and the refs beside it.
func (s *session) chronicle(ctx context.Context) (entries, refs []git.Entry, err error) {
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
func (s *session) addPulls(ctx context.Context, list []standing) error {
	if s.Forge == nil || len(list) == 0 {
		return nil
	}
	open, err := s.Forge.List(ctx, "assay/", s.Branch)
	if err != nil {
		return err
	}
	for i := range list {
		branches := path.Dir(branch.HeadBranch(history.Record{Environment: list[i].Environment}))
		for _, p := range open {
			if path.Dir(p.Head) == branches {
				list[i].Pulls = append(list[i].Pulls, openPull{Number: p.Number, URL: p.URL, Title: p.Title, Head: p.Head})
			}
		}
	}
	return nil
}
