package gitremote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

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

// past is a repository with the last n generations of a branch and one more,
// which tells whether they are all.
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
		return false, fmt.Errorf("look on branch %s: %q or %q is no full commit id", branch, after, commit)
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

// Changed is when a path of a branch, a file or a directory, got the content
// that it has at the tip, by the branch's own line of commits (first parents).
// It is zero where the path does not exist, or got it before the last n commits.
func (r *Remote) Changed(ctx context.Context, branch, name string, n int) (time.Time, error) {
	s, remove, err := r.past(ctx, branch, n)
	if err != nil {
		return time.Time{}, err
	}
	defer remove()
	out, err := s.run.Run(ctx, nil, "log", "--first-parent", "--format=%H %ct %T", tipRef, "--")
	if err != nil {
		return time.Time{}, fmt.Errorf("read the history of %s: %w", branch, err)
	}
	line, err := parseLine(string(out))
	if err != nil {
		return time.Time{}, err
	}
	return s.changed(ctx, line, path.Clean(name), n)
}

// point is a commit of a line, newest first.
type point struct {
	commit string
	time   time.Time
	tree   string
}

func parseLine(out string) ([]point, error) {
	var line []point
	for record := range strings.Lines(out) {
		fields := strings.Fields(record)
		if len(fields) != 3 {
			return nil, errors.New("git log: it prints what is no commit")
		}
		seconds, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git log: %q is no time", fields[1])
		}
		line = append(line, point{fields[0], time.Unix(seconds, 0), fields[2]})
	}
	return line, nil
}

// changed walks back in growing steps: most paths that are asked for changed
// lately. A line of n commits or fewer goes back to the first.
func (s *store) changed(ctx context.Context, line []point, name string, n int) (time.Time, error) {
	const first = 8
	var content string
	var since time.Time
	for start, size := 0, first; start < len(line); start, size = start+size, size*4 {
		part := line[start:min(start+size, len(line))]
		ids, err := s.at(ctx, part, name)
		if err != nil {
			return time.Time{}, err
		}
		for i, p := range part {
			id := ids[p.tree]
			switch {
			case start+i == 0 && id == "":
				return time.Time{}, nil
			case start+i == 0:
				content = id
			case id != content:
				return since, nil
			}
			since = p.time
		}
	}
	if len(line) > n {
		return time.Time{}, nil
	}
	return since, nil
}

// at is the id of what each root tree has at a path, empty where there is
// nothing. Each level of directories is fetched once.
func (s *store) at(ctx context.Context, line []point, name string) (map[string]string, error) {
	ids := map[string]string{}
	for _, p := range line {
		ids[p.tree] = p.tree
	}
	if name == "." {
		return ids, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		want := unique(ids)
		if len(want) == 0 {
			break
		}
		if err := s.bring(ctx, want); err != nil {
			return nil, fmt.Errorf("read directories: %w", err)
		}
		below := map[string]string{}
		for _, id := range want {
			kind, err := s.run.Run(ctx, nil, "cat-file", "-t", id)
			if err != nil || git.Line(kind) != "tree" {
				continue
			}
			list, err := s.entries(ctx, id)
			if err != nil {
				return nil, err
			}
			below[id] = list[part].id
		}
		for root, id := range ids {
			ids[root] = below[id]
		}
	}
	return ids, nil
}

func unique(ids map[string]string) []string {
	var list []string
	for _, id := range ids {
		if id != "" {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
