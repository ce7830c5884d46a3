package remote

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
)

// Parents are the parents of a commit, which need not be here themselves.
func (r *Remote) Parents(ctx context.Context, commit string) ([]string, error) {
	return r.header(ctx, commit, "parent")
}

// Covered reports whether a signature by one of the allowed signers, as
// ssh-keygen reads them from a file, covers a commit.
func (r *Remote) Covered(ctx context.Context, commit, signers string) (bool, error) {
	if err := r.Fetch(ctx, commit); err != nil {
		return false, err
	}
	return git.Covered(ctx, r.run, commit, signers)
}

// IsOwn reports whether a commit was made by who makes the commits of this
// Remote: the addresses of the committers are the same.
func (r *Remote) IsOwn(ctx context.Context, commit string) (bool, error) {
	by, err := r.header(ctx, commit, "committer")
	return len(by) == 1 && strings.Contains(by[0], "<"+r.opt.Committer.Email+">"), err
}

// header are the values of a field of a commit.
func (r *Remote) header(ctx context.Context, commit, field string) ([]string, error) {
	if err := r.Fetch(ctx, commit); err != nil {
		return nil, err
	}
	// git log would hide parents that are beyond the depth of the fetch.
	out, err := r.run.Run(ctx, nil, "cat-file", "commit", commit)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", git.Short(commit), err)
	}
	var values []string
	for line := range strings.Lines(string(out)) {
		if line == "\n" {
			break
		}
		if value, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), field+" "); found {
			values = append(values, value)
		}
	}
	return values, nil
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
	return r.commitTree(ctx, git.FirstLine(tree), message)
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
	if err := r.speaksGit(ctx, run); err != nil {
		return "", err
	}
	return "", r.noDefault(ctx)
}

// noDefault is the error for a HEAD that names no branch that is there, with those
// that are.
func (r *Remote) noDefault(ctx context.Context) error {
	list, err := r.branches(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return ErrEmpty
	}
	slices.Sort(list)
	return fmt.Errorf("%w; there are: %s", ErrNoDefault, excerpt.List(list))
}
