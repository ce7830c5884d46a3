package controller

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/test/kubefake"
)

// TestEventStorm: thousands of events of all kinds that are watched, in an order from a fixed seed, have
// nothing asked of an API server but which kinds there are, and that not for each event.
func TestEventStorm(t *testing.T) {
	near := api(t)
	h := newHub(t, nil)
	h.secret("near", near)
	const apps, events = 20, 5000
	app := func(i int, status string) { h.app(fmt.Sprint("shop", i), `{"name":"near","namespace":"web"}`, status) }
	for i := range apps {
		app(i, `{}`)
	}
	until(t, "near is watched", func() bool { return near.Watches() == 2 })
	h.woken("shop0")
	watches := h.Watches()
	h.Requests()
	near.Requests()
	began := time.Now()
	rng := rand.New(rand.NewSource(1)) //nolint:gosec // a test repeats itself
	for n := range events {
		switch i := rng.Intn(apps); rng.Intn(6) {
		case 0:
			app(i, fmt.Sprintf(`{"sync":{"revision":"r%d"}}`, n))
		case 1:
			app(i, fmt.Sprintf(`{"reconciledAt":"%d"}`, n))
		case 2:
			job(t, near, fmt.Sprint("e", i))
		case 3:
			near.Delete(jobKind, "web", "judge")
		case 4:
			h.secret("near", near)
		case 5:
			put(t, near, definitionKind, fmt.Sprintf(`{"metadata":{"name":"testruns.k6.io","generation":%d}}`, n))
		}
	}
	app(0, `{"sync":{"revision":"last"}}`)
	h.app("last", `{"name":"near","namespace":"web"}`, `{}`)
	h.woken("last")
	looks := 21 + int(time.Since(began)/time.Second) // 20 at once, and then one a second
	for name, s := range map[string]*kubefake.Server{"Argo CD's server": h.Server, "near": near} {
		for what, n := range s.Requests() {
			if !strings.HasPrefix(what, "get /api") || n > looks {
				t.Errorf("%s was asked %d times: %s; at most %d looks at what there is", name, n, what, looks)
			}
		}
	}
	if h.Watches() != watches || near.Watches() != 2 {
		t.Errorf("%d and %d watches are open", h.Watches(), near.Watches())
	}
}

// lost gives a context that ends as the Lease of a shard does, once a hook of the server's runs, and what
// has the hook end.
func lost(t *testing.T, w *world, hook string) (ctx context.Context, goOn func()) {
	t.Helper()
	dir := t.TempDir()
	if err := w.repo.Hook(hook, fmt.Sprintf("touch %[1]s/reached; until [ -e %[1]s/go ]; do sleep 0.02; done", dir)); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancelCause(t.Context())
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			if _, err := os.Stat(filepath.Join(dir, "reached")); err == nil {
				end(errors.New("the shard's Lease was lost"))
			}
		}
	}()
	return ctx, func() {
		if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
			t.Error(err)
		}
	}
}

// TestLostInMidWrite: a replica whose Lease is lost while it pushes writes the whole commit or nothing, and
// who takes its place finds which it was.
func TestLostInMidWrite(t *testing.T) {
	for _, moment := range []string{"pre-receive", "update", "post-receive"} {
		t.Run(moment, func(t *testing.T) {
			w := newWorld(t, push())
			w.judge("Complete")
			before := w.tip()
			ctx, goOn := lost(t, w, moment)
			if _, err := w.promoter.conclude(ctx, w.key()); err == nil {
				t.Error("a look whose Lease is lost ends without an error")
			}
			goOn()
			if tip := w.tip(); tip != before && !strings.Contains(w.file("prod/web.yaml"), "web:2.0.0") {
				t.Errorf("main has a commit %s that is not a promotion", tip)
			}
			other := newWorld(t, push())
			other.repo, other.applications, other.objects = w.repo, w.applications, w.objects
			other.conclude()
			other.conclude()
			log, err := w.repo.Git("log", "--format=%(trailers:key=Assay-Outcome,valueonly,separator=%x20)", "main")
			if err != nil || !slices.Equal(strings.Fields(log), []string{"promote"}) {
				t.Errorf("main tells of %q, %v", log, err)
			}
		})
	}
}
