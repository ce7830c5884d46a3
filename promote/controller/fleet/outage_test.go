package fleet

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/outage"
)

// TestOutage: a cluster that does not answer is asked by one at a time, after longer and longer.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := outage.New(cluster.IsUnavailable)
		asked := 0
		away := errors.New("away")
		question := func(err error, takes time.Duration) error {
			_, err = ask(t.Context(), o, func(ctx context.Context) (int, error) {
				asked++
				select {
				case <-time.After(takes):
					return 1, err
				case <-ctx.Done():
					return 0, ctx.Err()
				}
			})
			return err
		}
		if err := question(errors.New("forbidden"), 0); err == nil || asked != 1 {
			t.Fatalf("%v, asked %d times", err, asked)
		}
		for i, pause := range []time.Duration{5, 10, 20, 40, 80, 120, 120} {
			asked = 0
			if err := question(&cluster.Unavailable{Err: away}, 0); !errors.Is(err, away) || asked != 1 {
				t.Fatalf("%d: %v, asked %d times", i, err, asked)
			}
			if after := again(o); after != pause*time.Second+aBit {
				t.Errorf("%d: again after %s, want %d s", i, after, pause)
			}
			time.Sleep(pause*time.Second - time.Millisecond)
			if err := question(nil, 0); !errors.Is(err, away) || asked != 1 {
				t.Errorf("%d: before the pause is over: %v, asked %d times", i, err, asked)
			}
			time.Sleep(time.Millisecond)
		}
		asked = 0
		done := make(chan error)
		go func() { done <- question(nil, time.Second) }()
		synctest.Wait()
		if err := question(nil, 0); !errors.Is(err, away) || asked != 1 {
			t.Errorf("while one asks: %v, asked %d times", err, asked)
		}
		if err := <-done; err != nil || again(o) != 0 {
			t.Errorf("it answers again: %v", err)
		}
		if err := question(nil, time.Hour); !cluster.IsUnavailable(err) || again(o) == 0 {
			t.Errorf("a question without end: %v", err)
		}
		time.Sleep(time.Minute)
		hung := make(chan struct{})
		stuck := func() bool {
			var asked atomic.Bool
			_, _ = ask(t.Context(), o, func(context.Context) (int, error) { asked.Store(true); <-hung; return 0, nil })
			return asked.Load()
		}
		if !stuck() {
			t.Error("after the pause nobody asks")
		}
		for range 10 {
			if time.Sleep(outage.LastPause); stuck() {
				t.Fatal("it is asked while a question to it does not end")
			}
		}
		close(hung)
		synctest.Wait()
		if err := question(nil, 0); err != nil || again(o) != 0 {
			t.Errorf("once the question has ended: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := ask(ctx, o, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that goes: %v", err)
		}
	})
}
