package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	controllermetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/reposecret"
	"github.com/assaydev/assay/internal/shard"
	"github.com/assaydev/assay/promote/controller/fleet"
	"github.com/assaydev/assay/render"
)

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
	w := &watches{index: newIndex(), started: make(chan struct{}), hurried: make(chan struct{}, 1)}
	a := &argoCD{
		client: mgr.GetClient(), direct: mgr.GetAPIReader(), namespace: opt.Namespace, log: opt.Log,
	}
	w.promoter = &promoter{opt: opt, apps: a.apps, project: a.project, settings: a.settings, ignored: a.ignored, tell: a.tell, end: a.end, tests: w.tests, gone: w.index.forget, told: &told{}, lives: &lives{}, metrics: newMetrics()}
	w.promoter.budgets = newBudgets(opt.Budgets, w.counts, func() []Key { return w.applications.all() }, w.add)
	if err := w.follow(config, mgr.GetHTTPClient(), objects); err != nil {
		return fmt.Errorf("start promoter: %w", err)
	}
	a.applications, w.promoter.locate = w.applications, w.fleet.Locate
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
			&corev1.Secret{}:    {Namespaces: here, Label: labels.NewSelector().Add(*typed)},
			&corev1.ConfigMap{}: {Namespaces: here, Label: labels.NewSelector().Add(*part)},
		}},
		Metrics: server.Options{BindAddress: orOff(opt.Metric)}, HealthProbeBindAddress: orOff(opt.Health), PprofBindAddress: opt.Pprof,
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

// namespaces are those of Applications; none is all.
func (o Options) namespaces() []string {
	if slices.Contains(o.Namespaces, "*") {
		return nil
	}
	all := append([]string{o.Namespace}, o.Namespaces...)
	slices.Sort(all)
	return slices.Compact(all)
}

// watches puts environments on the queue.
type watches struct {
	promoter     *promoter
	index        *index
	applications *applications
	fleet        *fleet.Fleet
	limit        time.Duration // of a request to a cluster of a Secret; zero is the usual one
	queue        queue         // once the controller has started
	started      chan struct{} // then closed
	hurried      chan struct{} // of capacity 1
	shards       *shard.Set    // nil: all of the work is ours
}

// follow prepares the watches of Applications and of clusters. The objects are those of Argo CD's
// own cluster.
func (w *watches) follow(config *rest.Config, client *http.Client, objects *cluster.Client) error {
	opt := w.promoter.opt
	over := func(c *rest.Config) (rest.Interface, error) { return rest.RESTClientForConfigAndClient(c, client) }
	var err error
	if w.applications, err = newApplications(config, over, opt.namespaces(), w.promoter.deploys); err != nil {
		return err
	}
	w.fleet, err = fleet.New(config, client, objects, opt.Namespace, fleet.Options{
		Programs: opt.Programs, Proxy: opt.Proxy, Limit: w.limit, Targets: w.applications.targets, Wake: w.deployedTo, Seen: w.seen, Log: opt.Log,
	})
	if err != nil {
		return err
	}
	leases, err := coordinationv1.NewForConfigAndClient(config, client)
	if err != nil {
		return err
	}
	return errors.Join(w.share(leases), w.applications.tell(w.application))
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
	if err := c.Watch(w); err != nil {
		return err
	}
	return errors.Join(mgr.Add(w.applications), mgr.Add(w.fleet), mgr.Add(manager.RunnableFunc(w.hurry)), mgr.Add(&listener{w.promoter.opt.Notify, w.hasten}), w.addShards(mgr))
}

// addShards runs the sharing of the work, if there is any.
func (w *watches) addShards(mgr manager.Manager) error {
	if w.shards == nil {
		return nil
	}
	return mgr.Add(manager.RunnableFunc(w.shards.Run))
}

func (w *watches) String() string { return "Applications, experiments and notifications" }

// Start takes the controller's queue.
func (w *watches) Start(_ context.Context, q queue) error {
	w.queue = q
	close(w.started)
	return nil
}

