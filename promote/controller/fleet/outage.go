package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/assaydev/assay/internal/cluster"
)

// How long a cluster that does not answer is left alone: the first time, and at most.
const (
	firstPause = 5 * time.Second
	lastPause  = 2 * time.Minute
	askLimit   = time.Minute // for a question, with all of its requests
	aBit       = time.Second // after a pause, before it is worth a look
)

// outage remembers that a cluster does not answer. One question at a time finds out whether it does again;
// others are told at once, so that a cluster that hangs does not hold up the work on others.
type outage struct {
	mu    sync.Mutex
	err   error // nil while it answers
	until time.Time
	pause time.Duration
}

// ask asks, unless it is known that no answer would come. A question that does not end in time is not
// waited for: what it runs for a login may hang, whatever its context says.
func ask[T any](ctx context.Context, o *outage, question func(context.Context) (T, error)) (T, error) {
	var none T
	if err := o.now(); err != nil {
		return none, err
	}
	type answer struct {
		value T
		err   error
	}
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	answered := make(chan answer, 1)
	go func() {
		value, err := question(limited)
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		o.note(ctx, a.err)
		return a.value, a.err
	case <-limited.Done():
		err := context.Cause(ctx)
		if err == nil {
			err = &cluster.Unavailable{Err: fmt.Errorf("the cluster gave no answer within %s", askLimit)}
		}
		o.note(ctx, err)
		return none, err
	}
}

// now is why no answer would come; nil where it is worth a question.
func (o *outage) now() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil && time.Now().Before(o.until) {
		return o.err
	}
	if o.err != nil {
		o.until = time.Now().Add(o.pause) // for others, until this question has its answer
	}
	return nil
}

// note takes the end of a question.
func (o *outage) note(ctx context.Context, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
	case !cluster.IsUnavailable(err):
		o.err, o.pause = nil, 0
	default:
		o.pause = min(max(2*o.pause, firstPause), lastPause)
		o.err, o.until = err, time.Now().Add(o.pause)
	}
}

// again is when a look is worth while; zero while the cluster answers.
func (o *outage) again() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return 0
	}
	return max(time.Until(o.until), 0) + aBit
}
