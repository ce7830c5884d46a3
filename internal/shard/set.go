package shard

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	coordination "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// errLost ends the work on a shard whose Lease this replica has no longer, and errGiven on
// one that another replica has waited for too long.
var (
	errLost  = errors.New("the shard's Lease was lost")
	errGiven = errors.New("the shard is given to another replica")
)

// Set is this replica's part of the shards.
type Set struct {
	opt  Options
	poke chan struct{} // of capacity 1: something changed

	mu     sync.Mutex
	leases []lease
	own    []*holding // by shard; nil for what is neither held nor contended for
}

// New checks the options. Run begins to share.
func New(opt Options) (*Set, error) {
	if opt.Count < 1 || opt.Identity == "" || opt.Name == "" {
		return nil, fmt.Errorf("share work: it takes a name, an identity and at least one shard, and has %q, %q and %d", opt.Name, opt.Identity, opt.Count)
	}
	return &Set{opt: opt, poke: make(chan struct{}, 1), leases: make([]lease, opt.Count), own: make([]*holding, opt.Count)}, nil
}

// Of is the shard of a key in this set.
func (s *Set) Of(key string) int { return Of(key, s.opt.Count) }

// Run shares until ctx ends. Then it lets the work end that is under way, for which Enter's
// contexts end, too, and releases every Lease before it returns.
func (s *Set) Run(ctx context.Context) error {
	informer := s.informer()
	var watching sync.WaitGroup
	defer watching.Wait()
	watchCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	watching.Go(func() { informer.RunWithContext(watchCtx) })
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return nil
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		s.step(ctx)
		select {
		case <-ctx.Done():
			s.end(ctx)
			return nil
		case <-ticker.C:
		case <-s.poke:
		}
	}
}

// Enter begins work on a shard. It reports false where another replica has it. The context
// ends when the Lease is lost, and leave must be called when the work has ended.
func (s *Set) Enter(ctx context.Context, shard int) (work context.Context, leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.own[shard]
	if h == nil || h.work == nil || h.giving {
		return nil, nil, false
	}
	work, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(h.work, func() { cancel(context.Cause(h.work)) })
	h.working++
	return work, sync.OnceFunc(func() {
		stop()
		cancel(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		h.working--
		s.changed()
	}), true
}

// Hasten asks the replicas that hold the other shards for a look at them; ours are told at
// once. The requests take until ctx ends.
func (s *Set) Hasten(ctx context.Context) error {
	var failed []error
	for i := range s.opt.Count {
		if _, leave, ok := s.Enter(ctx, i); ok {
			leave()
			s.opt.Hastened(i)
			continue
		}
		failed = append(failed, s.annotate(ctx, i, hastenAnnotation, strconv.FormatInt(time.Now().UnixNano(), 36)))
	}
	return errors.Join(failed...)
}

// changed has the next step made soon.
func (s *Set) changed() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// step looks at what is, and carries out what plan says.
func (s *Set) step(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	st := state{self: s.opt.Identity, leases: s.leases, held: map[int]bool{}, trying: map[int]bool{}, giving: map[int]bool{}, began: map[int]string{}, now: now}
	for i, h := range s.own {
		switch {
		case h == nil:
			continue
		case h.work == nil:
			st.trying[i] = true
		case h.giving:
			st.giving[i] = true
		default:
			st.held[i] = true
		}
		st.began[i] = h.began
		h.check(s.leases[i], s.opt.Identity, now)
	}
	todo := st.plan()
	for _, i := range todo.quit {
		s.own[i].release()
	}
	for _, i := range todo.give {
		s.own[i].give(now)
		s.opt.Log.Info("a shard is given to a replica that asked for it", "shard", i, "replica", s.leases[i].wantedBy(now))
	}
	for _, i := range todo.try {
		s.own[i] = s.contend(ctx, i)
	}
	for _, i := range todo.ask {
		text := wish(s.opt.Identity, now)
		s.leases[i].wanted, s.leases[i].asked = text, now // the watch will say so, too
		go func() {
			ctx, cancel := context.WithTimeout(ctx, renewWithin)
			defer cancel()
			if err := s.annotate(ctx, i, wantedAnnotation, text); err != nil && ctx.Err() == nil {
				s.opt.Log.Warn("a shard could not be asked for", "shard", i, "error", err.Error())
			}
		}()
	}
}

// end gives everything back.
func (s *Set) end(ctx context.Context) {
	s.mu.Lock()
	now := time.Now()
	var last []*holding
	for _, h := range s.own {
		if h == nil {
			continue
		}
		if last = append(last, h); h.work != nil {
			h.give(now)
			h.stop(context.Cause(ctx))
		} else {
			h.release()
		}
	}
	s.mu.Unlock()
	for _, h := range last {
		for !h.ended() {
			select {
			case <-h.done:
			case <-s.poke: // work has ended
			}
			s.mu.Lock()
			for _, h := range last {
				if h.giving && h.working == 0 {
					h.release()
				}
			}
			s.mu.Unlock()
		}
	}
}

// name is that of a shard's Lease.
func (s *Set) name(shard int) string { return s.opt.Name + "-" + strconv.Itoa(shard) }

// resync is how often the Leases are told again that the watch has told.
const resync = time.Hour

// informer follows the Leases.
func (s *Set) informer() cache.SharedInformer {
	api := s.opt.Leases.Leases(s.opt.Namespace)
	selector := Label + "=" + s.opt.Name
	informer := cache.NewSharedInformer(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, opt metav1.ListOptions) (runtime.Object, error) {
			opt.LabelSelector = selector
			return api.List(ctx, opt)
		},
		WatchFuncWithContext: func(ctx context.Context, opt metav1.ListOptions) (watch.Interface, error) {
			opt.LabelSelector = selector
			return api.Watch(ctx, opt)
		},
	}, &coordination.Lease{}, resync)
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { s.told(o, false) },
		UpdateFunc: func(_, o any) { s.told(o, true) },
		DeleteFunc: s.gone,
	})
	return informer
}

// told takes what the watch tells of a Lease.
func (s *Set) told(o any, before bool) {
	l, ok := o.(*coordination.Lease)
	if !ok {
		return
	}
	if i, hastened := s.update(l); hastened && before {
		s.opt.Hastened(i)
	}
}

// update takes a Lease as it is, and reports whether a look at its shard, which is ours, is asked for.
func (s *Set) update(l *coordination.Lease) (shard int, hastened bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.leases {
		if s.name(i) != l.Name {
			continue
		}
		old, h := s.leases[i], s.own[i]
		s.leases[i] = old.update(l, time.Now())
		shard, hastened = i, old.hasten != s.leases[i].hasten && h != nil && h.work != nil
		s.changed()
	}
	return shard, hastened
}

// gone takes that a Lease was deleted: its shard is free.
func (s *Set) gone(o any) {
	if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}
	l, ok := o.(*coordination.Lease)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.leases {
		if s.name(i) == l.Name {
			s.leases[i] = lease{}
			s.changed()
		}
	}
}
