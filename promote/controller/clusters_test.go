package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/clustersecret"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/kubefake"
)

// The kinds of the tests.
var (
	secretKind     = kubefake.Kind{Version: "v1", Kind: "Secret", Resource: "secrets"}
	appKind        = kubefake.Kind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application", Resource: "applications"}
	definitionKind = kubefake.Kind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition", Resource: "customresourcedefinitions", Cluster: true}
	jobKind        = kubefake.Kind{Group: "batch", Version: "v1", Kind: "Job", Resource: "jobs"}
	testRunKind    = kubefake.Kind{Group: "k6.io", Version: "v1alpha1", Kind: "TestRun", Resource: "testruns"}
)

func api(t *testing.T, kinds ...kubefake.Kind) *kubefake.Server {
	t.Helper()
	s := kubefake.Start()
	t.Cleanup(s.Stop)
	s.Serve(append(kinds, definitionKind, jobKind)...)
	return s
}

// hub is Argo CD's own cluster with what watches it and others.
type hub struct {
	*kubefake.Server
	*watches
	t   *testing.T
	end func() // and waits
}

func newHub(t *testing.T, prepare func(*kubefake.Server), programs ...string) *hub {
	t.Helper()
	s := api(t, secretKind, appKind)
	if prepare != nil {
		prepare(s)
	}
	config := &rest.Config{Host: s.URL, TLSClientConfig: rest.TLSClientConfig{CAData: s.CA()}, QPS: 1000, Burst: 1000}
	at := cluster.Choice{REST: config, Place: "Argo CD's cluster"}
	connections, err := at.Connect(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := at.Over(connections, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	w := &watches{index: newIndex(), started: make(chan struct{}), hurried: make(chan struct{}, 1), limit: 500 * time.Millisecond}
	w.promoter = &promoter{told: &told{}, opt: Options{
		Namespace: "argocd", Log: slog.New(slog.DiscardHandler), Programs: programs,
		View: func(p application.Place) (promote.View, error) {
			return promote.View{Request: render.Request{Environment: spec.Environment{Dir: p.Path}}}, nil
		},
	}}
	if err := w.follow(config, &http.Client{Transport: connections}, objects); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[Key]())
	if err := w.Start(ctx, q); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- w.applications.Start(ctx) }()
	go func() { done <- w.fleet.Start(ctx) }()
	h := &hub{Server: s, watches: w, t: t}
	h.end = func() {
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		q.ShutDown()
		connections.Close()
		h.end = func() {}
	}
	t.Cleanup(func() { h.end() })
	if err := w.WaitForSync(ctx); err != nil {
		t.Fatal(err)
	}
	return h
}

// woken takes what is on the queue, by directory, until the one that is waited for is there.
func (h *hub) woken(dir string) {
	h.t.Helper()
	until(h.t, dir+" is looked at", func() bool { return slices.Contains(h.drain(), dir) })
}

func (h *hub) drain() (dirs []string) {
	for h.queue.Len() > 0 {
		key, _ := h.queue.Get()
		h.queue.Done(key)
		dirs = append(dirs, key.Dir)
	}
	return dirs
}

func put(t *testing.T, s *kubefake.Server, k kubefake.Kind, text string) {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(k, o); err != nil {
		t.Fatal(err)
	}
}