// WaitForSync waits until all Applications and cluster Secrets are known: until then, one that has a
// say could be missed.
func (w *watches) WaitForSync(ctx context.Context) error {
	if !w.applications.synced(ctx) || !w.fleet.Synced(ctx) {
		return errors.New("list Applications and cluster Secrets: they may not be listed, or the API server does not answer: see the log above")
	}
	return nil
}

func (w *watches) reconcile(ctx context.Context, key Key) (result reconcile.Result, err error) {
	count := w.promoter.budgets.look()
	defer func() { w.promoter.budgets.looked(key, count, err) }()
	work, leave, ok := w.enter(ctx, key)
	if !ok {
		w.left(key)
		return reconcile.Result{}, w.promoter.survey(ctx, key)
	}
	defer leave()
	again, err := w.promoter.conclude(work, key)
	w.index.mark(key, again > 0 || err != nil)
	return reconcile.Result{RequeueAfter: again}, err
}

// application puts the environments of an Application on the queue: those of before it changed,
// too, and where the work is shared those that go to another replica with them.
func (w *watches) application(before, after *outline) {
	<-w.started // the watches start with the controller
	var was, is application.Target
	var left, has map[Key]bool
	if before != nil {
		was, left = before.target(), before.keys()
	}
	if after != nil {
		is, has = after.target(), after.keys()
		for _, err := range after.app.Problems {
			w.promoter.opt.Log.Warn("a source is passed over", "application", after.app.Name.String(), "error", err.Error())
		}
	} else {
		w.promoter.told.forget(before.name())
	}
	if was != is {
		w.fleet.Poke()
	}
	keys := map[Key]bool{}
	maps.Copy(keys, left)
	maps.Copy(keys, has)
	if w.shards != nil && !maps.Equal(left, has) {
		keys = w.applications.regrouped(cmp.Or(after, before).name(), keys)
	}
	w.add(slices.Collect(maps.Keys(keys)))
}

// seenAfter is when an object of an engine that changed has environments looked at: one that changes all the
// time does so once in that time.
const seenAfter = time.Second

// seen has the environments looked at that an object of an engine may be about: those that are deployed to its
// namespace, and those of its cluster that name the namespace. What others put elsewhere wakes nobody.
func (w *watches) seen(at application.Target, o fleet.Sighting) {
	<-w.started
	at = w.fleet.Known(at)
	keys := w.applications.at(at, o.Namespace)
	if named := w.index.testing(o.Experiment, o.Namespace); len(named) > 0 {
		here := w.applications.on(at)
		keys = append(keys, slices.DeleteFunc(named, func(key Key) bool { return !slices.Contains(here, key) })...)
	}
	for _, key := range keys {
		w.queue.AddAfter(key, seenAfter)
	}
}

// deployedTo has the environments looked at that are deployed to a cluster.
func (w *watches) deployedTo(at application.Target) {
	if w.running() {
		w.add(w.applications.on(at))
	}
}

// running reports whether the controller has started. Before that there is nothing to look at again: the
// start has all environments looked at.
func (w *watches) running() bool {
	select {
	case <-w.started:
		return true
	default:
		return false
	}
}

// add puts environments on the queue, if there is one yet.
func (w *watches) add(keys []Key) {
	if !w.running() {
		return
	}
	for _, key := range keys {
		w.queue.Add(key)
	}
}

// tests remembers what is under test, and has the engines of its plan watched where it is deployed.
func (w *watches) tests(key Key, sites []site, res *render.Result) {
	var namespaces []string
	for _, judge := range res.Judges() {
		namespaces = append(namespaces, judge.Namespace)
	}
	w.index.test(key, res.ID, namespaces...)
	for _, s := range sites {
		if s.at.Engines != nil {
			s.at.Engines(res.Plan.Spec.Experiment.Engines)
		}
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
		w.hastened(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
	}
}

// listener serves the webhook. Every replica does, and asks the others for their part.
type listener struct {
	Notify
	hasten func()
}

// Start serves until ctx ends.
func (l *listener) Start(ctx context.Context) error {
	if l.Address == "" {
		return nil
	}
	at, err := net.Listen("tcp", l.Address)
	if err != nil {
		return fmt.Errorf("listen for notifications: %w", err)
	}
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, Handler: l.handler(l.hasten)}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(at); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
