// Package gate lets a bounded amount of work run at once, and shares it fairly between
// those who ask.
//
//  1. Enter takes a place and a weight of memory, or waits for them. Take does so for work
//     whose result goes on weighing once the place is free again.
//  2. Who waits is served in turn by key, so that one who asks much does not keep others
//     waiting; within a key, in the order of asking.
//  3. Who would wait beyond its deadline is told at once, by how long the work of each key
//     took lately (typical.go).
//
// What is heavier than all there is runs alone.
package gate

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Gate is safe for concurrent use.
type Gate struct {
	places int
	weight int64

	mu      sync.Mutex
	running map[*Place]bool // those who have a place
	holders int             // those who have a weight
	used    int64
	turns   []string // keys that wait, the next one first
	waiting map[string][]*waiter
	typical typical
}

type waiter struct {
	place *Place
	ready chan struct{}
}

// Place is work that was let in.
type Place struct {
	gate *Gate
	key  string

	// Under the gate's lock.
	start  time.Time
	weight int64
	left   bool
}

// New is a gate for so much work at once, and a weight of all of it together.
func New(places int, weight int64) *Gate {
	return &Gate{places: max(places, 1), weight: max(weight, 1), running: map[*Place]bool{}, waiting: map[string][]*waiter{}, typical: newTypical()}
}

// Enter waits for a place. leave gives it back, and must be called once; it may be called
// again. The error is a *LateError, or the cause of the context's end.
func (g *Gate) Enter(ctx context.Context, key string, weight int64) (leave func(), err error) {
	p, err := g.Take(ctx, key, weight)
	if err != nil {
		return nil, err
	}
	return p.Leave, nil
}

// Take is Enter for work whose weight may become another.
func (g *Gate) Take(ctx context.Context, key string, weight int64) (*Place, error) {
	p := &Place{gate: g, key: key, weight: min(max(weight, 0), g.weight)}
	g.mu.Lock()
	if len(g.turns) == 0 && g.fits(p) {
		g.admit(p)
		g.mu.Unlock()
		return p, nil
	}
	if late := g.late(ctx, key); late != nil {
		g.mu.Unlock()
		return nil, late
	}
	w := &waiter{place: p, ready: make(chan struct{})}
	if len(g.waiting[key]) == 0 {
		g.turns = append(g.turns, key)
	}
	g.waiting[key] = append(g.waiting[key], w)
	g.mu.Unlock()
	select {
	case <-w.ready:
		return p, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.ready: // just then
		g.release(p)
	default:
		g.forget(key, w)
	}
	return nil, context.Cause(ctx)
}

// Hold is a weight without a place: nobody waits for it, and it may be kept as another.
func (g *Gate) Hold(weight int64) *Place {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holders++
	g.used += weight
	return &Place{gate: g, weight: weight}
}

// Keep gives the place back, and goes on to hold so much weight until Leave. It says by how
// much more is used now than there is.
func (p *Place) Keep(weight int64) (over int64) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if !p.left {
		g.finish(p)
		g.used += weight - p.weight
		p.weight = weight
		g.next()
	}
	return max(g.used-g.weight, 0)
}

// Leave gives back all that is left of it.
func (p *Place) Leave() {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.left {
		return
	}
	g.finish(p)
	g.release(p)
}

// Charge takes a weight for what cannot wait, until release is called: others are let in
// later for it, and one of them still runs.
func (g *Gate) Charge(weight int64) (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used += weight
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.used -= weight
		g.next()
	})
}

func (g *Gate) fits(p *Place) bool {
	return len(g.running) < g.places && (g.holders == 0 || g.used+p.weight <= g.weight)
}

func (g *Gate) admit(p *Place) {
	p.start = time.Now()
	g.running[p] = true
	g.holders++
	g.used += p.weight
}

// finish gives back the place alone, and learns how long it was taken.
func (g *Gate) finish(p *Place) {
	if g.running[p] {
		delete(g.running, p)
		g.typical.learn(p.key, time.Since(p.start))
	}
}

// release gives back what a place holds, and lets in who is next.
func (g *Gate) release(p *Place) {
	p.left = true
	delete(g.running, p)
	g.holders--
	g.used -= p.weight
	g.next()
}

// next lets in those whose turn it is. One that does not fit yet keeps its turn.
func (g *Gate) next() {
	for len(g.turns) > 0 {
		key := g.turns[0]
		w := g.waiting[key][0]
		if !g.fits(w.place) {
			return
		}
		g.admit(w.place)
		g.turns = g.turns[1:]
		if rest := g.waiting[key][1:]; len(rest) > 0 {
			g.waiting[key] = rest
			g.turns = append(g.turns, key)
		} else {
			delete(g.waiting, key)
		}
		close(w.ready)
	}
}

// forget takes out one who waits no more.
func (g *Gate) forget(key string, w *waiter) {
	rest := slices.DeleteFunc(g.waiting[key], func(other *waiter) bool { return other == w })
	if g.waiting[key] = rest; len(rest) == 0 {
		delete(g.waiting, key)
		g.turns = slices.DeleteFunc(g.turns, func(other string) bool { return other == key })
	}
	g.next() // it may have stood before one that fits
}

// Load is how much runs and how much waits.
func (g *Gate) Load() (running, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, list := range g.waiting {
		waiting += len(list)
	}
	return len(g.running), waiting
}