func (h *hub) app(name, destination, status string) {
	h.t.Helper()
	put(h.t, h.Server, appKind, fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"argocd"},"spec":{"project":"default","destination":%s,"source":{"repoURL":"https://git.example.com/r","path":%q,"plugin":{"name":"assay"}}},"status":%s}`, name, destination, name, status))
}

// secret is the cluster Secret for a server.
func (h *hub) secret(name string, of *kubefake.Server, more ...string) {
	h.t.Helper()
	data := map[string][]byte{"name": []byte(name), "server": []byte(of.URL), "config": fmt.Appendf(nil, `{"bearerToken":"x-secret-x","tlsClientConfig":{"insecure":true}}`)}
	for pair := range slices.Chunk(more, 2) {
		data[pair[0]] = []byte(pair[1])
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"name": "cluster-" + name, "namespace": "argocd", "labels": map[string]any{clustersecret.TypeLabel: clustersecret.Type}}, "data": data})
	if err != nil {
		h.t.Fatal(err)
	}
	put(h.t, h.Server, secretKind, string(text))
}

// job puts the Job of an experiment, which is called judge.
func job(t *testing.T, s *kubefake.Server, id string) {
	t.Helper()
	put(t, s, jobKind, fmt.Sprintf(`{"metadata":{"name":"judge","namespace":"web","labels":{"assay.dev/experiment":%q}}}`, id))
}

// TestApplicationsInPages: Applications are listed in pages once; what uses the plugin is found by its
// environment, wakes when it changes, and nothing else does.
func TestApplicationsInPages(t *testing.T) {
	h := newHub(t, func(s *kubefake.Server) {
		for i := range 450 {
			plugin := ""
			if i%100 == 0 {
				plugin = `,"plugin":{"name":"assay"}`
			}
			put(t, s, appKind, fmt.Sprintf(`{"metadata":{"name":"app%d","namespace":"argocd"},"spec":{"source":{"repoURL":"https://git.example.com/r","path":"dir%d"%s},"destination":{"server":"https://kubernetes.default.svc","namespace":"web"}},"status":{"resources":[{"kind":"Job","name":"j"}]}}`, i, i, plugin))
		}
	})
	h.woken("dir400")
	if n := h.LargestPage(); n > pageSize {
		t.Errorf("a page had %d", n)
	}
	keys := h.applications.on(application.Target{Server: application.InCluster})
	if len(keys) != 5 {
		t.Errorf("environments %v", keys)
	}
	for _, key := range keys {
		if names := h.applications.deploying(key); len(names) != 1 || "dir"+strings.TrimPrefix(names[0].Name, "app") != key.Dir {
			t.Errorf("%s is deployed by %v", key, names)
		}
	}
	for _, part := range h.applications.parts {
		for _, o := range part.GetStore().List() {
			if o := asOutline(o); len(o.deploys) == 0 && (o.app.Project != "" || o.app.State != 0 || o.Labels != nil) {
				t.Errorf("of an Application without the plugin there is %+v", o)
			}
		}
	}
	h.Requests()
	h.drain()
	h.app("other", `{"name":"in-cluster","namespace":"web"}`, `{"sync":{"revision":"a"}}`)
	h.woken("other")
	h.app("other", `{"name":"in-cluster","namespace":"web"}`, `{"reconciledAt":"now","sync":{"revision":"a"}}`)
	h.app("last", `{"name":"in-cluster","namespace":"web"}`, `{}`)
	until(t, "last is looked at, and nothing else", func() bool {
		dirs := h.drain()
		if slices.Contains(dirs, "other") {
			t.Fatal("what nobody reads had an Application looked at")
		}
		return slices.Contains(dirs, "last")
	})
	h.app("other", `{"name":"in-cluster","namespace":"web"}`, `{"sync":{"revision":"b"}}`)
	h.woken("other")
	h.Delete(appKind, "argocd", "other")
	h.woken("other")
	if asked := h.Requests(); asked["list applications"]+asked["get applications"] != 0 {
		t.Errorf("besides its watch it asked for %v", asked)
	}
}

// TestFleet: a cluster of a Secret is connected while an Application deploys to it, and what happens there
// wakes it.
func TestFleet(t *testing.T) {
	near, far := api(t), api(t)
	h := newHub(t, nil)
	h.secret("near", near)
	h.secret("far", far)
	h.app("shop", `{"name":"near","namespace":"web"}`, `{}`)
	h.woken("shop")
	until(t, "near is watched", func() bool { return near.Watches() == 2 })
	if asked := far.Requests(); len(asked) != 0 {
		t.Errorf("nobody deploys to far, and it was asked for %v", asked)
	}
	asked := near.Requests()
	for _, resource := range []string{"jobs", "customresourcedefinitions"} {
		if asked["list "+resource] != 1 || asked["watch "+resource] != 1 {
			t.Errorf("%s: %v, want one list and one watch", resource, asked)
		}
	}
	h.drain()
	job(t, near, "e1")
	h.woken("shop")

	at := h.fleet.Locate(application.Target{Server: near.URL})
	objs, err := at.List(t.Context(), jobGVK(), "web", "assay.dev/experiment=e1")
	if err != nil || len(objs) != 1 || at.Name != "near" || at.Server != near.URL {
		t.Errorf("%v, %v, %+v", objs, err, at.Cluster)
	}

	h.app("shop", `{"server":"`+far.URL+`/","namespace":"web"}`, `{}`)
	until(t, "far is watched in place of near", func() bool { return near.Watches() == 0 && far.Watches() == 2 })
	h.drain()
	job(t, far, "e1")
	h.woken("shop")
	h.Delete(appKind, "argocd", "shop")
	until(t, "far is not watched any more", func() bool { return far.Watches() == 0 })
}

func jobGVK() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}
}

// TestBrokenSecrets: a Secret that is wrong takes out its cluster alone, says so, and wakes what is
// deployed there, also once it is right again.
func TestBrokenSecrets(t *testing.T) {
	near, far := api(t), api(t)
	h := newHub(t, nil)
	h.secret("near", near)
	h.secret("far", far)
	h.app("shop", `{"name":"near","namespace":"web"}`, `{}`)
	h.app("cart", `{"name":"far","namespace":"web"}`, `{}`)
	until(t, "both are watched", func() bool { return near.Watches() == 2 && far.Watches() == 2 })
	says := func(want string) {
		t.Helper()
		until(t, want, func() bool {
			err := h.fleet.Locate(application.Target{Name: "near"}).Err
			return want == "" && err == nil || want != "" && err != nil && strings.Contains(err.Error(), want)
		})
		h.woken("shop")
	}
	h.drain()
	h.secret("near", near, "config", `{"bearerToken":"x-secret-x`)
	says("the cluster near (Secret cluster-near) cannot be used: field config: it is not valid JSON")
	until(t, "near is not watched any more", func() bool { return near.Watches() == 0 })
	h.secret("near", near)
	says("")
	until(t, "near is watched again", func() bool { return near.Watches() == 2 })
	h.secret("thief", near)
	says("the cluster near: the Secrets cluster-near, cluster-thief are all for its server")
	h.Delete(secretKind, "argocd", "cluster-thief")
	says("")
	h.Delete(secretKind, "argocd", "cluster-near")
	says("the cluster near: no cluster Secret of Argo CD is about it")
	h.secret("near", near, "namespaces", "web", "project", "team")
	says("")
	at := h.fleet.Locate(application.Target{Name: "near"})
	if at.Scope != "team" {
		t.Errorf("it is for the project %q", at.Scope)
	}
	if _, err := at.List(t.Context(), jobGVK(), "shop", ""); err == nil || !strings.Contains(err.Error(), "the cluster near (Secret cluster-near) is not for the namespace shop") {
		t.Errorf("error %v", err)
	}
	until(t, "its namespace is watched", func() bool { return near.Requests()["watch jobs"] > 0 })
	if far.Watches() != 2 || h.fleet.Locate(application.Target{Name: "far"}).Err != nil {
		t.Error("another cluster's Secret took out far")
	}
}

