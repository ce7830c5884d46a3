package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/assaydev/assay/internal/git"
)

// Changed is when the file got the content that it has, by the last commit
// that changed it; zero for one that differs from the last commit.
func (r *Repo) Changed(ctx context.Context, name string) (time.Time, error) {
	dirty, err := r.Dirty(ctx, name, func(string) bool { return false })
	if err != nil || len(dirty) > 0 {
		return time.Time{}, err
	}
	out, err := r.git(ctx, nil, "log", "-1", "--format=%ct", "HEAD", "--", r.full(name))
	var failed *git.Error
	if errors.As(err, &failed) || err == nil && git.Line(out) == "" {
		return time.Time{}, nil // no commit has it
	}
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(git.Line(out), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("git log: %q is no time", git.Line(out))
	}
	return time.Unix(seconds, 0), nil
}

// Base is the last commit that two revisions have in common.
func (r *Repo) Base(ctx context.Context, a, b string) (string, error) {
	first, err := r.Resolve(ctx, a)
	if err != nil {
		return "", err
	}
	second, err := r.Resolve(ctx, b)
	if err != nil {
		return "", err
	}
	out, err := r.git(ctx, nil, "merge-base", first, second)
	var failed *git.Error
	if errors.As(err, &failed) && failed.Code == 1 {
		return "", fmt.Errorf("%s and %s have no commit in common: fetch more of the history", a, b)
	}
	return git.Line(out), err
}

// Log lists the commits after one, up to another, parents first.
func (r *Repo) Log(ctx context.Context, after, until string) ([]git.Entry, error) {
	return git.Log(ctx, r.run, "--topo-order", "--reverse", after+".."+until)
}

// Commit is the one commit that a revision names.
func (r *Repo) Commit(ctx context.Context, revision string) (git.Entry, error) {
	id, err := r.Resolve(ctx, revision)
	if err != nil {
		return git.Entry{}, err
	}
	list, err := git.Log(ctx, r.run, "--no-walk", id)
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("read commit %s: git log prints %d commits", git.Short(id), len(list))
	}
	if err != nil {
		return git.Entry{}, err
	}
	return list[0], nil
}

// Recent lists the newest commits of the branch that is checked out, at most n
// of them and the newest first. It reads no trees.
func (r *Repo) Recent(ctx context.Context, n int) ([]git.Entry, error) {
	head, err := r.git(ctx, nil, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	var failed *git.Error
	if errors.As(err, &failed) {
		return nil, nil // no commit yet
	}
	if err != nil {
		return nil, err
	}
	return git.Log(ctx, r.run, "--max-count="+strconv.Itoa(n), git.Line(head))
}

// Shallow tells whether the repository lacks older commits.
func (r *Repo) Shallow(ctx context.Context) (bool, error) {
	out, err := r.git(ctx, nil, "rev-parse", "--is-shallow-repository")
	return git.Line(out) == "true", err
}

// Refs lists the commits that refs name whose names start with prefix.
func (r *Repo) Refs(ctx context.Context, prefix string) ([]git.Entry, error) {
	out, err := r.git(ctx, nil, "for-each-ref", "--format=%(objectname)", prefix)
	ids := strings.Fields(string(out))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return git.Log(ctx, r.run, append([]string{"--no-walk"}, ids...)...)
}
