package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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
