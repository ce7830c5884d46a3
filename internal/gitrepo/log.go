package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Changed is when the file got the content that it has, by the last commit
// that changed it; zero for one that differs from the last commit.
func (r *Repo) Changed(ctx context.Context, name string) (time.Time, error) {
	dirty, err := r.Dirty(ctx, name, func(string) bool { return false })
	if err != nil || len(dirty) > 0 {
		return time.Time{}, err
	}
	out, err := r.git(ctx, nil, "log", "-1", "--format=%ct", "HEAD", "--", r.full(name))
	var failed *Error
	if errors.As(err, &failed) || err == nil && line(out) == "" {
		return time.Time{}, nil // no commit has it
	}
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(line(out), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("git log: %q is no time", line(out))
	}
	return time.Unix(seconds, 0), nil
}

// Entry is one commit of a history.
type Entry struct {
	ID       string
	Parents  []string
	Trailers map[string][]string
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
	var failed *Error
	if errors.As(err, &failed) && failed.Code == 1 {
		return "", fmt.Errorf("%s and %s have no commit in common: fetch more of the history", a, b)
	}
	return line(out), err
}

// Log lists the commits after one, up to another, parents first.
func (r *Repo) Log(ctx context.Context, after, until string) ([]Entry, error) {
	out, err := r.git(ctx, nil, "log", "--topo-order", "--reverse", "-z", "--format=%H%n%P%n%(trailers:only=true,unfold=true)", after+".."+until, "--")
	if err != nil {
		return nil, err
	}
	var list []Entry
	for record := range strings.SplitSeq(string(out), "\x00") {
		id, rest, found := strings.Cut(record, "\n")
		if !found {
			continue
		}
		parents, trailers, _ := strings.Cut(rest, "\n")
		e := Entry{ID: id, Parents: strings.Fields(parents), Trailers: map[string][]string{}}
		for text := range strings.Lines(trailers) {
			if key, value, ok := strings.Cut(strings.TrimSpace(text), ": "); ok {
				e.Trailers[key] = append(e.Trailers[key], value)
			}
		}
		list = append(list, e)
	}
	return list, nil
}
