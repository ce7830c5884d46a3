package fleet

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
)

// kinds watches the objects of every engine that the cluster has a kind for, by their
// metadata alone: one list and one watch for each kind. A kind that is not there is waited for: its
// CustomResourceDefinition is watched as well.
type kinds struct {
	client     metadata.Interface
	discover   discovery.DiscoveryInterface
	namespaces []string // whose objects count; none is all
	wake       func(Sighting)
	log        *slog.Logger

	changed chan struct{} // of capacity 1: what is watched is to be looked at
	pace    *rate.Limiter // of looks at what there is, each of which asks for several groups

	unknown, full atomic.Bool  // which kinds there are; more of plans than are watched
	failing       atomic.Int32 // watches

	mu     sync.Mutex
	custom map[schema.GroupKind]spec.Engine // of plans

	running map[watched]*watch // of Start alone
}

// watched is what one reflector follows.
type watched struct {
	schema.GroupVersionResource
	namespace string // empty is all
}

func newKindsOf(client metadata.Interface, discover discovery.DiscoveryInterface, wake func(Sighting), log *slog.Logger) *kinds {
	k := &kinds{client: client, discover: discover, wake: wake, log: log, changed: make(chan struct{}, 1), pace: rate.NewLimiter(rate.Every(lookEvery), lookBurst), custom: map[schema.GroupKind]spec.Engine{}}
	k.unknown.Store(true)
	return k
}

// watch is a running reflector.
type watch struct {
	stop   context.CancelFunc
	done   chan struct{}
	failed atomic.Bool // it was refused, or the server was away
}

// A definition may be told of before its kind is served: it is asked for some more times.
// Where definitions may not be watched, kinds are asked for every now and then.
// A server that does not answer is asked again after longer and longer.
const (
	servedAfter = 2 * time.Second
	servedTries = 5
	unwatched   = 15 * time.Second
	lastUnknown = time.Minute
)

// Definitions that change all the time do not have it ask all the time.
const (
	lookEvery = time.Second
	lookBurst = 20
)

// mostKinds is how many kinds of plans are watched beside the built-in ones. Others are looked at
// when Applications change.
const mostKinds = 32

// add watches a plan's own engines too.
func (k *kinds) add(list []spec.Engine) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range list {
		gk := schema.GroupKind{Group: e.Group, Kind: e.Kind}
		if _, known := k.custom[gk]; known {
			continue
		}
		if len(k.custom) >= mostKinds {
			k.full.Store(true)
			return // who writes plans does not fill the memory
		}
		k.custom[gk] = e
		k.poke()
	}
}

// sees reports whether every kind that there is is watched, so that nothing has to be asked for meanwhile.
func (k *kinds) sees() bool { return !k.unknown.Load() && !k.full.Load() && k.failing.Load() == 0 }

func (k *kinds) poke() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// Start watches until ctx ends, and returns once every watch has ended.
func (k *kinds) Start(ctx context.Context) error {
	k.running = map[watched]*watch{}
	definitions := k.follow(ctx, watched{GroupVersionResource: schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}}, "",
		newSightings(func(s Sighting) bool { return k.defines(s.Name) }, func(Sighting) { k.poke() }))
	defer func() {
		for _, w := range k.running {
			w.end()
		}
		definitions.end()
	}()
	again := time.NewTimer(0)
	defer again.Stop()
	wait := servedAfter
	for tries := 0; ; tries-- {
		select {
		case <-ctx.Done():
			return nil
		case <-k.changed:
			tries = servedTries
		case <-again.C:
		}
		if k.pace.Wait(ctx) != nil {
			return nil // ctx has ended
		}
		missing, unknown := k.sync(ctx)
		k.unknown.Store(unknown)
		switch {
		case unknown:
			again.Reset(wait + rand.N(wait/5+1)) //nolint:gosec // it spreads load, and guards nothing
			wait = min(2*wait, lastUnknown)
			continue
		case missing && tries > 0:
			again.Reset(servedAfter)
		case missing && definitions.failed.Load():
			again.Reset(unwatched)
		}
		wait = servedAfter
	}
}

// defines reports whether a definition may be of a kind that judges: its name ends in its group.
func (k *kinds) defines(name string) bool {
	_, group, _ := strings.Cut(name, ".")
	for _, e := range k.engines() {
		if e.Group == group {
			return true
		}
	}
	return false
}

