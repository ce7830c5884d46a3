package gate_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaydev/assay/internal/gate"
)

// TestBounds: never more runs than there are places, nor more than the weight unless alone,
// and everybody gets in at last.
func TestBounds(t *testing.T) {
	const places, weight = 4, 100
	g := gate.New(places, weight)
	var running, used, most atomic.Int64
	var all sync.WaitGroup
	for i := range 400 {
		all.Go(func() {
			w := rand.Int64N(150) //nolint:gosec // a weight, which guards nothing
			leave, err := g.Enter(t.Context(), string(rune('a'+i%7)), w)
			if err != nil {
				t.Error(err)
				return
			}
			counted := min(w, weight)
			n, sum := running.Add(1), used.Add(counted)
			most.Store(max(most.Load(), n))
			if n > places || sum > weight {
				t.Errorf("%d run, with a weight of %d", n, sum)
			}
			running.Add(-1)
			used.Add(-counted)
			leave()
			leave() // once more does nothing
		})
	}
	all.Wait()
	if n, waiting := g.Load(); n != 0 || waiting != 0 {
		t.Errorf("%d run, %d wait", n, waiting)
	}
}

// TestFair: one who asks much does not keep another waiting.
func TestFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(1, 1)
		leave, err := g.Enter(t.Context(), "busy", 1)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		var all sync.WaitGroup
		ask := func(key string) {
			all.Go(func() {
				leave, err := g.Enter(t.Context(), key, 1)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, key) // one at a time
				leave()
			})
			synctest.Wait()
		}
		for range 5 {
			ask("busy")
		}
		ask("other")
		ask("third")
		leave()
		all.Wait()
		want := []string{"busy", "other", "third", "busy", "busy", "busy", "busy"}
		for i := range want {
			if len(order) != len(want) || order[i] != want[i] {
				t.Fatalf("served %v, want %v", order, want)
			}
		}
	})
}

// TestLate: who would wait too long is told at once; who need not wait is let in, however
// slow work was.
func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(1, 1)
		leave, err := g.Enter(t.Context(), "slow", 1)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		leave()
		soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if leave, err = g.Enter(soon, "a", 1); err != nil {
			t.Fatalf("there is room: %v", err)
		}
		start := time.Now()
		var late *gate.LateError
		if _, err := g.Enter(soon, "b", 1); !errors.As(err, &late) || time.Since(start) != 0 {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		later, cancelLater := context.WithTimeout(t.Context(), time.Hour)
		defer cancelLater()
		entered := make(chan error)
		go func() {
			leave, err := g.Enter(later, "b", 1)
			if err == nil {
				leave()
			}
			entered <- err
		}()
		synctest.Wait()
		leave()
		if err := <-entered; err != nil {
			t.Error(err)
		}
	})
}

// TestLeaves: who waits and ends takes no place, and lets in who fits.
func TestLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(2, 10)
		leave, err := g.Enter(t.Context(), "a", 6)
		if err != nil {
			t.Fatal(err)
		}
		gone := errors.New("gone")
		ctx, end := context.WithCancelCause(t.Context())
		heavy, light := make(chan error), make(chan error)
		go func() { _, err := g.Enter(ctx, "heavy", 10); heavy <- err }()
		synctest.Wait()
		go func() {
			leave, err := g.Enter(t.Context(), "light", 2)
			if err == nil {
				leave()
			}
			light <- err
		}()
		synctest.Wait()
		if running, waiting := g.Load(); running != 1 || waiting != 2 {
			t.Errorf("%d run, %d wait", running, waiting)
		}
		end(gone)
		if err := <-heavy; !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
		if err := <-light; err != nil {
			t.Error(err)
		}
		leave()
	})
}

// TestLearnsByKey: one whose work never ends does not have others refused.
func TestLearnsByKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(1, 1)
		work := func(key string, took time.Duration) {
			leave, err := g.Enter(t.Context(), key, 1)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(took)
			leave()
		}
		for range 20 {
			work("quick", time.Millisecond)
		}
		for range 5 {
			work("endless", time.Minute)
		}
		leave, err := g.Enter(t.Context(), "quick", 1)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		entered := make(chan error, 2)
		for _, key := range []string{"quick", "new"} {
			go func() {
				leave, err := g.Enter(ctx, key, 1)
				if err == nil {
					leave()
				}
				entered <- err
			}()
		}
		synctest.Wait()
		leave()
		if err := errors.Join(<-entered, <-entered); err != nil {
			t.Error(err)
		}
		if leave, err = g.Enter(t.Context(), "endless", 1); err != nil {
			t.Fatal(err)
		}
		defer leave()
		var late *gate.LateError
		if _, err := g.Enter(ctx, "quick", 1); !errors.As(err, &late) {
			t.Errorf("behind the endless one: %v", err)
		}
	})
}

// TestKeep: what was made goes on weighing once its place is free, and what is charged lets
// one run all the same.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(1, 10)
		p, err := g.Take(t.Context(), "a", 4)
		if err != nil {
			t.Fatal(err)
		}
		p.Keep(8)
		leave, err := g.Enter(t.Context(), "b", 2)
		if err != nil {
			t.Fatal(err)
		}
		leave()
		entered := make(chan func())
		go func() {
			leave, err := g.Enter(t.Context(), "c", 3)
			if err != nil {
				t.Error(err)
			}
			entered <- leave
		}()
		synctest.Wait()
		if running, waiting := g.Load(); running != 0 || waiting != 1 {
			t.Errorf("what is kept leaves no room: %d run, %d wait", running, waiting)
		}
		p.Leave()
		p.Leave() // once more does nothing
		(<-entered)()
		held := g.Hold(0)
		if over := held.Keep(13); over != 3 {
			t.Errorf("%d too much", over)
		}
		held.Leave()

		release := g.Charge(9)
		one, err := g.Take(t.Context(), "d", 5)
		if err != nil {
			t.Fatal(err)
		}
		one.Keep(5)
		go func() {
			leave, err := g.Enter(t.Context(), "e", 5)
			if err != nil {
				t.Error(err)
			}
			entered <- leave
		}()
		synctest.Wait()
		if _, waiting := g.Load(); waiting != 1 {
			t.Error("a second one is let in although what is charged leaves no room")
		}
		release()
		release()
		(<-entered)()
		one.Leave()
	})
}
