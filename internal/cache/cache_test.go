package cache_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/assaydev/assay/internal/cache"
)

// TestBounded: never more is kept than there is room for, and what is kept is what was put.
func TestBounded(t *testing.T) {
	const most = 100
	c := cache.New[int, int](most)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same calls each time
	last := map[int]int{}
	for range 10_000 {
		key, bytes := random.IntN(30), random.Int64N(120)
		if random.IntN(2) == 0 {
			value := random.Int()
			c.Put(key, value, bytes)
			last[key] = value
		} else if got, ok := c.Get(key); ok && got != last[key] {
			t.Fatalf("%d is %d, and %d was put", key, got, last[key])
		}
		if c.Bytes() > most || c.Bytes() < 0 {
			t.Fatalf("%d bytes are kept", c.Bytes())
		}
	}
}

// TestOldestGoesFirst: what was used lately stays.
func TestOldestGoesFirst(t *testing.T) {
	c := cache.New[string, int](3)
	for i, key := range []string{"a", "b", "c"} {
		c.Put(key, i, 1)
	}
	c.Get("a")
	c.Put("d", 3, 1)
	for key, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if _, ok := c.Get(key); ok != want {
			t.Errorf("%s is kept: %v", key, ok)
		}
	}
	c.Put("large", 4, 4)
	if _, ok := c.Get("large"); ok || c.Bytes() != 3 {
		t.Error("one that is too large displaces others")
	}
}

// TestMadeOnce: what is asked for at once is made once.
func TestMadeOnce(t *testing.T) {
	c := cache.New[string, int](10)
	var made atomic.Int64
	begun, goOn := make(chan struct{}), make(chan struct{})
	create := func(ctx context.Context) (int, int64, error) {
		close(begun)
		<-goOn
		return int(made.Add(1)), 1, ctx.Err()
	}
	var all sync.WaitGroup
	hows := make(chan cache.How, 20)
	ask := func() {
		value, how, err := c.Do(t.Context(), "k", create)
		if value != 1 || err != nil {
			t.Errorf("got %d, %v", value, err)
		}
		hows <- how
	}
	all.Go(ask)
	<-begun
	for range 19 {
		all.Go(ask)
	}
	close(goOn)
	all.Wait()
	close(hows)
	count := map[cache.How]int{}
	for how := range hows {
		count[how]++
	}
	if made.Load() != 1 || count[cache.Made] != 1 || count[cache.Joined]+count[cache.Kept] != 19 {
		t.Errorf("made %d times: %v", made.Load(), count)
	}
}

// TestLeaving: who leaves does not end the work of the others; the last one does.
func TestLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cache.New[string, int](10)
		ended := false
		create := func(ctx context.Context) (int, int64, error) {
			<-ctx.Done()
			ended = true
			return 0, 0, ctx.Err()
		}
		results := make(chan error, 2)
		ask := func() context.CancelCauseFunc {
			ctx, leave := context.WithCancelCause(t.Context())
			go func() { _, _, err := c.Do(ctx, "k", create); results <- err }()
			synctest.Wait()
			return leave
		}
		gone := errors.New("gone")
		for _, leave := range []context.CancelCauseFunc{ask(), ask()} {
			if synctest.Wait(); ended {
				t.Error("the work ended while somebody waits")
			}
			leave(gone)
			if err := <-results; !errors.Is(err, gone) {
				t.Errorf("got %v", err)
			}
		}
		if synctest.Wait(); !ended {
			t.Error("the work goes on although nobody waits")
		}
		// Who comes now does not get what was given up.
		if value, how, err := c.Do(t.Context(), "k", func(context.Context) (int, int64, error) { return 3, 1, nil }); value != 3 || how != cache.Made || err != nil {
			t.Errorf("got %d, %s, %v", value, how, err)
		}
	})
}

// TestFaults: neither an error nor a panic is kept.
func TestFaults(t *testing.T) {
	c := cache.New[string, int](10)
	fault := errors.New("fault")
	if _, _, err := c.Do(t.Context(), "k", func(context.Context) (int, int64, error) { return 1, 1, fault }); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
	_, _, err := c.Do(t.Context(), "k", func(context.Context) (int, int64, error) { panic("fault of input") })
	var broken *cache.PanicError
	if !errors.As(err, &broken) || broken.Value != "fault of input" || !strings.Contains(broken.Stack, "cache_test.go") || strings.Contains(err.Error(), "input") {
		t.Errorf("a panic becomes %v", err)
	}
	if value, how, err := c.Do(t.Context(), "k", func(context.Context) (int, int64, error) { return 2, 1, nil }); value != 2 || how != cache.Made || err != nil {
		t.Errorf("got %d, %s, %v", value, how, err)
	}
}

// TestOff: a cache that is turned off makes each value.
func TestOff(t *testing.T) {
	for _, c := range []*cache.Cache[string, int]{nil, cache.New[string, int](0)} {
		made := 0
		for range 2 {
			c.Put("k", 1, 1)
			if _, ok := c.Get("k"); ok {
				t.Error("something is kept")
			}
			if _, how, err := c.Do(t.Context(), "k", func(context.Context) (int, int64, error) { made++; return made, 1, nil }); how != cache.Made || err != nil {
				t.Errorf("%s, %v", how, err)
			}
		}
		if made != 2 || c.Bytes() != 0 {
			t.Errorf("made %d times, %d bytes", made, c.Bytes())
		}
	}
}