// sync starts and ends watches as the cluster has kinds, and reports whether some are
// missing, or unknown as the server does not answer.
func (k *kinds) sync(ctx context.Context) (missing, unknown bool) {
	wanted := map[watched]bool{}
	served := map[schema.GroupVersion]*metav1.APIResourceList{}
	for _, e := range k.engines() {
		resource, found, err := k.resource(e, served)
		if err != nil && !apierrors.IsNotFound(err) {
			if ctx.Err() == nil && !unknown {
				k.log.Info("a kind cannot be discovered, and is asked for again", "kind", e.Name, "error", excerpt.Line(err.Error()))
			}
			unknown = true
			var answered apierrors.APIStatus
			if !errors.As(err, &answered) {
				return missing, true // nor can the others
			}
		}
		missing = missing || !found
		if !found || ctx.Err() != nil {
			continue
		}
		for _, namespace := range k.scopes() {
			what := watched{resource, namespace}
			wanted[what] = true
			if _, on := k.running[what]; !on {
				k.running[what] = k.follow(ctx, what, engine.ExperimentLabel, newSightings(nil, k.wake))
				k.log.Info("watching experiments", "resource", resource.GroupResource().String(), "version", resource.Version, "namespace", namespace)
			}
		}
	}
	for what, w := range k.running {
		if !wanted[what] && !unknown && ctx.Err() == nil {
			w.end()
			delete(k.running, what)
			k.log.Info("experiments are not watched any more: their kind is gone", "resource", what.GroupResource().String(), "namespace", what.namespace)
		}
	}
	return missing, unknown
}

// scopes are the namespaces to watch; the empty one is all.
func (k *kinds) scopes() []string {
	if len(k.namespaces) == 0 {
		return []string{metav1.NamespaceAll}
	}
	return k.namespaces
}

// engines are the built-in ones and the plans'.
func (k *kinds) engines() engine.Set {
	k.mu.Lock()
	defer k.mu.Unlock()
	var own []spec.Engine
	for _, e := range k.custom {
		own = append(own, e)
	}
	return engine.With(own)
}

// resource finds the resource by which the cluster serves a kind, in a version that the
// engine reads. What is served is asked for once.
func (k *kinds) resource(e engine.Engine, served map[schema.GroupVersion]*metav1.APIResourceList) (schema.GroupVersionResource, bool, error) {
	versions := e.Versions
	if len(versions) == 0 {
		groups, err := k.discover.ServerGroups()
		if err != nil {
			return schema.GroupVersionResource{}, false, err
		}
		for _, g := range groups.Groups {
			if g.Name == e.Group {
				versions = []string{g.PreferredVersion.Version}
			}
		}
	}
	var failed error
	for _, version := range versions {
		gv := schema.GroupVersion{Group: e.Group, Version: version}
		list := served[gv]
		if list == nil {
			var err error
			if list, err = k.discover.ServerResourcesForGroupVersion(gv.String()); err != nil {
				if !apierrors.IsNotFound(err) {
					return schema.GroupVersionResource{}, false, err
				}
				failed, list = err, &metav1.APIResourceList{}
			}
			served[gv] = list
		}
		for _, r := range list.APIResources {
			if r.Kind == e.Kind && r.Name != "" && !strings.Contains(r.Name, "/") {
				return gv.WithResource(r.Name), true, nil
			}
		}
	}
	return schema.GroupVersionResource{}, false, failed
}

// follow keeps a store up to date with the objects of a resource that have a label. It is a reflector alone:
// an informer would add a queue, an index and buffers, which nobody reads, for each kind and cluster.
func (k *kinds) follow(ctx context.Context, what watched, label string, store cache.ReflectorStore) *watch {
	watching, stop := context.WithCancel(klog.NewContext(ctx, logr.Discard())) // what fails is logged here, once
	w := &watch{stop: stop, done: make(chan struct{})}
	objects := k.client.Resource(what.GroupVersionResource).Namespace(what.namespace)
	reflector := cache.NewReflectorWithOptions(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, opt metav1.ListOptions) (runtime.Object, error) {
			opt.LabelSelector = label
			list, err := objects.List(ctx, opt)
			k.note(ctx, what, w, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, opt metav1.ListOptions) (apiwatch.Interface, error) {
			opt.LabelSelector = label
			changes, err := objects.Watch(ctx, opt)
			k.note(ctx, what, w, err)
			return changes, err
		},
	}, &metav1.PartialObjectMetadata{}, store, cache.ReflectorOptions{Name: what.Resource})
	go func() {
		defer close(w.done)
		reflector.RunWithContext(watching)
		if w.failed.Load() {
			k.failing.Add(-1)
		}
	}()
	return w
}

// note takes how a request of a watch ended. A reflector asks again by itself, after longer and longer.
func (k *kinds) note(ctx context.Context, what watched, w *watch, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil && !w.failed.Swap(true):
		k.failing.Add(1)
		k.log.Warn("a watch failed, and goes on trying", "resource", what.GroupResource().String(), "namespace", what.namespace, "error", excerpt.Line(err.Error()))
	case err == nil && w.failed.Swap(false):
		k.failing.Add(-1)
		k.log.Info("a watch works again", "resource", what.GroupResource().String(), "namespace", what.namespace)
	}
}

// end ends a watch, and waits until it has.
func (w *watch) end() {
	w.stop()
	<-w.done
}
