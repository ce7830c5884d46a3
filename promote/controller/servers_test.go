package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/outage"
)

// TestServers: a Git server that hangs takes one look at a time, and not for long; another's are not held up.
func TestServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s servers
		hangs := func(ctx context.Context) error {
			<-ctx.Done()
			return &remote.GaveUpError{Err: context.Cause(ctx)}
		}
		answers := func(context.Context) error { return nil }
		began := time.Now()
		if err := s.ask(t.Context(), "git.example.com", hangs); !remote.IsUnavailable(err) || !strings.Contains(err.Error(), "no answer within 1m30s") || time.Since(began) != reachLimit {
			t.Errorf("%v, after %s", err, time.Since(began))
		}
		for _, host := range []string{"git.example.com", "other.example.com"} {
			if err := s.ask(t.Context(), host, answers); (err == nil) != (host == "other.example.com") || err != nil && !remote.IsUnavailable(err) {
				t.Errorf("%s: %v", host, err)
			}
		}
		time.Sleep(outage.FirstPause)
		probe := make(chan error)
		go func() { probe <- s.ask(t.Context(), "git.example.com", hangs) }()
		synctest.Wait()
		for range 10 {
			if err := s.ask(t.Context(), "git.example.com", answers); err == nil || !strings.HasPrefix(err.Error(), "the Git server git.example.com is left alone for a while: ") {
				t.Errorf("beside the one that asks: %v", err)
			}
		}
		if err := <-probe; err == nil {
			t.Error("no error of a server that hangs")
		}
		time.Sleep(2 * outage.FirstPause)
		if err := s.ask(t.Context(), "git.example.com", answers); err != nil {
			t.Errorf("once it answers: %v", err)
		}
		refused := &remote.RefusedError{Reason: "not found"}
		if err := s.ask(t.Context(), "git.example.com", func(context.Context) error { return refused }); !errors.Is(err, refused) {
			t.Errorf("of one that refuses: %v", err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("the shard's Lease was lost"))
		if err := s.ask(ctx, "git.example.com", hangs); remote.IsUnavailable(err) {
			t.Errorf("of who goes: %v", err)
		}
		if len(s.at) > 0 {
			t.Errorf("%d servers that answer are remembered", len(s.at))
		}
	})
}
