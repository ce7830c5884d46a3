package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/client-go/discovery"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	controllermetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/reposecret"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// lease is the name of the lease that the working replica holds.
const lease = "assay-promoter"

// queue is what keys wait in.
type queue = workqueue.TypedRateLimitingInterface[Key]

// Run concludes candidates until ctx ends.
func Run(ctx context.Context, opt Options) error {
	config := rest.CopyConfig(opt.Cluster.REST)
	config.QPS, config.Burst = 50, 100 // one client for all; the API server has its own fairness
	mgr, err := newManager(config, opt)
	if err != nil {
		return fmt.Errorf("start promoter: %w", err)
	}
	opt.Cluster.REST = config
	objects, err := opt.Cluster.Client()
	if err != nil {
		return err
	}
	x := newIndex()
	a := &argoCD{
		client: mgr.GetClient(), cached: mgr.GetCache(), direct: mgr.GetAPIReader(), namespace: opt.Namespace,
		log: opt.Log,
	}
	w, err := newWatches(config, mgr.GetHTTPClient(), opt, x)
	if err != nil {
		return fmt.Errorf("start promoter: %w", err)
	}
	w.promoter = &promoter{
		opt: opt, apps: a.apps, project: a.project, settings: a.settings, list: objects.List, now: objects.Now, tell: a.tell, end: a.end, told: &told{}, lives: &lives{}, metrics: newMetrics(),
		tests: func(key Key, res *render.Result) {
			x.test(key, res.ID)
			w.kinds.add(res.Plan.Spec.Experiment.Engines)
		},
	}
	a.deploys = w.promoter.deploys
	if err := controllermetrics.Registry.Register(w.promoter.metrics); err != nil {
		return fmt.Errorf("start promoter: register its metrics: %w", err)
	}
	defer controllermetrics.Registry.Unregister(w.promoter.metrics)
	if err := w.register(mgr); err != nil {
		return fmt.Errorf("start promoter: %w", err)
	}
	return mgr.Start(ctx)
}

func newManager(config *rest.Config, opt Options) (manager.Manager, error) {
	typed, err := labels.NewRequirement(reposecret.TypeLabel, selection.In, reposecret.Types())
	if err != nil {
		return nil, err
	}
	part, err := labels.NewRequirement(reposecret.PartLabel, selection.Equals, []string{reposecret.Part})
	if err != nil {
		return nil, err
	}
	here := map[string]cache.Config{opt.Namespace: {}}
	grace := 20 * time.Second // below the pod's
	mgr, err := manager.New(config, manager.Options{
		Scheme: clientscheme.Scheme, Logger: logr.FromSlogHandler(opt.Log.Handler()),
		Cache: cache.Options{ByObject: map[client.Object]cache.ByObject{
			newApplication():    {Namespaces: opt.namespaces(), Transform: slim},
			&corev1.Secret{}:    {Namespaces: here, Label: labels.NewSelector().Add(*typed)},
			&corev1.ConfigMap{}: {Namespaces: here, Label: labels.NewSelector().Add(*part)},
		}},
		Metrics: server.Options{BindAddress: orOff(opt.Metric)}, HealthProbeBindAddress: orOff(opt.Health),
		LeaderElection: opt.Leader, LeaderElectionID: lease, LeaderElectionNamespace: opt.Namespace, LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout: &grace,
	})
	if err != nil {
		return nil, err
	}
	return mgr, errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("ping", healthz.Ping))
}

func orOff(address string) string {
	if address == "" {
		return "0"
	}
	return address
}

// namespaces are those of Applications; nil is all.
func (o Options) namespaces() map[string]cache.Config {
	if slices.Contains(o.Namespaces, "*") {
		return nil
	}
	in := map[string]cache.Config{o.Namespace: {}}
	for _, name := range o.Namespaces {
		in[name] = cache.Config{}
	}
	return in
}

func newApplication() *unstructured.Unstructured {
	return named(applicationKind, application.Name{})
}

// slim drops what the promoter does not read of an Application: a watch keeps all of them.
func slim(o any) (any, error) {
	app, ok := o.(*unstructured.Unstructured)
	if !ok {
		return o, nil
	}
	app.SetManagedFields(nil)
	app.SetAnnotations(nil)
	status, _ := app.Object["status"].(map[string]any)
	kept := map[string]any{}
	for _, field := range []string{"resources", "operationState", "history", "sync"} {
		if v, found := status[field]; found {
			kept[field] = v
		}
	}
	app.Object["status"] = kept
	return app, nil
}

// watches puts environments on the queue.
type watches struct {
	promoter *promoter
	index    *index
	kinds    *kinds
	queue    queue         // once the controller has started
	started  chan struct{} // then closed
	hurried  chan struct{} // of capacity 1
}

func newWatches(config *rest.Config, client *http.Client, opt Options, x *index) (*watches, error) {
	w := &watches{index: x, started: make(chan struct{}), hurried: make(chan struct{}, 1)}
	m, err := metadata.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	d, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	w.kinds = &kinds{client: m, discover: d, wake: w.experiment, log: opt.Log, changed: make(chan struct{}, 1), custom: map[schema.GroupKind]spec.Engine{}}
	return w, nil
}

