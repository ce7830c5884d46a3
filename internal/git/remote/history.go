package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/assaydev/assay/internal/git"
)

// Log lists the last n commits of a branch, newest first. Shallow says that
// there are more.
func (r *Remote) Log(ctx context.Context, branch string, n int) (entries []git.Entry, shallow bool, err error) {
	s, remove, err := r.past(ctx, branch, n)
	if err != nil {
		return nil, false, err
	}
	defer remove()
	entries, err = git.Log(ctx, s.run, "-n", strconv.Itoa(n+1), tipRef)
	if err != nil {
		return nil, false, err
	}
	return entries[:min(n, len(entries))], len(entries) > n, nil
}

// Base is the last commit that a branch and a commit have in common, within the
// last n generations of each; empty where none is found.
func (r *Remote) Base(ctx context.Context, branch, commit string, n int) (string, error) {
	s, remove, err := r.past(ctx, branch, n)
	if err != nil {
		return "", err
	}
	defer remove()
	err = s.fetch(ctx, fetch{refspecs: []string{commit + ":refs/fetched/other"}, depth: n + 1})
	if errors.Is(err, ErrNoCommit) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("fetch the history of %s: %w", git.Short(commit), err)
	}
	out, err := s.run.Run(ctx, nil, "merge-base", tipRef, commit)
	var failed *git.Error
	if errors.As(err, &failed) && failed.Code == 1 {
		return "", nil
	}
	return git.FirstLine(out), err
}

// past is a repository with the last n generations of a branch and one more,
// which reports whether they are all.
func (r *Remote) past(ctx context.Context, branch string, n int) (*store, func(), error) {
	ref, err := r.branchRef(ctx, branch)
	if err != nil {
		return nil, nil, err
	}
	s, remove, err := r.scratch(ctx)
	if err != nil {
		return nil, nil, err
	}
	r.opt.Step("fetch the history of " + branch)
	err = s.fetch(ctx, fetch{refspecs: []string{"+" + ref + ":" + tipRef}, depth: n + 1})
	if err == nil {
		return s, remove, nil
	}
	remove()
	if errors.Is(err, ErrNoBranch) {
		return nil, nil, r.noBranch(ctx, branch)
	}
	return nil, nil, fmt.Errorf("fetch the history of %s: %w", branch, err)
}

// Landed reports whether a commit is in a branch's history after another one.
// ErrRewritten where that one is no longer in it.
func (r *Remote) Landed(ctx context.Context, branch, after, commit string) (bool, error) {
	if !isID(after) || !isID(commit) {
		return false, fmt.Errorf("look on branch %s: %q or %q is not a full commit id", branch, after, commit)
	}
	r.opt.Step("look for " + git.Short(commit) + " on " + branch)
	return r.landed(ctx, branch, after, commit)
}

// landed also takes a branch that was new: after is empty.
func (r *Remote) landed(ctx context.Context, branch, after, commit string) (bool, error) {
	ref, err := r.branchRef(ctx, branch)
	if err != nil {
		return false, err
	}
	s, remove, err := r.scratch(ctx)
	if err != nil {
		return false, err
	}
	defer remove()
	from := after
	if from == "" {
		from = commit
	}
	err = s.fetch(ctx, fetch{refspecs: []string{from + ":refs/fetched/after"}, depth: 1})
	switch {
	case errors.Is(err, ErrNoCommit) && after == "":
		return false, nil
	case err != nil:
		return false, lost(branch, after, err)
	}
	if err := s.fetch(ctx, fetch{refspecs: []string{"+" + ref + ":" + tipRef}, after: true}); err != nil {
		if errors.Is(err, ErrNoBranch) {
			return false, r.noBranch(ctx, branch)
		}
		return false, fmt.Errorf("fetch the history of %s: %w", branch, err)
	}
	if has, err := s.contains(ctx, commit); has || err != nil || after == "" {
		return has, err
	}
	if has, err := s.contains(ctx, after); !has || err != nil {
		return false, lost(branch, after, cmp.Or(err, ErrNoCommit))
	}
	return false, nil
}

// contains reports whether a commit is in the history of the fetched tip.
func (s *store) contains(ctx context.Context, commit string) (bool, error) {
	if absent, err := s.missing(ctx, []string{commit}); len(absent) > 0 || err != nil {
		return false, err
	}
	_, err := s.run.Run(ctx, nil, "merge-base", "--is-ancestor", commit, tipRef)
	var failed *git.Error
	if errors.As(err, &failed) && failed.Code == 1 {
		return false, nil
	}
	return err == nil, err
}

func lost(branch, after string, err error) error {
	if errors.Is(err, ErrNoCommit) {
		return fmt.Errorf("branch %s: %w: commit %s is no longer in it", branch, ErrRewritten, git.Short(after))
	}
	return fmt.Errorf("fetch commit %s: %w", git.Short(after), err)
}
