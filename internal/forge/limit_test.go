package forge_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/test/forgefake"
)

// inBubble runs a test with time of its own, against both forges without a network.
func inBubble(t *testing.T, test func(*testing.T, *side)) {
	for _, kind := range []forge.Kind{forge.GitHub, forge.GitLab} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, newSide(t, kind)) })
		})
	}
}

// slowDown is how each forge turns away a client that is too fast.
func (s *side) slowDown(after time.Duration) {
	fault := forgefake.SecondaryLimit(after)
	if s.kind == forge.GitLab {
		fault.Status, fault.Body = http.StatusTooManyRequests, "Retry later\n"
	}
	s.fake.Fail(fault)
}

func TestRetryAfter(t *testing.T) {
	inBubble(t, func(t *testing.T, s *side) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		s.slowDown(20 * time.Minute)
		start := time.Now()
		// A pull request is opened all the same: the first one was turned away.
		if _, err := s.Create(ctx, proposal()); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited < 20*time.Minute || waited > 21*time.Minute {
			t.Errorf("waited %s", waited)
		}
		s.one()
	})
}

func TestRetryAfterTheDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, s *side) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s.slowDown(20 * time.Minute)
		start := time.Now()
		_, err := s.Create(ctx, proposal())
		var limited *forge.RateLimitError
		if !errors.As(err, &limited) || !limited.Until.Equal(start.Add(20*time.Minute)) {
			t.Fatalf("got %v, want a rate limit until 20 minutes later", err)
		}
		mustHave(t, err, "of acme/shop", "try again after "+limited.Until.UTC().Format(time.RFC3339))
		if time.Since(start) > time.Second {
			t.Error("it waited before it gave up")
		}
		// Until then nothing is sent.
		sent := len(s.fake.Requests())
		if _, err := s.Find(ctx, head, "main"); !errors.As(err, &limited) || len(s.fake.Requests()) != sent {
			t.Errorf("got %v, and %d requests more", err, len(s.fake.Requests())-sent)
		}
		time.Sleep(20 * time.Minute)
		if _, err := s.Find(t.Context(), head, "main"); err != nil {
			t.Error(err)
		}
	})
}

// TestNoDeadline holds that a caller without one does not wait for an hour.
func TestNoDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, s *side) {
		var limited *forge.RateLimitError
		s.slowDown(time.Hour)
		if _, err := s.Find(t.Context(), head, "main"); !errors.As(err, &limited) {
			t.Errorf("got %v", err)
		}
	})
}

// TestQuota uses a primary rate limit up, and waits for its reset without
// being turned away once.
func TestQuota(t *testing.T) {
	inBubble(t, func(t *testing.T, s *side) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		start := time.Now()
		s.fake.Quota(2, start.Add(30*time.Minute), 100)
		for range 5 {
			if _, err := s.Find(ctx, head, "main"); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(start); waited < 30*time.Minute || waited > 31*time.Minute {
			t.Errorf("waited %s", waited)
		}
		if sent := len(s.fake.Requests()); sent != 5 {
			t.Errorf("sent %d requests, want 5", sent)
		}
	})
}

// TestQuotaIsShared has a quota that somebody else used up.
func TestQuotaIsShared(t *testing.T) {
	inBubble(t, func(t *testing.T, s *side) {
		reset := time.Now().Add(30 * time.Minute).Truncate(time.Second)
		s.fake.Quota(0, reset, 100)
		_, err := s.Find(t.Context(), head, "main")
		var limited *forge.RateLimitError
		if !errors.As(err, &limited) || limited.Until.Sub(reset).Abs() > time.Second {
			t.Errorf("got %v, want a rate limit until %s", err, reset)
		}
	})
}

