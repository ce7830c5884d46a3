package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/test/kubefake"
)

// The kinds of the tests.
var (
	definitionKind  = kubefake.Kind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition", Resource: "customresourcedefinitions", Cluster: true}
	jobKind         = kubefake.Kind{Group: "batch", Version: "v1", Kind: "Job", Resource: "jobs"}
	analysisRunKind = kubefake.Kind{Group: "argoproj.io", Version: "v1alpha1", Kind: "AnalysisRun", Resource: "analysisruns"}
	smokeKind       = kubefake.Kind{Group: "example.com", Version: "v1", Kind: "Smoke", Resource: "smokes"}
)

func api(t *testing.T, kinds ...kubefake.Kind) *kubefake.Server {
	t.Helper()
	s := kubefake.Start()
	t.Cleanup(s.Stop)
	s.Serve(append(kinds, definitionKind)...)
	return s
}

// woken collects the names of objects that were told of.
type woken struct {
	mu   sync.Mutex
	last []string
}

func (w *woken) wake(o Sighting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = append(w.last, o.Name)
}

// times is how often an object was told of.
func (w *woken) times(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, had := range w.last {
		if had == name {
			n++
		}
	}
	return n
}

// startKinds watches the kinds of a server. stop waits until it has ended.
func startKinds(t *testing.T, s *kubefake.Server) (k *kinds, w *woken, stop func()) {
	t.Helper()
	config := &rest.Config{Host: s.URL, TLSClientConfig: rest.TLSClientConfig{CAData: s.CA()}, QPS: -1}
	connections, err := cluster.Choice{REST: config, Place: "the cluster"}.Connect(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: connections}
	m, err := metadata.NewForConfigAndClient(config, client)
	if err != nil {
		t.Fatal(err)
	}
	d, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		t.Fatal(err)
	}
	w = &woken{}
	k = newKindsOf(m, d, w.wake, slog.New(slog.DiscardHandler))
	k.pace = rate.NewLimiter(rate.Inf, 0)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Start(ctx) }()
	return k, w, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		connections.Close()
	})
}

// object puts one, with the label of an experiment, or without.
func object(t *testing.T, s *kubefake.Server, k kubefake.Kind, name string, labelled bool) {
	t.Helper()
	about := map[string]any{"name": name, "namespace": "web"}
	if labelled {
		about["labels"] = map[string]any{engine.ExperimentLabel: "e1"}
	}
	if err := s.Put(k, map[string]any{"metadata": about}); err != nil {
		t.Fatal(err)
	}
}

func define(t *testing.T, s *kubefake.Server, name string) {
	t.Helper()
	if err := s.Put(definitionKind, map[string]any{"metadata": map[string]any{"name": name}}); err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !met(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("it is not so after a minute: %s", what)
		}
	}
}

// TestKindsComeAndGo: objects of a kind wake once its definition is there, and not after it went;
// watches and goroutines end where they began.
func TestKindsComeAndGo(t *testing.T) {
	s := api(t, jobKind)
	object(t, s, jobKind, "check", true)
	object(t, s, jobKind, "other", false)
	_, w, stop := startKinds(t, s)
	defer stop()
	until(t, "a Job that is there wakes", func() bool { return w.times("check") == 1 })
	if w.times("other") > 0 {
		t.Error("an object without the label wakes")
	}
	until(t, "definitions are watched", func() bool { return s.WatchesOf(definitionKind.Resource) == 1 && s.WatchesOf(jobKind.Resource) == 1 })
	runs := func() int { return s.WatchesOf(analysisRunKind.Resource) }
	round := func(i int) {
		name := fmt.Sprint("run-", i)
		s.Serve(analysisRunKind)
		define(t, s, "analysisruns.argoproj.io")
		until(t, "the new kind is watched", func() bool { return runs() == 1 })
		object(t, s, analysisRunKind, name, true)
		until(t, "its object wakes", func() bool { return w.times(name) == 1 })
		s.Delete(analysisRunKind, "web", name)
		until(t, "its object wakes as it goes", func() bool { return w.times(name) == 2 })
		s.Withdraw(analysisRunKind)
		s.Delete(definitionKind, "", "analysisruns.argoproj.io")
		until(t, "the kind that is gone is not watched", func() bool { return runs() == 0 })
		if s.WatchesOf(jobKind.Resource) != 1 {
			t.Error("the watch of another kind ended with it")
		}
	}
	round(0)
	before := runtime.NumGoroutine()
	for i := range 10 {
		round(i + 1)
	}
	until(t, "goroutines end where they began", func() bool { return runtime.NumGoroutine() <= before+2 }) // a connection is opened and closed now and then
}

// TestKindsEnd: once it is told to stop, every watch has ended.
func TestKindsEnd(t *testing.T) {
	s := api(t, jobKind)
	before := runtime.NumGoroutine()
	for range 5 {
		_, _, stop := startKinds(t, s)
		until(t, "it watches", func() bool { return s.Watches() == 2 })
		stop()
		until(t, "no watch is open", func() bool { return s.Watches() == 0 })
	}
	until(t, "goroutines end where they began", func() bool { return runtime.NumGoroutine() <= before })
}

// TestKindsOfPlans: a plan's own kind is watched in the version that the server prefers, and no more
// of them than fit.
func TestKindsOfPlans(t *testing.T) {
	part := smokeKind
	part.Resource = "smokes/status"
	s := api(t, smokeKind, part)
	k, w, stop := startKinds(t, s)
	defer stop()
	until(t, "definitions are watched", func() bool { return s.WatchesOf(definitionKind.Resource) == 1 })
	k.add([]spec.Engine{{Group: "example.com", Kind: "Smoke"}})
	until(t, "it is watched", func() bool { return s.WatchesOf(smokeKind.Resource) == 1 })
	object(t, s, smokeKind, "one", true)
	until(t, "its object wakes", func() bool { return w.times("one") == 1 })
	var many []spec.Engine
	for i := range 2 * mostKinds {
		many = append(many, spec.Engine{Group: "example.com", Kind: fmt.Sprint("Kind", i)})
	}
	k.add(many)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.custom) != mostKinds {
		t.Errorf("%d kinds of plans are watched", len(k.custom))
	}
}

// TestKindsAreForbidden: a kind that may not be listed keeps back no other one, and is known not to be seen.
func TestKindsAreForbidden(t *testing.T) {
	s := api(t, jobKind, analysisRunKind)
	s.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		forbidden := strings.HasSuffix(r.URL.Path, "/analysisruns") || strings.HasSuffix(r.URL.Path, "/customresourcedefinitions")
		return forbidden && kubefake.Refuse(http.StatusForbidden)(w, r)
	})
	k, w, stop := startKinds(t, s)
	defer stop()
	asked := map[string]int{}
	until(t, "all are asked for", func() bool {
		for what, n := range s.Requests() {
			asked[what] += n
		}
		return asked["list analysisruns"] > 0 && asked["list customresourcedefinitions"] > 0 && s.WatchesOf(jobKind.Resource) == 1
	})
	object(t, s, jobKind, "check", true)
	until(t, "a Job wakes", func() bool { return w.times("check") > 0 })
	until(t, "it knows that it does not see all", func() bool { return !k.sees() })
	s.Fault(nil)
	until(t, "it sees all again", k.sees)
}
