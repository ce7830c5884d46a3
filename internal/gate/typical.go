package gate

import (
	"context"
	"fmt"
	"time"
)

// LateError says that work would not be done in time.
type LateError struct {
	Running, Ahead int
	Wait, Left     time.Duration
}

func (e *LateError) Error() string {
	return fmt.Sprintf("%d run and %d wait before it, about %s of waiting, and %s are left until the deadline", e.Running, e.Ahead, e.Wait.Round(time.Second), e.Left.Round(time.Second))
}

// late says that who asks now would wait too long. Nothing is known until work was done.
func (g *Gate) late(ctx context.Context, key string) *LateError {
	deadline, ok := ctx.Deadline()
	if !ok || g.typical.all == 0 {
		return nil
	}
	own := len(g.waiting[key])
	ahead, work := own, time.Duration(own)*g.typical.of(key)
	for other, list := range g.waiting {
		if other != key {
			n := min(len(list), own+1)
			ahead += n
			work += time.Duration(n) * g.typical.of(other)
		}
	}
	wait := work/time.Duration(g.places) + g.soonest()
	if left := time.Until(deadline); wait > left {
		return &LateError{len(g.running), ahead, wait, left}
	}
	return nil
}

// soonest is when the first place becomes free. Work that takes longer than it did may end
// at any time.
func (g *Gate) soonest() time.Duration {
	first := time.Duration(-1)
	for p := range g.running {
		if rest := max(g.typical.of(p.key)-time.Since(p.start), 0); first < 0 || rest < first {
			first = rest
		}
	}
	return max(first, 0)
}

// typical is how long work took lately. It is known by key, so that one whose work never
// ends does not have others refused.
type typical struct {
	keys map[string]time.Duration
	all  time.Duration // about the median: for keys that are new
}

// mostKeys are remembered.
const mostKeys = 4096

func newTypical() typical { return typical{keys: map[string]time.Duration{}} }

func (t *typical) of(key string) time.Duration {
	if took, known := t.keys[key]; known {
		return took
	}
	return t.all
}

func (t *typical) learn(key string, took time.Duration) {
	took = max(took, time.Microsecond)
	before, known := t.keys[key]
	switch {
	case known:
		took = before + (took-before)/4
	case len(t.keys) == mostKeys:
		for other := range t.keys {
			delete(t.keys, other)
			break
		}
	}
	t.keys[key] = took
	switch {
	case t.all == 0:
		t.all = took
	case took > t.all:
		t.all += max(t.all/8, 1)
	default:
		t.all -= t.all / 8
	}
}