// TestPace sends many requests at once through two clients that share a pace.
func TestPace(t *testing.T) {
	inBubble(t, func(t *testing.T, s *side) {
		s.opt.Pace = forge.NewPace(10, 1)
		a, b := s.open(s.opt), s.open(s.opt)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		var all sync.WaitGroup
		for i := range 120 {
			all.Go(func() {
				c := a
				if i%2 == 0 {
					c = b
				}
				if _, err := c.Find(ctx, head, "main"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(start); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("120 requests took %s", took)
		}
	})
}

// TestPacesAreShared: clients of one host that share paces keep one, and those of another host keep
// another.
func TestPacesAreShared(t *testing.T) {
	inBubble(t, func(t *testing.T, s *side) {
		s.opt.Pace, s.opt.Paces = nil, &forge.Paces{}
		elsewhere := s.opt
		elsewhere.API = "https://git.example.com/api/v4"
		clients := []*forge.Client{s.open(s.opt), s.open(s.opt), s.open(elsewhere)}
		took := make([]time.Duration, len(clients))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		var all sync.WaitGroup
		for i, c := range clients {
			all.Go(func() {
				for range 60 {
					_, _ = c.Find(ctx, head, "main") // elsewhere there is nothing
				}
				took[i] = time.Since(start)
			})
		}
		all.Wait()
		if max(took[0], took[1]) < 9*time.Second || took[2] < 3*time.Second || took[2] > 5*time.Second {
			t.Errorf("60 requests of each took %v", took)
		}
	})
}

// TestFewLeft: once little of a quota is left, it is spread over the time until it is full again, and
// none of it is refused; another token on the same forge does not wait.
func TestFewLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, s *side) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		s.opt.Pace = forge.NewPace(rate.Inf, rate.Inf)
		c := s.open(s.opt)
		start := time.Now()
		const left = 9 // of 100, as the fake says
		s.fake.Quota(left+1, start.Add(3*time.Minute), 100)
		var at []time.Duration
		for range left {
			if _, err := c.Find(ctx, head, "main"); err != nil {
				t.Fatal(err)
			}
			at = append(at, time.Since(start))
		}
		for i, d := range at[1:] {
			if gap := d - at[i]; gap < 15*time.Second || gap > 30*time.Second {
				t.Errorf("request %d came %s after the one before: %v", i+1, gap, at)
			}
		}
		// Who cannot wait for as long is told so, and keeps no place.
		hurried, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		for range 50 {
			var limited *forge.RateLimitError
			if _, err := c.Find(hurried, head, "main"); !errors.As(err, &limited) || time.Until(limited.Until) > 30*time.Second {
				t.Fatalf("got %v", err)
			}
		}
		opt := s.opt
		opt.Token = token("another-token-of-ours")
		before := time.Now()
		_, _ = s.open(opt).Find(ctx, head, "main") // the fake does not know it
		if time.Since(before) > time.Second {
			t.Errorf("another token waited for %s", time.Since(before))
		}
	})
}

// TestLimitsThatLie: a forge cannot have us wait for years.
func TestLimitsThatLie(t *testing.T) {
	for name, header := range map[string]http.Header{
		"Retry-After":       {"Retry-After": {"9223372036854775807"}},
		"a time far ahead":  {"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"99999999999"}},
		"seconds, by RFC":   {"Ratelimit-Remaining": {"0"}, "Ratelimit-Reset": {"7200"}},
		"a date far ahead":  {"Retry-After": {"Fri, 31 Dec 9999 23:59:59 GMT"}},
		"no number at all":  {"X-Ratelimit-Remaining": {"-1"}, "X-Ratelimit-Reset": {"never"}},
		"numbers too large": {"X-Ratelimit-Remaining": {"1"}, "X-Ratelimit-Limit": {"9223372036854775807"}, "X-Ratelimit-Reset": {"9223372036854775807"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *side) {
				s.fake.Fail(forgefake.Fault{Times: 1, Status: http.StatusTooManyRequests, Header: header})
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
				defer cancel()
				if _, err := s.Find(ctx, head, "main"); err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(start); waited > 2*time.Hour+time.Minute || waited < time.Minute {
					t.Errorf("waited %s", waited)
				}
			})
		})
	}
}

func TestServerFailsThenWorks(t *testing.T) {
	for name, fault := range map[string]forgefake.Fault{
		"500":     {Times: 3, Status: http.StatusInternalServerError},
		"cut":     {Times: 3},
		"hanging": {Times: 2, Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *side) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				s.create()
				s.fake.Fail(fault)
				found, err := s.Find(ctx, head, "main")
				if err != nil || len(found) != 1 {
					t.Errorf("found %+v, %v", found, err)
				}
				s.fake.Fail(fault)
				if err := s.Update(ctx, 1, forge.Change{Body: ptr("New")}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestServerHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, s *side) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		s.fake.Fail(forgefake.Fault{Hang: true})
		start := time.Now()
		_, err := s.Find(ctx, head, "main")
		mustHave(t, err, "find pull requests of acme/shop", "no answer")
		if time.Since(start) > 10*time.Minute {
			t.Error("it took longer than the deadline")
		}
	})
}

// TestCommentIsNotRepeated loses the answer to a comment: the error says that
// it may be there, and the same call again does not double it.
func TestCommentIsNotRepeated(t *testing.T) {
	inBubble(t, func(t *testing.T, s *side) {
		s.create()
		end := map[forge.Kind]string{forge.GitHub: "/comments", forge.GitLab: "/notes"}[s.kind]
		s.fake.Fail(forgefake.Fault{Times: 1, Method: http.MethodPost, Path: end, Served: true})
		err := s.Comment(t.Context(), 1, "Superseded\r\n")
		mustHave(t, err, "comment on", "is not known")
		if err := s.Comment(t.Context(), 1, "Superseded"); err != nil {
			t.Fatal(err)
		}
		if got := s.one().Comments; len(got) != 1 || !strings.HasPrefix(got[0], "Superseded") {
			t.Errorf("the comments are %q", got)
		}
	})
}

func TestNobodyListens(t *testing.T) {
	s := newSide(t, forge.GitHub)
	s.opt.API, s.opt.Pace = "http://127.0.0.1:1", forge.NewPace(rate.Inf, rate.Inf)
	_, err := s.open(s.opt).Find(t.Context(), head, "main")
	mustHave(t, err, "find pull requests of acme/shop on GitHub: no answer", "connection refused")
	if strings.Contains(err.Error(), "is not known") {
		t.Errorf("nothing was sent: %v", err)
	}
}
