package local

import (
	"context"
	"fmt"

	"github.com/assaydev/assay/internal/git"
)

// Created is a repository that Create has made.
type Created struct{ run git.Runner }

// Create makes a repository of a directory that is not in one. Who commits is the user
// or, where git does not know one, the name and address that are given.
func Create(ctx context.Context, dir string, p git.Process, name, address string) (*Created, error) {
	c := &Created{git.Runner{Dir: dir, Env: git.Inherited(p.Env)}}
	commands := [][]string{
		{"init", "--quiet", "--template="},
		{"symbolic-ref", "HEAD", "refs/heads/main"},
		{"config", "commit.gpgSign", "false"},
	}
	for _, args := range commands {
		if _, err := c.run.Run(ctx, nil, args...); err != nil {
			return nil, fmt.Errorf("make a repository: %w", err)
		}
	}
	if _, err := c.run.Run(ctx, nil, "var", "GIT_COMMITTER_IDENT"); err == nil {
		return c, nil
	}
	for _, args := range [][]string{{"config", "user.name", name}, {"config", "user.email", address}} {
		if _, err := c.run.Run(ctx, nil, args...); err != nil {
			return nil, fmt.Errorf("make a repository: %w", err)
		}
	}
	return c, nil
}

// Commit commits every file as it is.
func (c *Created) Commit(ctx context.Context, message string) error {
	for _, args := range [][]string{{"add", "--all"}, {"commit", "--quiet", "--message", message}} {
		if _, err := c.run.Run(ctx, nil, args...); err != nil {
			return err
		}
	}
	return nil
}
