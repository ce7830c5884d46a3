package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/test/gitserver"
)

// TestTurns: updates that come at once all land, and none starts over because of another of this process, however
// they interleave: all have read the same tip before the first may write.
func TestTurns(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	const writers, readers = 6, 2
	var turns Turns
	var again atomic.Int64
	var together sync.WaitGroup
	together.Add(writers)
	var all errgroup.Group
	for i := range writers + readers {
		r := open(t, repo.URL, unhurried, func(o *Options) {
			o.Turns, o.Again = &turns, func(bool) { again.Add(1) }
		})
		name := fmt.Sprintf("f%d", i)
		var once sync.Once
		all.Go(func() error {
			at, err := r.Update(limited(t), "main", func(context.Context, Base) (*Change, error) {
				if i >= writers {
					return nil, nil
				}
				once.Do(func() { together.Done(); together.Wait() })
				return &Change{Files: []git.File{{Path: name, After: []byte(name)}}, Message: "put " + name + "\n"}, nil
			})
			if at.Tries > 2 {
				t.Errorf("%s: %d tries", name, at.Tries)
			}
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(commits(t, repo), "put "); n != writers || again.Load() != 0 {
		t.Errorf("%d of %d landed, %d tries failed", n, writers, again.Load())
	}
	if len(turns.of) != 0 {
		t.Errorf("%d turns are kept", len(turns.of))
	}
}

// TestTurnThatIsNotGiven: who waits for a turn waits no longer than its context.
func TestTurnThatIsNotGiven(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	var turns Turns
	r := open(t, repo.URL, func(o *Options) { o.Turns = &turns })
	held, leave := turns.join(repo.URL + " main")
	defer leave()
	if err := held.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	var gaveUp *GaveUpError
	if _, err := r.Update(ctx, "main", put("a", "a")); !errors.As(err, &gaveUp) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := r.Update(limited(t), "other", put("a", "a")); errors.As(err, &gaveUp) {
		t.Errorf("another branch waits, too: %v", err)
	}
	held.give()
	must(r.Update(limited(t), "main", put("a", "a")))(t)
	if len(turns.of) != 1 {
		t.Errorf("%d turns are kept", len(turns.of))
	}
}