// TestServersThatFail: a cluster that hangs, is busy or restarts is held, says so at once when it is asked
// again, and is watched again when it is back.
func TestServersThatFail(t *testing.T) {
	near := api(t)
	h := newHub(t, nil)
	h.secret("near", near)
	h.app("shop", `{"name":"near","namespace":"web"}`, `{}`)
	until(t, "near is watched", func() bool { return near.Watches() == 2 })
	for name, test := range map[string]struct {
		fault func(http.ResponseWriter, *http.Request) bool
		want  string
	}{
		"hangs":   {kubefake.Hang, "it gave no answer within 500ms"},
		"is busy": {kubefake.Busy, "it is asked too much, and cannot answer now (429)"},
	} {
		near.Fault(test.fault)
		at := h.fleet.Locate(application.Target{Name: "near"})
		_, err := at.List(t.Context(), jobGVK(), "web", "")
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "the cluster near (Secret cluster-near)") {
			t.Errorf("%s: %v", name, err)
		}
		near.Requests()
		began := time.Now()
		for range 20 {
			if _, err := at.List(t.Context(), jobGVK(), "web", ""); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if took, n := time.Since(began), near.Requests()["get /apis/batch/v1"]; took > 400*time.Millisecond || n > 0 {
			t.Errorf("%s: 20 more looks took %s and %d requests", name, took, n)
		}
		if at.Again() <= 0 {
			t.Errorf("%s: it is not looked at again", name)
		}
		near.Fault(nil)
		until(t, name+": it answers again", func() bool {
			_, err := at.List(t.Context(), jobGVK(), "web", "")
			return err == nil && at.Again() == 0
		})
	}
	near.CloseClientConnections()
	until(t, "near is watched again", func() bool { return near.Watches() == 2 })
	h.drain()
	job(t, near, "e1")
	h.woken("shop")
}

