package shard_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaydev/assay/internal/shard"
)

const count = 8

// fleet is some replicas on one server, and who works on what.
type fleet struct {
	t      *testing.T
	server *server
	all    []*replica

	mu sync.Mutex
	at [count]string // who works on a shard
}

type replica struct {
	name string
	api  *api
	set  *shard.Set
	stop context.CancelFunc
	done chan struct{}

	mu       sync.Mutex
	hastened map[int]int
	gained   map[int]bool
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, server: newServer()}
	t.Cleanup(func() {
		for _, r := range f.all {
			r.stop()
			<-r.done
		}
	})
	return f
}

// start adds a replica.
func (f *fleet) start() *replica {
	f.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &replica{name: fmt.Sprintf("pod-%d", len(f.all)), api: f.server.of(), stop: stop, done: make(chan struct{}), hastened: map[int]int{}, gained: map[int]bool{}}
	var err error
	r.set, err = shard.New(shard.Options{
		Leases: r.api, Namespace: "argocd", Name: "work", Count: count, Identity: r.name,
		Gained: func(i int) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.gained[i] = true
		},
		Changed: r.asks,
		Hastened: func(i int) {
			r.asks(i)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.hastened[i]++
		},
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	go func() {
		defer close(r.done)
		if err := r.set.Run(ctx); err != nil {
			f.t.Error(err)
		}
	}()
	f.all = append(f.all, r)
	return r
}

// asks has the set asked by who is told: it may be.
func (r *replica) asks(i int) {
	if _, leave, ok := r.set.Enter(context.Background(), i); ok {
		leave()
	}
}

// has are the shards that a replica may work on. It was told of each before.
func (r *replica) has() []int {
	var out []int
	for i := range count {
		_, leave, ok := r.set.Enter(context.Background(), i)
		if !ok {
			continue
		}
		leave()
		out = append(out, i)
		r.mu.Lock()
		if !r.gained[i] {
			panic(fmt.Sprintf("%s works on shard %d before it was told of it", r.name, i))
		}
		r.mu.Unlock()
	}
	return out
}

// settle lets time pass, and fails where a shard is not held by exactly one replica.
func (f *fleet) settle(after time.Duration) (parts []int) {
	f.t.Helper()
	time.Sleep(after)
	synctest.Wait()
	held := map[int]string{}
	for _, r := range f.all {
		mine := r.has()
		parts = append(parts, len(mine))
		for _, i := range mine {
			if held[i] != "" {
				f.t.Errorf("shard %d is held by %s and %s", i, held[i], r.name)
			}
			held[i] = r.name
		}
	}
	if len(held) != count {
		f.t.Errorf("%d of %d shards are held: %v", len(held), count, held)
	}
	return parts
}

// even fails unless the replicas that are there have parts that differ by one at most.
func even(t *testing.T, parts ...int) {
	t.Helper()
	low, high := count, 0
	for _, n := range parts {
		low, high = min(low, n), max(high, n)
	}
	if high-low > 1 {
		t.Errorf("parts are uneven: %v", parts)
	}
}

func TestReplicasShareEvenly(t *testing.T) {
	for replicas := 1; replicas <= 5; replicas++ {
		t.Run(fmt.Sprint(replicas), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				for range replicas {
					f.start()
				}
				even(t, f.settle(20*time.Second)...)
			})
		})
	}
}

func TestLateReplicaGetsItsPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.start()
		if parts := f.settle(5 * time.Second); parts[0] != count {
			t.Fatalf("alone it has %d shards", parts[0])
		}
		f.start()
		even(t, f.settle(10*time.Second)...)
		f.start()
		even(t, f.settle(10*time.Second)...)
	})
}

func TestCleanStopReleasesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		first := f.start()
		f.start()
		f.settle(20 * time.Second)
		first.stop()
		<-first.done
		if parts := f.settle(4 * time.Second); parts[0] != 0 || parts[1] != count {
			t.Errorf("4 s after the stop the parts are %v", parts)
		}
	})
}

func TestWorkIsFinishedBeforeAShardIsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		first := f.start()
		f.settle(5 * time.Second)
		var leaves []func()
		var works []context.Context
		for i := range count {
			work, leave, ok := first.set.Enter(t.Context(), i)
			if !ok {
				t.Fatalf("shard %d is not held", i)
			}
			leaves, works = append(leaves, leave), append(works, work)
		}
		second := f.start()
		time.Sleep(10 * time.Second)
		if got := second.has(); len(got) > 0 {
			t.Errorf("the second has %v while the first works on them", got)
		}
		for _, work := range works {
			if work.Err() != nil {
				t.Errorf("work was ended after 10 s: %v", context.Cause(work))
			}
		}
		for _, leave := range leaves {
			leave()
		}
		even(t, f.settle(10*time.Second)...)
	})
}

func TestWorkThatDoesNotEndIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		first := f.start()
		f.settle(5 * time.Second)
		var ended sync.WaitGroup
		for i := range count {
			work, leave, _ := first.set.Enter(t.Context(), i)
			ended.Go(func() {
				select {
				case <-work.Done():
				case <-time.After(time.Minute):
				}
				leave()
			})
		}
		f.start()
		time.Sleep(40 * time.Second)
		if n := len(f.all[1].has()); n != count/2 {
			t.Errorf("the second has %d shards after 40 s", n)
		}
		ended.Wait()
	})
}

func TestReplicaThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		first, second := f.start(), f.start()
		f.settle(20 * time.Second)
		mine := first.has()
		work, leave, _ := first.set.Enter(t.Context(), mine[0])
		defer leave()
		first.api.sever(true)
		for start := time.Now(); time.Since(start) < 40*time.Second; time.Sleep(100 * time.Millisecond) {
			if _, leave, ok := second.set.Enter(t.Context(), mine[0]); ok {
				leave()
				if work.Err() == nil {
					t.Fatalf("after %s the second works on a shard that the first works on", time.Since(start))
				}
				break
			}
		}
		if parts := f.settle(5 * time.Second); parts[1] != count {
			t.Errorf("the parts are %v", parts)
		}
		first.api.sever(false)
		even(t, f.settle(30*time.Second)...)
	})
}

func TestAskerThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.start()
		f.settle(5 * time.Second)
		ghost := f.start()
		for len(f.all[0].has()) == count {
			time.Sleep(10 * time.Millisecond) // until the ghost's wish is heard
		}
		ghost.api.sever(true)
		if parts := f.settle(time.Minute); parts[0] != count {
			t.Errorf("a minute after the asker was gone the parts are %v", parts)
		}
		time.Sleep(5 * time.Minute)
		if parts := f.settle(0); parts[0] != count {
			t.Errorf("later the parts are %v", parts)
		}
	})
}

func TestHasten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		first, second := f.start(), f.start()
		f.settle(20 * time.Second)
		if err := first.set.Hasten(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		for _, r := range []*replica{first, second} {
			mine := r.has()
			for _, i := range mine {
				if r.hastened[i] != 1 {
					t.Errorf("%s was told %d times of shard %d", r.name, r.hastened[i], i)
				}
			}
			if len(r.hastened) != len(mine) {
				t.Errorf("%s has %v and was told of %v", r.name, mine, r.hastened)
			}
		}
	})
}

// One request each 2 s for each shard, and none for those of others.
func TestRequestsWhileNothingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.start()
		f.start()
		f.start()
		f.settle(30 * time.Second)
		before := f.server.asked()
		time.Sleep(time.Minute)
		if n := f.server.asked() - before; n > count*31 {
			t.Errorf("%d requests in a minute", n)
		}
	})
}

// Whatever comes, stops and is cut off: no two replicas work on one shard, and in the end the
// shards are shared evenly.
func TestAnyOrderOfEvents(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test's
				f := newFleet(t)
				ctx, stop := context.WithCancel(t.Context())
				var workers sync.WaitGroup
				live := map[*replica]bool{}
				add := func() {
					r := f.start()
					live[r] = true
					for i := range count {
						pause := time.Duration(random.IntN(300)) * time.Millisecond
						workers.Go(func() { f.work(ctx, r, i, pause) })
					}
				}
				add()
				for range 25 {
					time.Sleep(time.Duration(random.IntN(8000)) * time.Millisecond)
					switch r := f.all[random.IntN(len(f.all))]; random.IntN(4) {
					case 0:
						if len(live) < 4 {
							add()
						}
					case 1:
						if len(live) > 1 && live[r] && !r.api.severed() {
							r.stop()
							delete(live, r)
						}
					case 2:
						r.api.sever(true)
					case 3:
						r.api.sever(false)
					}
				}
				for _, r := range f.all {
					r.api.sever(false)
				}
				time.Sleep(90 * time.Second)
				stop()
				workers.Wait()
				var parts []int
				all := f.settle(0)
				for i, r := range f.all {
					if live[r] {
						parts = append(parts, all[i])
					}
				}
				even(t, parts...)
			})
		})
	}
}

// work works on a shard again and again, and fails where another does.
func (f *fleet) work(ctx context.Context, r *replica, i int, pause time.Duration) {
	for ctx.Err() == nil {
		work, leave, ok := r.set.Enter(ctx, i)
		if ok {
			f.enter(i, r.name)
			select {
			case <-work.Done():
			case <-time.After(pause):
			}
			f.leave(i)
			leave()
		}
		time.Sleep(100*time.Millisecond + pause)
	}
}

func (f *fleet) enter(i int, who string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at[i] != "" {
		f.t.Errorf("%s and %s work on shard %d", f.at[i], who, i)
	}
	f.at[i] = who
}

func (f *fleet) leave(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at[i] = ""
}

func TestOfSpreadsKeys(t *testing.T) {
	var n [count]int
	for i := range 8000 {
		n[shard.Of(fmt.Sprintf("https://git.example.com/env.git main apps/team-%d", i), count)]++
	}
	for i, got := range n {
		if got < 800 || got > 1200 {
			t.Errorf("shard %d has %d of 8000 keys", i, got)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, opt := range map[string]shard.Options{
		"no shard":    {Name: "work", Identity: "pod"},
		"no identity": {Name: "work", Count: 1},
		"no name":     {Identity: "pod", Count: 1},
	} {
		if _, err := shard.New(opt); err == nil || !strings.HasPrefix(err.Error(), "share work: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
