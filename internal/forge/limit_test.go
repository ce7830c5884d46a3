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
