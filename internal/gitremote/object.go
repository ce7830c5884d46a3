package gitremote

import (
	"context"
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/git"
)

// Parents are the parents of a commit, which need not be here themselves.
func (r *Remote) Parents(ctx context.Context, commit string) ([]string, error) {
	if err := r.Fetch(ctx, commit); err != nil {
		return nil, err
	}
	// git log would hide what is beyond the depth of the fetch.
	out, err := r.run.Run(ctx, nil, "cat-file", "commit", commit)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", git.Short(commit), err)
	}
	var parents []string
	for line := range strings.Lines(string(out)) {
		if line == "\n" {
			break
		}
		if id, found := strings.CutPrefix(strings.TrimSpace(line), "parent "); found {
			parents = append(parents, id)
		}
	}
	return parents, nil
}

// TreeID is the id of a commit's tree: two commits with the same one have the
// same files.
func (r *Remote) TreeID(ctx context.Context, commit string) (string, error) {
	return r.rootTree(ctx, commit)
}

// Note makes a commit without files and parents, for its message alone. No ref
// names it yet.
func (r *Remote) Note(ctx context.Context, message string) (string, error) {
	tree, err := r.run.Run(ctx, nil, "mktree")
	if err != nil {
		return "", fmt.Errorf("write an empty directory: %w", err)
	}
	return r.commitTree(ctx, git.Line(tree), message)
}

// DefaultBranch is the branch that the server's HEAD names.
func (r *Remote) DefaultBranch(ctx context.Context) (string, error) {
	r.opt.Step("look for the default branch")
	run, err := r.server(ctx)
	if err != nil {
		return "", err
	}
	out, err := run.Run(ctx, nil, "ls-remote", "--quiet", "--symref", "origin", "HEAD")
	if err != nil {
		return "", fmt.Errorf("look for the default branch: %w", readingError(err))
	}
	for line := range strings.Lines(string(out)) {
		ref, found := strings.CutPrefix(line, "ref: refs/heads/")
		if name, _, ok := strings.Cut(ref, "\t"); found && ok {
			return name, nil
		}
	}
	return "", ErrEmpty
}
