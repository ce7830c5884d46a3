package fleet

import (
	"context"
	"fmt"
	"time"

	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/outage"
)

const (
	askLimit = time.Minute // for a question to a cluster, with all of its requests
	aBit     = time.Second // after a pause, before it is worth a look
)

// ask asks, unless it is known that no answer would come. A question that does not end in time is not
// waited for: what it runs for a login may hang, whatever its context says. As long as it does,
// no other is asked.
func ask[T any](ctx context.Context, o *outage.Memory, question func(context.Context) (T, error)) (T, error) {
	var none T
	if err := o.Begin(); err != nil {
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
		defer o.End()
		value, err := question(limited)
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		o.Note(ctx, a.err)
		return a.value, a.err
	case <-limited.Done():
		err := context.Cause(ctx)
		if err == nil {
			err = &cluster.Unavailable{Err: fmt.Errorf("the cluster gave no answer within %s", askLimit)}
		}
		o.Note(ctx, err)
		return none, err
	}
}

// again is when a look at a cluster is worth while; zero while it answers.
func again(o *outage.Memory) time.Duration {
	pause, away := o.Away()
	if !away {
		return 0
	}
	return pause + aBit
}
