package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/git"
)

// Resolve fetches the commit that people name, without its files, and returns
// its id: by a branch, a tag, a full id, or a ref in full, as refs/pull/1/head.
// The first of these that there is counts; a tag is followed to its commit.
// ErrNoBranch where there is neither a branch nor a tag, ErrNoCommit where the
// server does not give out an id.
func (r *Remote) Resolve(ctx context.Context, name string) (string, error) {
	r.opt.Step("fetch " + name)
	if isID(name) {
		if err := r.Fetch(ctx, name); err != nil {
			return "", fmt.Errorf("%w: name a branch or a tag that it is the tip of", err)
		}
		return r.peel(ctx, name, name)
	}
	full := strings.HasPrefix(name, "refs/")
	refs := []string{name}
	if !full {
		refs = []string{"refs/heads/" + name, "refs/tags/" + name}
	}
	for _, ref := range refs {
		if _, err := r.run.Run(ctx, nil, "check-ref-format", ref); err != nil {
			if ctx.Err() != nil {
				return "", err
			}
			return "", fmt.Errorf("%q is not a name of a branch, a tag or a ref", name)
		}
		err := r.fetch(ctx, fetch{refspecs: []string{"+" + ref + ":" + namedRef}, depth: 1})
		switch {
		case err == nil:
			return r.peel(ctx, name, namedRef)
		case !errors.Is(err, ErrNoBranch):
			return "", fmt.Errorf("fetch %s: %w", name, err)
		}
	}
	if full {
		return "", fmt.Errorf("%s: the server has no such ref", name)
	}
	err := r.noBranch(ctx, name)
	if !errors.Is(err, ErrNoBranch) {
		return "", err
	}
	return "", fmt.Errorf("%w; there is no such tag either, and a commit is named by its full id, other refs in full, as refs/pull/1/head", err)
}

// peel follows tags to a commit.
func (r *Remote) peel(ctx context.Context, name, revision string) (string, error) {
	out, err := r.run.Run(ctx, nil, "rev-parse", "--verify", "--quiet", revision+"^{commit}")
	var failed *git.Error
	if errors.As(err, &failed) {
		return "", fmt.Errorf("%s is not a commit, or a tag of one", name)
	}
	return git.FirstLine(out), err
}
