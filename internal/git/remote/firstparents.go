package remote

import (
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

// FirstParents is the first-parent history of a branch: its own commits, newest
// first.
type FirstParents struct {
	remote *Remote
	store  *store
	remove func()
	points []point
	n      int // how many of them may be asked for
}

// FirstParents reads the newest n commits of a branch's own, without their files.
// The caller closes it.
func (r *Remote) FirstParents(ctx context.Context, branch string, n int) (*FirstParents, error) {
	s, remove, err := r.past(ctx, branch, n)
	if err != nil {
		return nil, err
	}
	l := &FirstParents{remote: r, store: s, remove: remove, n: n}
	out, err := s.run.Run(ctx, nil, "log", "--first-parent", "--format=%H %ct %T", tipRef, "--")
	if err == nil {
		l.points, err = parsePoints(string(out))
	}
	if err != nil {
		remove()
		return nil, fmt.Errorf("read the history of %s: %w", branch, err)
	}
	return l, nil
}

// Close removes what was fetched.
func (l *FirstParents) Close() { l.remove() }

// Tip is its newest commit.
func (l *FirstParents) Tip() string {
	if len(l.points) == 0 {
		return ""
	}
	return l.points[0].commit
}

// Tree opens the files of a commit, as Remote.Tree does.
func (l *FirstParents) Tree(ctx context.Context, commit string) (*git.Tree, error) {
	return l.remote.Tree(ctx, commit)
}

// Changed is the newest commit, from the given one back, that gave one of the
// paths, files or directories, another content. It is false if that was before
// the newest n commits, or if the commit is not one of them.
//
// It walks back in growing steps: most paths that are asked for changed lately.
func (l *FirstParents) Changed(ctx context.Context, from string, paths []string) (git.Change, bool, error) {
	const first = 8
	start := slices.IndexFunc(l.points, func(p point) bool { return p.commit == from })
	for size := first; start >= 0 && start < min(len(l.points), l.n); start, size = start+size, size*4 {
		// The last one of a part is the first one of the next: it is compared with both.
		part := l.points[start:min(start+size+1, len(l.points))]
		content := make([]string, len(part))
		for _, name := range paths {
			found, err := l.store.at(ctx, part, path.Clean(name))
			if err != nil {
				return git.Change{}, false, err
			}
			for i, p := range part {
				content[i] += found[p.tree].mode + found[p.tree].id + " "
			}
		}
		for i := range len(part) - 1 {
			if content[i] != content[i+1] {
				return git.Change{Commit: part[i].commit, Parent: part[i+1].commit, Time: part[i].time}, true, nil
			}
		}
	}
	if start < 0 || len(l.points) > l.n {
		return git.Change{}, false, nil
	}
	root := l.points[len(l.points)-1]
	return git.Change{Commit: root.commit, Time: root.time}, true, nil
}

// point is one of the commits.
type point struct {
	commit string
	time   time.Time
	tree   string
}

func parsePoints(out string) ([]point, error) {
	var points []point
	for record := range strings.Lines(out) {
		fields := strings.Fields(record)
		if len(fields) != 3 {
			return nil, errors.New("git log: its output is not a commit")
		}
		seconds, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git log: %q is not a time", fields[1])
		}
		points = append(points, point{fields[0], time.Unix(seconds, 0), fields[2]})
	}
	return points, nil
}

// at is what each root tree has at a path, the zero entry where there is
// nothing. Each level of directories is fetched once.
func (s *store) at(ctx context.Context, points []point, name string) (map[string]treeEntry, error) {
	found := map[string]treeEntry{}
	for _, p := range points {
		found[p.tree] = treeEntry{modeDir, p.tree}
	}
	if name == "." {
		return found, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		want := directories(found)
		if err := s.bring(ctx, want); err != nil {
			return nil, fmt.Errorf("read directories: %w", err)
		}
		below := map[treeEntry]treeEntry{}
		for _, id := range want {
			list, err := s.entries(ctx, id)
			if err != nil {
				return nil, err
			}
			below[treeEntry{modeDir, id}] = list[part]
		}
		for root, e := range found {
			found[root] = below[e]
		}
	}
	return found, nil
}

// directories are the ids of trees, each once.
func directories(found map[string]treeEntry) []string {
	var list []string
	for _, e := range found {
		if e.mode == modeDir {
			list = append(list, e.id)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
