package shard

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// holding is a shard that this replica contends for, and then holds. The set's mutex is over
// all of it but renewed.
type holding struct {
	release context.CancelFunc // ends contending, or releases the Lease
	done    chan struct{}      // closed when it has

	work    context.Context // of the work on it; nil until the Lease is held
	stop    context.CancelCauseFunc
	working int    // how many are at work
	began   string // who had asked for it when it was gained

	giving bool      // no work may begin
	since  time.Time // then

	confirmed bool         // the watch has told that we hold it
	renewed   atomic.Int64 // when it was last, in nanoseconds
}

// contend begins to contend for a shard.
func (s *Set) contend(ctx context.Context, shard int) *holding {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it ends after the work
	h := &holding{release: cancel, done: make(chan struct{})}
	lock := &lock{holding: h, LeaseLock: &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: s.opt.Namespace, Name: s.name(shard)},
		Client:     s.opt.Leases,
		LockConfig: resourcelock.ResourceLockConfig{Identity: s.opt.Identity},
		Labels:     map[string]string{Label: s.opt.Name},
	}}
	go func() {
		defer s.lost(shard, h)
		// The configuration is complete, so that this neither fails nor panics.
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: lock, LeaseDuration: duration, RenewDeadline: renewWithin, RetryPeriod: renewEvery, ReleaseOnCancel: true, Name: s.name(shard),
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(ctx context.Context) { s.gained(ctx, shard, h) },
				OnStoppedLeading: func() {},
			},
		})
	}()
	return h
}

// gained begins the work on a shard, unless the Lease was lost in between.
func (s *Set) gained(ctx context.Context, shard int, h *holding) {
	if s.begin(ctx, shard, h) {
		s.opt.Log.Info("a shard is ours", "shard", shard, "shards", s.opt.Count)
		s.opt.Changed(shard)
	}
}

// begin lets work begin.
func (s *Set) begin(ctx context.Context, shard int, h *holding) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil || s.own[shard] != h {
		return false
	}
	if s.opt.Gained != nil {
		s.opt.Gained(shard)
	}
	h.work, h.stop = context.WithCancelCause(ctx)
	h.began = s.leases[shard].wanted
	return true
}

// lost ends the work on a shard.
func (s *Set) lost(shard int, h *holding) {
	s.mu.Lock()
	s.own[shard] = nil
	held, given := h.work != nil, h.giving
	if held {
		h.stop(errLost)
	}
	s.mu.Unlock()
	if held {
		s.opt.Log.Info("a shard is not ours any more", "shard", shard, slog.Bool("given", given))
		s.opt.Changed(shard)
	}
	close(h.done)
	s.changed()
}

// check ends the work where the Lease may be another's by now, and releases the shard where it
// is given away and the work has ended.
func (h *holding) check(l lease, self string, now time.Time) {
	if h.work == nil {
		return
	}
	overdue := now.Sub(time.Unix(0, h.renewed.Load())) > renewWithin
	taken := h.confirmed && l.holder != self
	h.confirmed = h.confirmed || l.holder == self
	switch {
	case overdue || taken:
		h.stop(errLost)
		h.giving = true
	case h.giving && now.Sub(h.since) > drainFor:
		h.stop(errGiven)
	}
	if h.giving && h.working == 0 {
		h.release()
	}
}

// give lets no more work begin.
func (h *holding) give(now time.Time) {
	h.giving, h.since = true, now
	if h.working == 0 {
		h.release()
	}
}

func (h *holding) ended() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// lock notes when the Lease was renewed.
type lock struct {
	*resourcelock.LeaseLock
	holding *holding
}

func (l *lock) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return l.note(time.Now(), l.LeaseLock.Create(ctx, r))
}

func (l *lock) Update(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return l.note(time.Now(), l.LeaseLock.Update(ctx, r))
}

// note takes the time before the request: others may count from then.
func (l *lock) note(at time.Time, err error) error {
	if err == nil {
		l.holding.renewed.Store(at.UnixNano())
	}
	return err
}

// annotate writes one annotation of a shard's Lease.
func (s *Set) annotate(ctx context.Context, shard int, name, value string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{name: value}}})
	if err != nil {
		return err
	}
	_, err = s.opt.Leases.Leases(s.opt.Namespace).Patch(ctx, s.name(shard), types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}
