package forge

import (
	"context"
	"crypto/sha256"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Paces are those of one process: one for each host that has an API. The zero value is ready;
// nil shares nothing. It is safe for concurrent use.
type Paces struct {
	mu sync.Mutex
	by map[string]*Pace
}

// of is the pace for the API of a forge at a host.
func (p *Paces) of(kind Kind, host string) *Pace {
	if p == nil {
		return usualPace(kind)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = map[string]*Pace{}
	}
	if p.by[host] == nil {
		p.by[host] = usualPace(kind)
	}
	return p.by[host]
}

// usualPace is what GitHub asks of an API client: no more than one write a second over time. The
// others have limits of their own, and tell them.
func usualPace(kind Kind) *Pace {
	if kind == GitHub {
		return NewPace(10, 1)
	}
	return NewPace(10, 5)
}

// Pace bounds how fast requests to one forge follow each other, and remembers what it told of
// its rate limit, which is each token's own. It is safe for concurrent use.
type Pace struct {
	all    *rate.Limiter
	writes *rate.Limiter

	mu     sync.Mutex
	quotas map[[sha256.Size]byte]*quota // by token, while there is something to wait for
}

// quota is what a forge told of one token.
type quota struct {
	until time.Time     // nothing is sent before
	next  time.Time     // the next request, where few are left
	gap   time.Duration // between requests, from then on
	reset time.Time     // when all of this is over
}

// NewPace allows so many requests, and among them so many that write, per
// second in the long run, and short bursts.
func NewPace(all, writes rate.Limit) *Pace {
	return &Pace{all: rate.NewLimiter(all, 20), writes: rate.NewLimiter(writes, 10), quotas: map[[sha256.Size]byte]*quota{}}
}

const (
	// patience is how long to wait for a rate limit where the context has no deadline.
	patience = time.Minute
	// longestBlock is the longest that a forge may have us wait, whatever it says.
	longestBlock = 2 * time.Hour
	// longestGap is the longest between requests while there are some left.
	longestGap = 30 * time.Second
	// fewOf is the part of a limit that is few.
	fewOf = 10
)

// wait returns when a request may be sent with a token, or a RateLimitError at once when
// that would be after the context's deadline.
func (p *Pace) wait(ctx context.Context, method, token string) error {
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
	return waitUntil(ctx, p.turn(token, deadline(ctx)))
}

// turn is when the next request of a token may be sent. Nobody waits beyond their deadline, and
// what comes after it keeps no place.
func (p *Pace) turn(token string, latest time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(p.quotas, func(_ [sha256.Size]byte, q *quota) bool { return now.After(q.reset) && now.After(q.until) })
	q := p.quotas[sha256.Sum256([]byte(token))]
	if q == nil {
		return now
	}
	at := now
	if q.until.After(at) {
		at = q.until
	}
	if q.gap > 0 {
		if q.next.After(at) {
			at = q.next
		}
		if !at.After(latest) {
			q.next = at.Add(q.gap)
		}
	}
	return at
}

// of is the quota of a token; p.mu is held.
func (p *Pace) of(token string) *quota {
	key := sha256.Sum256([]byte(token))
	if p.quotas[key] == nil {
		p.quotas[key] = &quota{}
	}
	return p.quotas[key]
}

// block holds every request of a token back until then.
func (p *Pace) block(token string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if most := time.Now().Add(longestBlock); until.After(most) {
		until = most
	}
	if q := p.of(token); until.After(q.until) {
		q.until = until
	}
}

// heed spreads what is left of a quota over the time until it is full again, once it is little.
func (p *Pace) heed(token string, res *http.Response) {
	left, known := number(res, "Remaining")
	reset := resetAt(res)
	if !known || reset.IsZero() {
		return
	}
	if left == 0 {
		p.block(token, reset)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit, _ := number(res, "Limit"); left >= limit/fewOf {
		if q := p.quotas[sha256.Sum256([]byte(token))]; q != nil {
			q.gap = 0
		}
		return
	}
	q, now := p.of(token), time.Now()
	q.gap = min(max(reset.Sub(now), 0)/time.Duration(left), longestGap)
	if q.reset = reset; reset.Sub(now) > longestBlock {
		q.reset = now.Add(longestBlock)
	}
	if at := now.Add(q.gap); at.After(q.next) {
		q.next = at
	}
}

func waitUntil(ctx context.Context, until time.Time) error {
	delay := time.Until(until)
	if delay <= 0 {
		return ctx.Err()
	}
	if until.After(deadline(ctx)) {
		return &RateLimitError{Until: until}
	}
	return sleep(ctx, delay)
}

// deadline is the latest that a request of a context may be sent.
func deadline(ctx context.Context) time.Time {
	if at, ok := ctx.Deadline(); ok {
		return at
	}
	return time.Now().Add(patience)
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
		return res.Header.Get("Retry-After") != "" || usedUp(res) || strings.Contains(strings.ToLower(said), "rate limit")
	case http.StatusServiceUnavailable:
		return res.Header.Get("Retry-After") != ""
	default:
		return false
	}
}

// number is what an answer's header says of the limit: Limit, Remaining or Reset.
func number(res *http.Response, of string) (int64, bool) {
	for _, name := range []string{"X-Ratelimit-", "Ratelimit-"} {
		if n, err := strconv.ParseInt(strings.TrimSpace(res.Header.Get(name+of)), 10, 64); err == nil && n >= 0 {
			return n, true
		}
	}
	return 0, false
}

// usedUp reports whether an answer says that nothing is left.
func usedUp(res *http.Response) bool {
	left, known := number(res, "Remaining")
	return known && left == 0
}

// retryAt is when the forge wants to be asked again. Without its word it is a
// minute, as GitHub asks for.
func retryAt(res *http.Response) time.Time {
	now := time.Now()
	after := res.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(after); err == nil {
		return now.Add(time.Duration(min(seconds, int(longestBlock/time.Second))) * time.Second)
	}
	if at, err := http.ParseTime(after); err == nil {
		return now.Add(at.Sub(clock(res)))
	}
	if at := resetAt(res); !at.IsZero() {
		return at
	}
	return now.Add(time.Minute)
}

// resetAt is when the quota is full again by our clock, zero where it is not told. Forges tell the
// time; proxies before them tell the seconds until then, as the RateLimit header fields are drafted.
func resetAt(res *http.Response) time.Time {
	const firstTime, lastTime = 500_000_000, 1 << 40 // a smaller number is seconds, and a larger one cannot be reckoned with
	n, known := number(res, "Reset")
	switch {
	case !known:
		return time.Time{}
	case n < firstTime:
		return time.Now().Add(time.Duration(min(n, int64(longestBlock/time.Second))) * time.Second)
	}
	return time.Now().Add(time.Unix(min(n, lastTime), 0).Sub(clock(res)))
}

// clock is the time by the forge's clock.
func clock(res *http.Response) time.Time {
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		return at
	}
	return time.Now()
}
