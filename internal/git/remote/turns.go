package remote

import (
	"context"
	"sync"
	"sync/atomic"
)

// Turns are what the Remotes of one process share, so that updates of one branch do not make each other start
// over again and again: of those that have something to write, one at a time does, in the order of asking. The
// zero value is ready; nil shares nothing. It is safe for concurrent use.
type Turns struct {
	mu sync.Mutex
	of map[string]*turn // by branch
}

// turn is that of one branch.
type turn struct {
	taken chan struct{} // full while somebody has it
	given atomic.Int64  // how often it was given back
	users int           // under Turns.mu
}

// join is the turn of a branch. It is left once, when nobody has it for this user any more.
func (t *Turns) join(branch string) (of *turn, leave func()) {
	if t == nil {
		return &turn{taken: make(chan struct{}, 1)}, func() {}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]*turn{}
	}
	if t.of[branch] == nil {
		t.of[branch] = &turn{taken: make(chan struct{}, 1)}
	}
	of = t.of[branch]
	of.users++
	return of, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if of.users--; of.users == 0 {
			delete(t.of, branch)
		}
	}
}

// take waits for the turn. The error is the cause of the context's end.
func (t *turn) take(ctx context.Context) error {
	select {
	case t.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// give gives it back.
func (t *turn) give() {
	t.given.Add(1)
	<-t.taken
}
