package promote

import (
	"context"
	"time"

	"github.com/assaydev/assay/internal/decision"
)

// Patience is how long a verdict is waited for.
type Patience struct {
	Until time.Time     // no look is begun later; zero means without end
	Held  func(*Result) // told each new reason of a hold once
}

// mostPause is the longest between two looks, and firstPause the one before the second.
const (
	firstPause = time.Second
	mostPause  = 15 * time.Second
)

// Wait decides again for as long as the verdict is hold, and returns the last result.
func Wait(ctx context.Context, p Patience, decide func(context.Context) (*Result, error)) (*Result, error) {
	said, pause := "", time.Duration(0)
	for {
		r, err := decide(ctx)
		if err != nil || r.Choice.Held != decision.Hold {
			return r, err
		}
		if said != r.Reason {
			said, pause = r.Reason, 0
			p.Held(r)
		}
		pause = min(max(2*pause, firstPause), mostPause)
		if !p.Until.IsZero() && time.Now().Add(pause).After(p.Until) || !rest(ctx, pause) {
			return r, nil
		}
	}
}

// rest waits; false where ctx ended before.
func rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
