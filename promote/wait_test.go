package promote

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaydev/assay/internal/decision"
)

// held is a hold for a reason.
func held(reason string) *Result {
	r := &Result{}
	r.Choice.Held, r.Reason = decision.Hold, reason
	return r
}

// TestWait: the pauses grow while the reason is the same, and a new one is told once.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var looks []time.Duration
		var told []string
		reasons := []string{"none", "none", "none", "none", "none", "none", "half", "half", ""}
		r, err := Wait(t.Context(), Patience{Held: func(r *Result) { told = append(told, r.Reason) }}, func(context.Context) (*Result, error) {
			reason := reasons[len(looks)]
			looks = append(looks, time.Since(start)/time.Second)
			if reason == "" {
				return &Result{}, nil
			}
			return held(reason), nil
		})
		if err != nil || r.Choice.Held != "" {
			t.Errorf("it ends with %+v, %v", r, err)
		}
		if want := []time.Duration{0, 1, 3, 7, 15, 30, 45, 46, 48}; !slices.Equal(looks, want) {
			t.Errorf("it looks after %d seconds, want %d", looks, want)
		}
		if want := []string{"none", "half"}; !slices.Equal(told, want) {
			t.Errorf("it tells %q, want %q", told, want)
		}
	})
}

// TestWaitEnds: with the time, with the context and with an error, and says what it saw
// last.
func TestWaitEnds(t *testing.T) {
	quiet := func(*Result) {}
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		r, err := Wait(t.Context(), Patience{time.Now().Add(2 * time.Second), quiet}, func(context.Context) (*Result, error) {
			looks++
			return held("none"), nil
		})
		if err != nil || r.Reason != "none" || looks != 2 {
			t.Errorf("after %d looks %+v, %v", looks, r, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := Wait(ctx, Patience{Held: quiet}, func(context.Context) (*Result, error) {
			cancel()
			return held("none"), nil
		})
		if err != nil || r.Reason != "none" {
			t.Errorf("cancelled: %+v, %v", r, err)
		}
	})
	broken := errors.New("broken")
	if _, err := Wait(t.Context(), Patience{Held: quiet}, func(context.Context) (*Result, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}
