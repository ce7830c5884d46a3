package main

import (
	"context"
	"encoding/json"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/worktree"
)

// commit makes the Git commit that goes with the edit; nil without one.
func (r *report) commit(repo *local.Repo, wanted bool) *worktree.Commit {
	if !wanted {
		return nil
	}
	decode := func(state string) (c local.Commit, err error) {
		err = json.Unmarshal([]byte(state), &c)
		return c, err
	}
	return &worktree.Commit{
		Prepare: func(ctx context.Context, edited []promote.File) (string, error) {
			var files []git.File
			for _, f := range edited {
				files = append(files, git.File{Path: f.Path, Data: f.After})
			}
			c, err := repo.Prepare(ctx, files, r.record.Message(r.title, r.Reason))
			if err != nil {
				return "", err
			}
			state, err := json.Marshal(c)
			return string(state), err
		},
		Land: func(ctx context.Context, state string) error {
			c, err := decode(state)
			if err != nil {
				return err
			}
			return repo.Land(ctx, c)
		},
		Settle: func(ctx context.Context, _ string, paths []string) error { return repo.Settle(ctx, paths) },
	}
}

func (r *report) subject() string {
	if r.title == "" {
		return "what was decided"
	}
	return r.title
}
