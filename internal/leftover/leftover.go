// Package leftover knows of work that was given up and goes on nevertheless, as a template does
// that loops without end, so that a long-lived process does not begin it again and again.
//
//  1. Begin notes a piece of work by what it depends on, and refuses it while the same was given up
//     and goes on.
//  2. GiveUp notes that nobody waits for it any more, and End that it has ended.
//  3. Once too much goes on that was given up, the Keeper is over: the process has to end.
package leftover

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// ErrGoesOn is returned for work that was given up and has not ended.
var ErrGoesOn = errors.New("an earlier render of the same files has not ended: a template may loop without end; undo what was changed last in it")

// Keeper holds what was given up. It is safe for concurrent use.
type Keeper struct {
	most int
	over func(names []string)

	mu sync.Mutex
	of map[string]int
}

// New is a keeper that calls over with the names of what goes on, once that is more than most.
func New(most int, over func(names []string)) *Keeper {
	return &Keeper{most: most, over: over, of: map[string]int{}}
}

type contextKey struct{}

// With hands the keeper to what works under the context.
func (k *Keeper) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, k)
}

// Work is a piece of work. Those of a context without a keeper are not kept.
type Work struct {
	keeper *Keeper
	name   string
	left   bool // under the keeper's lock
	ended  bool
}

// Begin begins a piece of work. Two with the same name do the same.
func Begin(ctx context.Context, name string) (*Work, error) {
	k, found := ctx.Value(contextKey{}).(*Keeper)
	if !found {
		return &Work{}, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.of[name] > 0 {
		return nil, ErrGoesOn
	}
	return &Work{keeper: k, name: name}, nil
}

// GiveUp is called where nobody waits for the work any more.
func (w *Work) GiveUp() {
	if w.keeper == nil {
		return
	}
	if names := w.giveUp(); len(names) > 0 {
		w.keeper.over(names)
	}
}

// giveUp returns the names of all that goes on where that is too much.
func (w *Work) giveUp() []string {
	k := w.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	if w.ended || w.left {
		return nil
	}
	w.left = true
	k.of[w.name]++
	total := 0
	for _, n := range k.of {
		total += n
	}
	if total <= k.most {
		return nil
	}
	return slices.Sorted(maps.Keys(k.of))
}

// End is called once the work has ended.
func (w *Work) End() {
	k := w.keeper
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	w.ended = true
	if !w.left {
		return
	}
	if k.of[w.name]--; k.of[w.name] == 0 {
		delete(k.of, w.name)
	}
}
