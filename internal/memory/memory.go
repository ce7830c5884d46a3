// Package memory ends a process that takes more memory than it should, before the
// kernel ends it, or its neighbours.
//
//  1. Limit tells how much a process may take.
//  2. Watch looks at the runtime's total at short intervals: what it has of the
//     system, and not what is in use, since one allocation may be too much.
//  3. Enter notes what is being rendered, for the message.
package memory

import (
	"context"
	"maps"
	"math"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// interval is short enough for a large allocation to be seen before it is filled.
const interval = 2 * time.Millisecond

// Watcher ends what is too large.
type Watcher struct {
	limit int64
	peak  atomic.Int64

	mu   sync.Mutex
	work map[string]int
}

// New is a watcher for so many bytes.
func New(limit int64) *Watcher { return &Watcher{limit: limit, work: map[string]int{}} }

// Watch calls over with what is being rendered once the process takes more than
// the limit, and returns. It ends with ctx.
func (w *Watcher) Watch(ctx context.Context, over func(work []string)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := Total()
		w.peak.Store(max(now, w.peak.Load()))
		if now > w.limit {
			over(w.working())
			return
		}
	}
}

func (w *Watcher) working() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.work))
}

// Peak is the most that Watch has seen.
func (w *Watcher) Peak() int64 { return w.peak.Load() }

// Total is what the runtime has of the system, less what it gave back.
func Total() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	bytes := samples[0].Value.Uint64() - samples[1].Value.Uint64()
	return int64(min(bytes, math.MaxInt64)) //nolint:gosec // it fits
}

type key struct{}

// With hands the watcher to what works under the context.
func (w *Watcher) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, w)
}

// Enter notes that work has begun, until leave is called.
func Enter(ctx context.Context, work string) (leave func()) {
	w, found := ctx.Value(key{}).(*Watcher)
	if !found {
		return func() {}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.work[work]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.work[work]--; w.work[work] == 0 {
			delete(w.work, work)
		}
	}
}
