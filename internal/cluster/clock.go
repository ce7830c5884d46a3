package cluster

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clock is the API server's, as far as its answers tell: objects carry its times.
type clock struct {
	next  http.RoundTripper
	ahead atomic.Int64 // of ours, in nanoseconds
}

// RoundTrip reads the Date of each answer. It has whole seconds, so that a smaller
// difference says nothing.
func (c *clock) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(r)
	if err != nil {
		return res, err
	}
	if at, bad := http.ParseTime(res.Header.Get("Date")); bad == nil {
		ahead := time.Until(at)
		if ahead.Abs() < 2*time.Second {
			ahead = 0
		}
		c.ahead.Store(int64(ahead))
	}
	return res, nil
}

// Now is the time by the API server's clock, as its last answer told; ours before the
// first.
func (c *Client) Now() time.Time { return time.Now().Add(time.Duration(c.clock.ahead.Load())) }
