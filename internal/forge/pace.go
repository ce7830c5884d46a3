package forge

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Pace bounds how fast requests follow each other, and remembers a rate limit
// that a forge told. Clients that use one token should share one. It is safe
// for concurrent use.
type Pace struct {
	all    *rate.Limiter
	writes *rate.Limiter

	mu    sync.Mutex
	until time.Time
}

// NewPace allows so many requests, and among them so many that write, per
// second in the long run, and short bursts.
func NewPace(all, writes rate.Limit) *Pace {
	return &Pace{all: rate.NewLimiter(all, 20), writes: rate.NewLimiter(writes, 10)}
}

// defaultPace is what GitHub asks of an API client: no more than one write a
// second over time.
func defaultPace() *Pace { return NewPace(10, 1) }

// patience is how long to wait for a rate limit where the context has no deadline.
const patience = time.Minute

// wait returns when a request may be sent, or a RateLimitError at once when
// that would be after the context's deadline.
func (p *Pace) wait(ctx context.Context, method string) error {
	limiters := []*rate.Limiter{p.all}
	if method != http.MethodGet && method != http.MethodHead {
		limiters = append(limiters, p.writes)
	}
	for _, l := range limiters {
		turn := l.Reserve()
		if err := waitUntil(ctx, time.Now().Add(turn.Delay())); err != nil {
			turn.Cancel()
			return err
		}
	}
	p.mu.Lock()
	until := p.until
	p.mu.Unlock()
	return waitUntil(ctx, until)
}

// block holds every request back until then.
func (p *Pace) block(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.until) {
		p.until = until
	}
}

func waitUntil(ctx context.Context, until time.Time) error {
	delay := time.Until(until)
	if delay <= 0 {
		return ctx.Err()
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(patience)
	}
	if until.After(deadline) {
		return &RateLimitError{Until: until}
	}
	return sleep(ctx, delay)
}

func sleep(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// What the forges say of their limits. GitHub answers 403 or 429, with
// Retry-After for a secondary limit and X-RateLimit-Reset for the primary one;
// GitLab answers 429 with RateLimit-Reset and Retry-After.
// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
// https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/
func limited(res *http.Response, said string) bool {
	switch res.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return res.Header.Get("Retry-After") != "" || remaining(res) == "0" || strings.Contains(strings.ToLower(said), "rate limit")
	case http.StatusServiceUnavailable:
		return res.Header.Get("Retry-After") != ""
	default:
		return false
	}
}

func remaining(res *http.Response) string {
	if left := res.Header.Get("X-Ratelimit-Remaining"); left != "" {
		return left
	}
	return res.Header.Get("Ratelimit-Remaining")
}

// retryAt is when the forge wants to be asked again. Without its word it is a
// minute, as GitHub asks for.
func retryAt(res *http.Response) time.Time {
	now := time.Now()
	after := res.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(after); err == nil {
		return now.Add(time.Duration(seconds) * time.Second)
	}
	if at, err := http.ParseTime(after); err == nil {
		return now.Add(at.Sub(clock(res)))
	}
	if at := resetAt(res); !at.IsZero() {
		return at
	}
	return now.Add(time.Minute)
}

// resetAt is when the quota is full again by our clock, zero where it is not told.
func resetAt(res *http.Response) time.Time {
	for _, name := range []string{"X-Ratelimit-Reset", "Ratelimit-Reset"} {
		if seconds, err := strconv.ParseInt(res.Header.Get(name), 10, 64); err == nil {
			return time.Now().Add(time.Unix(seconds, 0).Sub(clock(res)))
		}
	}
	return time.Time{}
}

// clock is the time by the forge's clock.
func clock(res *http.Response) time.Time {
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		return at
	}
	return time.Now()
}