// TestComesAndGoes: clusters and definitions that come and go leave nothing behind.
func TestComesAndGoes(t *testing.T) {
	near := api(t)
	h := newHub(t, nil)
	h.app("shop", `{"name":"near","namespace":"web"}`, `{}`)
	round := func() {
		t.Helper()
		h.secret("near", near)
		until(t, "near is watched", func() bool { return near.Watches() == 2 })
		near.Serve(testRunKind)
		put(t, near, definitionKind, `{"metadata":{"name":"testruns.k6.io"}}`)
		until(t, "a kind that came is watched", func() bool { return near.Watches() == 3 })
		near.Withdraw(testRunKind)
		near.Delete(definitionKind, "", "testruns.k6.io")
		until(t, "a kind that went is not watched any more", func() bool { return near.Watches() == 2 })
		h.Delete(secretKind, "argocd", "cluster-near")
		until(t, "near is not watched any more", func() bool { return near.Watches() == 0 })
	}
	round()
	settled := func() int {
		runtime.GC()
		return runtime.NumGoroutine()
	}
	var before int
	until(t, "goroutines of the first round are gone", func() bool { before, _ = settled(), h.drain(); return before == settled() })
	for range 20 {
		round()
	}
	h.drain()
	until(t, fmt.Sprintf("%d goroutines", before), func() bool { return settled() <= before+2 })
	until(t, "no connection to near", func() bool { return near.Connections() == 0 })
}

// TestOwnCluster: a Secret for Argo CD's own cluster gives it a name, by which its objects wake, too.
func TestOwnCluster(t *testing.T) {
	h := newHub(t, nil)
	h.app("shop", `{"name":"hub","namespace":"web"}`, `{}`)
	h.woken("shop")
	if err := h.fleet.Locate(application.Target{Name: "hub"}).Err; err == nil {
		t.Error("a name that nobody gave must be an error")
	}
	data := map[string]any{
		"metadata": map[string]any{"name": "own", "namespace": "argocd", "labels": map[string]any{clustersecret.TypeLabel: clustersecret.Type}},
		"data":     map[string][]byte{"name": []byte("hub"), "server": []byte(application.InCluster + "/")},
	}
	if err := h.Put(secretKind, data); err != nil {
		t.Fatal(err)
	}
	h.woken("shop")
	if at := h.fleet.Locate(application.Target{Name: "hub"}); at.Err != nil || at.List == nil {
		t.Errorf("%v", at.Err)
	}
	job(t, h.Server, "e9")
	h.woken("shop")
	if h.WatchesOf("jobs") != 1 {
		t.Error("Argo CD's own cluster was connected once more")
	}
}
