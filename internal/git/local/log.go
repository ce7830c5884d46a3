package local

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/assaydev/assay/internal/git"
)

// Changed is the newest commit, from the given one back along first parents,
// that gave one of the paths another content; false where none is known to.
func (r *Repo) Changed(ctx context.Context, from string, paths []string) (git.Change, bool, error) {
	args := []string{"log", "-1", "--first-parent", "--format=%H %ct %P", from, "--"}
	for _, name := range paths {
		args = append(args, pathspec(r.full(name)))
	}
	out, err := r.git(ctx, nil, args...)
	if err != nil {
		return git.Change{}, false, err
	}
	fields := strings.Fields(string(out))
	if len(fields) < 2 {
		return git.Change{}, false, nil
	}
	seconds, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return git.Change{}, false, fmt.Errorf("git log: %q is not a time", fields[1])
	}
	c := git.Change{Commit: fields[0], Time: time.Unix(seconds, 0)}
	if len(fields) > 2 {
		c.Parent = fields[2]
		return c, true, nil
	}
	// What a shallow clone has before its first commit is not known.
	shallow, err := r.Shallow(ctx)
	return c, !shallow, err
}

// ErrUnrelated is returned for revisions that have no commit in common here.
var ErrUnrelated = errors.New("no commit in common")

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
		return "", fmt.Errorf("%s and %s have %w: fetch more of the history", a, b, ErrUnrelated)
	}
	return git.FirstLine(out), err
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
	head, err := r.Head(ctx)
	if err != nil || head == "" {
		return nil, err
	}
	return git.Log(ctx, r.run, "--max-count="+strconv.Itoa(n), head)
}

// Covered reports whether a signature by one of the allowed signers, as
// ssh-keygen reads them from a file, covers a commit.
func (r *Repo) Covered(ctx context.Context, commit, signers string) (bool, error) {
	return git.Covered(ctx, r.run, commit, signers)
}

// Head is the commit that is checked out; empty where there is none yet.
func (r *Repo) Head(ctx context.Context) (string, error) {
	// It tells a branch without commits from one that cannot be read.
	out, err := r.git(ctx, nil, "log", "-1", "--format=%H")
	var failed *git.Error
	if errors.As(err, &failed) && strings.Contains(failed.Stderr, "does not have any commits yet") {
		return "", nil
	}
	return git.FirstLine(out), err
}

// Shallow reports whether the repository lacks older commits.
func (r *Repo) Shallow(ctx context.Context) (bool, error) {
	out, err := r.git(ctx, nil, "rev-parse", "--is-shallow-repository")
	return git.FirstLine(out) == "true", err
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
