package controller

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/spec"
)

const (
	definitions  = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	jobs         = "/apis/batch/v1/jobs"
	analysisRuns = "/apis/argoproj.io/v1alpha1/analysisruns"
)

// woken collects the names of objects that were told of.
type woken struct {
	mu   sync.Mutex
	last []string
}

func (w *woken) wake(o *metav1.PartialObjectMetadata) {
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
func startKinds(t *testing.T, s *apiServer) (k *kinds, w *woken, stop func()) {
	t.Helper()
	config := s.config()
	client := &http.Client{Transport: &http.Transport{}}
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
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Start(ctx) }()
	return k, w, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		client.CloseIdleConnections()
	})
}

// experimentObject is one with the label of an experiment, or without.
func experimentObject(kind, version, name string, labelled bool) map[string]any {
	about := map[string]any{"name": name, "namespace": "web"}
	if labelled {
		about["labels"] = map[string]any{engine.ExperimentLabel: "e1"}
	}
	return map[string]any{"kind": kind, "apiVersion": version, "metadata": about}
}

func definition(name string) map[string]any {
	return map[string]any{"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1", "metadata": map[string]any{"name": name}}
}

// TestKindsComeAndGo: objects of a kind wake once its definition is there, and not after it went;
// watches and goroutines end where they began.
func TestKindsComeAndGo(t *testing.T) {
	s := newAPIServer(t)
	s.serves("batch/v1", "jobs", "Job")
	s.put("/apis/batch/v1/namespaces/web/jobs/check", experimentObject("Job", "batch/v1", "check", true))
	s.put("/apis/batch/v1/namespaces/web/jobs/other", experimentObject("Job", "batch/v1", "other", false))
	_, w, stop := startKinds(t, s)
	defer stop()
	until(t, "a Job that is there wakes", func() bool { return w.times("check") == 1 })
	if w.times("other") > 0 {
		t.Error("an object without the label wakes")
	}
	until(t, "definitions are watched", func() bool { return s.open(definitions) == 1 && s.open(jobs) == 1 })
	round := func(i int) {
		name := fmt.Sprint("run-", i)
		path := "/apis/argoproj.io/v1alpha1/namespaces/web/analysisruns/" + name
		s.serves("argoproj.io/v1alpha1", "analysisruns", "AnalysisRun")
		s.put(definitions+"/analysisruns.argoproj.io", definition("analysisruns.argoproj.io"))
		until(t, "the new kind is watched", func() bool { return s.open(analysisRuns) == 1 })
		s.put(path, experimentObject("AnalysisRun", "argoproj.io/v1alpha1", name, true))
		until(t, "its object wakes", func() bool { return w.times(name) == 1 })
		s.remove(path)
		until(t, "its object wakes as it goes", func() bool { return w.times(name) == 2 })
		s.drops("argoproj.io/v1alpha1")
		s.remove(definitions + "/analysisruns.argoproj.io")
		until(t, "the kind that is gone is not watched", func() bool { return s.open(analysisRuns) == 0 })
		if s.open(jobs) != 1 {
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
	s := newAPIServer(t)
	s.serves("batch/v1", "jobs", "Job")
	before := runtime.NumGoroutine()
	for range 5 {
		_, _, stop := startKinds(t, s)
		until(t, "it watches", func() bool { return s.open(definitions) == 1 && s.open(jobs) == 1 })
		stop()
		until(t, "no watch is open", func() bool { return s.open(definitions)+s.open(jobs) == 0 })
	}
	until(t, "goroutines end where they began", func() bool { return runtime.NumGoroutine() <= before })
}

// TestKindsOfPlans: a plan's own kind is watched in the version that the server prefers, and no more
// of them than fit.
func TestKindsOfPlans(t *testing.T) {
	s := newAPIServer(t)
	s.serves("example.com/v1", "smokes", "Smoke")
	s.serves("example.com/v1", "smokes/status", "Smoke")
	k, w, stop := startKinds(t, s)
	defer stop()
	until(t, "definitions are watched", func() bool { return s.open(definitions) == 1 })
	k.add([]spec.Engine{{Group: "example.com", Kind: "Smoke"}})
	until(t, "it is watched", func() bool { return s.open("/apis/example.com/v1/smokes") == 1 })
	s.put("/apis/example.com/v1/namespaces/web/smokes/one", experimentObject("Smoke", "example.com/v1", "one", true))
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

// TestKindsAreForbidden: a kind that may not be listed keeps back no other one.
func TestKindsAreForbidden(t *testing.T) {
	s := newAPIServer(t)
	s.serves("batch/v1", "jobs", "Job")
	s.serves("argoproj.io/v1alpha1", "analysisruns", "AnalysisRun")
	s.refuses(http.MethodGet, analysisRuns, http.StatusForbidden)
	s.refuses(http.MethodGet, definitions, http.StatusForbidden)
	_, w, stop := startKinds(t, s)
	defer stop()
	until(t, "all are asked for", func() bool {
		asked := s.requests()
		return slices.Contains(asked, "GET "+analysisRuns) && slices.Contains(asked, "GET "+definitions) && s.open(jobs) == 1
	})
	s.put("/apis/batch/v1/namespaces/web/jobs/check", experimentObject("Job", "batch/v1", "check", true))
	until(t, "a Job wakes", func() bool { return w.times("check") > 0 })
}
