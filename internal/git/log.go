package git

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Entry is one commit of a history.
type Entry struct {
	ID       string
	Parents  []string
	Time     time.Time // when it was committed
	Subject  string
	Trailers map[string][]string
}

// Log lists commits, by the arguments of git log that say which and in what
// order. It reads no trees.
//
// Where a commit says that its message is in an encoding that it is not in, git garbles
// the whole of it, and all are read as they are.
func Log(ctx context.Context, r Runner, args ...string) ([]Entry, error) {
	list, err := logAs(ctx, r, args)
	if errors.Is(err, errNoCommit) {
		return logAs(ctx, r, append([]string{"--encoding=none"}, args...))
	}
	return list, err
}

var errNoCommit = errors.New("git log: its output is not a commit")

func logAs(ctx context.Context, r Runner, args []string) ([]Entry, error) {
	args = append([]string{"log", "-z", "--format=%H%n%P%n%ct%n%s%n%(trailers:only=true,unfold=true)"}, args...)
	out, err := r.Run(ctx, nil, append(args, "--")...)
	if err != nil {
		return nil, err
	}
	var list []Entry
	for record := range strings.SplitSeq(string(out), "\x00") {
		if record == "" {
			continue
		}
		e, err := parseEntry(record)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

func parseEntry(record string) (Entry, error) {
	fields := strings.SplitN(record, "\n", 5)
	if len(fields) < 5 {
		return Entry{}, errNoCommit
	}
	seconds, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return Entry{}, fmt.Errorf("%w: %q is not a time", errNoCommit, fields[2])
	}
	e := Entry{ID: fields[0], Parents: strings.Fields(fields[1]), Time: time.Unix(seconds, 0), Subject: fields[3], Trailers: map[string][]string{}}
	for text := range strings.Lines(fields[4]) {
		if key, value, ok := strings.Cut(strings.TrimSpace(text), ": "); ok {
			e.Trailers[key] = append(e.Trailers[key], value)
		}
	}
	return e, nil
}
