package controller

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/workqueue"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/engine"
)

// TestSlim: what is kept of an Application is what ReadDeployed reads, and a change of anything
// else wakes nobody.
func TestSlim(t *testing.T) {
	app := func(change func(o *unstructured.Unstructured)) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: applicationObject("shop", "prod")}
		o.Object["status"] = map[string]any{
			"sync": map[string]any{"revision": "c1"}, "operationState": waitingSince("2026-01-01T00:00:00Z"), "health": map[string]any{"status": "Healthy"},
			"resources": []any{map[string]any{"kind": "Job", "group": "batch", "namespace": "web", "name": "check"}},
		}
		if change != nil {
			change(o)
		}
		if _, err := slim(o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	full := &unstructured.Unstructured{Object: applicationObject("shop", "prod")}
	full.Object["status"] = app(nil).Object["status"]
	if a, b := application.ReadDeployed(app(nil)), application.ReadDeployed(full); len(a.Manages) != 1 || !a.Operation.Waits() || len(b.Manages) != 1 {
		t.Errorf("slim leaves %+v", a)
	}
	set := func(value any, path ...string) func(o *unstructured.Unstructured) {
		return func(o *unstructured.Unstructured) {
			if err := unstructured.SetNestedField(o.Object, value, path...); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		change func(o *unstructured.Unstructured)
		wakes  bool
	}{
		"nothing":        {nil, false},
		"our annotation": {set("[]", "metadata", "annotations", Annotation), false},
		"managed fields": {func(o *unstructured.Unstructured) {
			o.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "argocd"}})
		}, false},
		"its version":      {set("7", "metadata", "resourceVersion"), false},
		"its health":       {set("Degraded", "status", "health", "status"), false},
		"another revision": {set("c2", "status", "sync", "revision"), true},
		"another path":     {set("other", "spec", "source", "path"), true},
		"a deletion":       {set("2026-01-01T00:00:00Z", "metadata", "deletionTimestamp"), true},
	} {
		if got := changed(app(nil), app(test.change)); got != test.wakes {
			t.Errorf("%s wakes: %v", name, got)
		}
	}
}

// TestNamespaces: Argo CD's own, and those that are named; all where that is asked for.
func TestNamespaces(t *testing.T) {
	for want, list := range map[string][]string{"argocd": nil, "a argocd b": {"b", "a"}, "": {"a", "*"}} {
		got := slices.Sorted(maps.Keys(Options{Namespace: "argocd", Namespaces: list}.namespaces()))
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("of %q the namespaces are %q", list, got)
		}
	}
}

// TestWhatWakes: Applications and objects of engines put the environments on the queue that they
// may be about; one that went is forgotten.
func TestWhatWakes(t *testing.T) {
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[Key]())
	defer q.ShutDown()
	w := &watches{index: newIndex(), queue: q, started: make(chan struct{}), promoter: &promoter{opt: Options{View: viewOf, Log: slog.New(slog.DiscardHandler)}, told: &told{}}}
	close(w.started)
	queued := func(what string, want ...string) {
		t.Helper()
		var got []string
		for q.Len() > 0 {
			key, _ := q.Get()
			q.Done(key)
			got = append(got, key.Dir)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s puts %q on the queue, want %q", what, got, want)
		}
	}
	app := func(name, path string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: applicationObject(name, path)}
	}
	w.application(app("shop", "prod"), q)
	queued("an Application", "prod")
	w.application(app("shop", "live"), q)
	queued("one that moved", "live", "prod")
	plain := app("plain", "prod")
	unstructured.RemoveNestedField(plain.Object, "spec", "source", "plugin")
	w.application(plain, q)
	queued("one without the plugin")
	object := func(namespace string) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "check", Namespace: namespace, Labels: map[string]string{engine.ExperimentLabel: "e1"}}}
	}
	w.experiment(object("web"))
	queued("an object in its namespace", "live")
	w.experiment(object("elsewhere"))
	queued("one elsewhere")
	w.promoter.told.add(application.ReadDeployed(app("shop", "live")), envsKey("live"), Outcome{}, nil)
	w.gone(app("shop", "live"), q)
	queued("an Application that went", "live")
	if len(w.promoter.told.apps)+len(w.index.apps) > 0 {
		t.Error("it is not forgotten")
	}
}

// TestListener: a replica that does not lead refuses calls, and it listens no longer than it runs.
func TestListener(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	leads, hastened := make(chan struct{}), make(chan struct{}, 1)
	l := &listener{Notify{Address: address, Secret: []byte("a-secret-of-some-length")}, leads, func() { hastened <- struct{}{} }}
	if l.NeedLeaderElection() {
		t.Error("only the leader listens")
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Start(ctx) }()
	call := func() int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/notify", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer a-secret-of-some-length")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	until(t, "it refuses calls", func() bool { return call() == http.StatusServiceUnavailable })
	close(leads)
	if code := call(); code != http.StatusAccepted {
		t.Errorf("the leader answers %d", code)
	}
	<-hastened
	second := &listener{l.Notify, leads, func() {}}
	if err := second.Start(ctx); err == nil || !strings.Contains(err.Error(), "listen for notifications: ") {
		t.Errorf("an address that is taken: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := (&listener{}).Start(t.Context()); err != nil {
		t.Errorf("without an address: %v", err)
	}
}