// register adds the controller and what wakes it.
func (w *watches) register(mgr manager.Manager) error {
	c, err := kcontroller.NewTyped("promoter", mgr, kcontroller.TypedOptions[Key]{
		MaxConcurrentReconciles: max(w.promoter.opt.Workers, 1), ReconciliationTimeout: workLimit,
		RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[Key](firstAgain, lastAgain),
		Reconciler:  reconcile.TypedFunc[Key](w.reconcile),
	})
	if err != nil {
		return err
	}
	apps := source.TypedKind[*unstructured.Unstructured, Key](mgr.GetCache(), newApplication(), handler.TypedFuncs[*unstructured.Unstructured, Key]{
		CreateFunc: func(_ context.Context, e event.TypedCreateEvent[*unstructured.Unstructured], q queue) {
			w.application(e.Object, q)
		},
		UpdateFunc: func(_ context.Context, e event.TypedUpdateEvent[*unstructured.Unstructured], q queue) {
			w.application(e.ObjectNew, q)
		},
		DeleteFunc: func(_ context.Context, e event.TypedDeleteEvent[*unstructured.Unstructured], q queue) {
			w.gone(e.Object, q)
		},
	}, predicate.TypedFuncs[*unstructured.Unstructured]{UpdateFunc: func(e event.TypedUpdateEvent[*unstructured.Unstructured]) bool {
		return changed(e.ObjectOld, e.ObjectNew)
	}})
	if err := c.Watch(apps); err != nil {
		return err
	}
	err = c.Watch(source.TypedFunc[Key](func(_ context.Context, q queue) error {
		w.queue = q
		close(w.started)
		return nil
	}))
	if err != nil {
		return err
	}
	return errors.Join(mgr.Add(w.kinds), mgr.Add(manager.RunnableFunc(w.hurry)), mgr.Add(&listener{w.promoter.opt.Notify, mgr.Elected(), w.hasten}))
}

// changed reports whether an Application differs in what slim leaves.
func changed(before, after *unstructured.Unstructured) bool {
	strip := func(o *unstructured.Unstructured) map[string]any {
		m := map[string]any{"spec": o.Object["spec"], "status": o.Object["status"], "deleted": o.GetDeletionTimestamp() != nil}
		return m
	}
	return !reflect.DeepEqual(strip(before), strip(after))
}

func (w *watches) reconcile(ctx context.Context, key Key) (reconcile.Result, error) {
	again, err := w.promoter.conclude(ctx, key)
	w.index.mark(key, again > 0 || err != nil)
	return reconcile.Result{RequeueAfter: again}, err
}

// application puts the environments of an Application on the queue.
func (w *watches) application(o *unstructured.Unstructured, q queue) {
	app := application.ReadDeployed(o)
	_, problems := w.promoter.sites(app)
	for _, err := range problems {
		w.promoter.opt.Log.Warn("a source is passed over", "application", app.Name.String(), "error", err.Error())
	}
	for _, key := range w.index.put(app.Name, w.promoter.deploys(app)) {
		q.Add(key)
	}
}

func (w *watches) gone(o *unstructured.Unstructured, q queue) {
	name := application.Name{Namespace: o.GetNamespace(), Name: o.GetName()}
	w.promoter.told.forget(name)
	for _, key := range w.index.put(name, nil) {
		q.Add(key)
	}
}

// experiment puts the environments on the queue that an object of an engine may be about.
func (w *watches) experiment(o *metav1.PartialObjectMetadata) {
	<-w.started // kinds start with the controller
	for _, key := range w.index.concerned(o.Labels[engine.ExperimentLabel], o.Namespace) {
		w.queue.Add(key)
	}
}

// hasten has everything looked at that is under way.
func (w *watches) hasten() {
	select {
	case w.hurried <- struct{}{}:
	default:
	}
}

// hurryEvery is the most often that calls of the webhook have an effect.
const hurryEvery = 2 * time.Second

func (w *watches) hurry(ctx context.Context) error {
	pause := time.NewTicker(hurryEvery)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.hurried:
		}
		for _, key := range w.index.underWay() {
			w.queue.Add(key)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
	}
}

// listener serves the webhook. A replica that does not lead refuses calls, so that who sends
// them tries another one.
type listener struct {
	Notify
	leads  <-chan struct{}
	hasten func()
}

// NeedLeaderElection says that every replica listens.
func (l *listener) NeedLeaderElection() bool { return false }

// Start serves until ctx ends.
func (l *listener) Start(ctx context.Context) error {
	if l.Address == "" {
		return nil
	}
	at, err := net.Listen("tcp", l.Address)
	if err != nil {
		return fmt.Errorf("listen for notifications: %w", err)
	}
	inner := l.handler(l.hasten)
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		select {
		case <-l.leads:
			inner.ServeHTTP(rw, r)
		default:
			http.Error(rw, "another replica leads", http.StatusServiceUnavailable)
		}
	})}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(at); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
