// Package gate lets a bounded amount of work run at once, and shares it fairly between
// those who ask.
//
//  1. Enter takes a place and a weight of memory, or waits for them.
//  2. Who waits is served in turn by key, so that one who asks much does not keep others
//     waiting; within a key, in the order of asking.
//  3. Who would wait beyond its deadline is told at once, by how long work took lately.
//
// What is heavier than all there is runs alone.
package gate

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Gate is safe for concurrent use.
type Gate struct {
	places int
	weight int64

	mu      sync.Mutex
	running int
	used    int64
	turns   []string // keys that wait, the next one first
	waiting map[string][]*waiter
	typical time.Duration // of work, lately
}

type waiter struct {
	weight int64
	ready  chan struct{}
}

// New is a gate for so much work at once, and a weight of all of it together.
func New(places int, weight int64) *Gate {
	return &Gate{places: max(places, 1), weight: max(weight, 1), waiting: map[string][]*waiter{}}
}

// LateError says that work would not be done in time.
type LateError struct {
	Running, Ahead int
	Wait, Left     time.Duration
}

func (e *LateError) Error() string {
	return fmt.Sprintf("%d run and %d wait before it, about %s of waiting, and %s are left until the deadline", e.Running, e.Ahead, e.Wait.Round(time.Second), e.Left.Round(time.Second))
}

// Enter waits for a place. leave gives it back, and must be called once; it may be called
// again. The error is a *LateError, or the cause of the context's end.
func (g *Gate) Enter(ctx context.Context, key string, weight int64) (leave func(), err error) {
	w := &waiter{weight: min(max(weight, 0), g.weight), ready: make(chan struct{})}
	g.mu.Lock()
	if len(g.turns) == 0 && g.fits(w) {
		g.take(w)
		g.mu.Unlock()
		return g.leaver(w), nil
	}
	if late := g.late(ctx, key); late != nil {
		g.mu.Unlock()
		return nil, late
	}
	if len(g.waiting[key]) == 0 {
		g.turns = append(g.turns, key)
	}
	g.waiting[key] = append(g.waiting[key], w)
	g.mu.Unlock()
	select {
	case <-w.ready:
		return g.leaver(w), nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.ready: // just then
		g.give(w)
	default:
		g.forget(key, w)
	}
	return nil, context.Cause(ctx)
}

// late says that who asks now would wait too long. Nothing is known until work was done.
func (g *Gate) late(ctx context.Context, key string) *LateError {
	deadline, ok := ctx.Deadline()
	if !ok || g.typical == 0 {
		return nil
	}
	own := len(g.waiting[key])
	ahead := own
	for other, list := range g.waiting {
		if other != key {
			ahead += min(len(list), own+1)
		}
	}
	wait := g.typical * time.Duration(ahead+1) / time.Duration(g.places)
	if left := time.Until(deadline); wait > left {
		return &LateError{g.running, ahead, wait, left}
	}
	return nil
}

func (g *Gate) fits(w *waiter) bool {
	return g.running < g.places && (g.running == 0 || g.used+w.weight <= g.weight)
}

func (g *Gate) take(w *waiter) {
	g.running++
	g.used += w.weight
}

// give takes a place back, and lets in who is next. The lock is held.
func (g *Gate) give(w *waiter) {
	g.running--
	g.used -= w.weight
	g.admit()
}

// admit lets in those whose turn it is. One that does not fit yet keeps its turn.
func (g *Gate) admit() {
	for len(g.turns) > 0 {
		key := g.turns[0]
		next := g.waiting[key][0]
		if !g.fits(next) {
			return
		}
		g.take(next)
		g.turns = g.turns[1:]
		if rest := g.waiting[key][1:]; len(rest) > 0 {
			g.waiting[key] = rest
			g.turns = append(g.turns, key)
		} else {
			delete(g.waiting, key)
		}
		close(next.ready)
	}
}

// forget takes out one who waits no more.
func (g *Gate) forget(key string, w *waiter) {
	rest := slices.DeleteFunc(g.waiting[key], func(other *waiter) bool { return other == w })
	if g.waiting[key] = rest; len(rest) == 0 {
		delete(g.waiting, key)
		g.turns = slices.DeleteFunc(g.turns, func(other string) bool { return other == key })
	}
	g.admit() // it may have stood before one that fits
}

// leaver gives the place back, and remembers how long it was taken.
func (g *Gate) leaver(w *waiter) func() {
	start := time.Now()
	var once sync.Once
	return func() {
		once.Do(func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			took := max(time.Since(start), time.Microsecond)
			if g.typical == 0 {
				g.typical = took
			}
			g.typical += (took - g.typical) / 8
			g.give(w)
		})
	}
}

// Load is how much runs and how much waits.
func (g *Gate) Load() (running, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, list := range g.waiting {
		waiting += len(list)
	}
	return g.running, waiting
}
