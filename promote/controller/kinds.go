package controller

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/spec"
)

// kinds watches the objects of every engine that the cluster has a kind for, by their
// metadata alone. A kind that is not there is waited for: its CustomResourceDefinition
// is watched as well.
type kinds struct {
	client   metadata.Interface
	discover discovery.DiscoveryInterface
	wake     func(*metav1.PartialObjectMetadata)
	log      *slog.Logger

	changed chan struct{} // of capacity 1: what is watched is to be looked at

	mu     sync.Mutex
	custom map[schema.GroupKind]spec.Engine // of plans

	running map[schema.GroupVersionResource]*watch // of Start alone
}

// watch is a running informer.
type watch struct {
	stop   context.CancelFunc
	done   chan struct{}
	failed atomic.Bool // it was refused, or the server was away
}

// A definition may be told of before its kind is served: it is asked for some more times.
// Where definitions may not be watched, kinds are asked for every now and then.
const (
	servedAfter = 2 * time.Second
	servedTries = 5
	unwatched   = 15 * time.Second
)

// mostKinds is how many kinds of plans are watched beside the built-in ones. Others are looked at
// when Applications change.
const mostKinds = 32

// add watches a plan's own engines too.
func (k *kinds) add(list []spec.Engine) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range list {
		if len(k.custom) >= mostKinds {
			return // who writes plans does not fill the memory
		}
		gk := schema.GroupKind{Group: e.Group, Kind: e.Kind}
		if _, known := k.custom[gk]; !known {
			k.custom[gk] = e
			k.poke()
		}
	}
}

func (k *kinds) poke() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// Start watches until ctx ends, and returns once every watch has ended.
func (k *kinds) Start(ctx context.Context) error {
	k.running = map[schema.GroupVersionResource]*watch{}
	definitions := k.follow(ctx, schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}, "", "",
		func(*metav1.PartialObjectMetadata) { k.poke() })
	defer func() {
		for _, w := range k.running {
			w.end()
		}
		definitions.end()
	}()
	again := time.NewTimer(0)
	defer again.Stop()
	for tries := servedTries; ; tries-- {
		select {
		case <-ctx.Done():
			return nil
		case <-k.changed:
			tries = servedTries
		case <-again.C:
		}
		missing, unknown := k.sync(ctx)
		switch {
		case unknown || missing && tries > 0:
			again.Reset(servedAfter)
		case missing && definitions.failed.Load():
			again.Reset(unwatched)
		}
	}
}

// sync starts and ends watches as the cluster has kinds, and reports whether some are
// missing, or unknown as the server does not answer.
func (k *kinds) sync(ctx context.Context) (missing, unknown bool) {
	wanted := map[schema.GroupVersionResource]bool{}
	for _, e := range k.engines() {
		resource, found, err := k.resource(e)
		if err != nil && !apierrors.IsNotFound(err) {
			k.log.Info("a kind cannot be discovered, and is asked for again", "kind", e.Name, "error", err.Error())
			unknown = true
		}
		if found {
			wanted[resource] = true
		} else {
			missing = true
		}
		if _, on := k.running[resource]; found && !on && ctx.Err() == nil {
			k.running[resource] = k.follow(ctx, resource, metav1.NamespaceAll, engine.ExperimentLabel, k.wake)
			k.log.Info("watching experiments", "resource", resource.GroupResource().String(), "version", resource.Version)
		}
	}
	for resource, w := range k.running {
		if !wanted[resource] && !unknown {
			w.end()
			delete(k.running, resource)
			k.log.Info("experiments are not watched any more: their kind is gone", "resource", resource.GroupResource().String())
		}
	}
	return missing, unknown
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
// engine reads.
func (k *kinds) resource(e engine.Engine) (schema.GroupVersionResource, bool, error) {
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
		list, err := k.discover.ServerResourcesForGroupVersion(gv.String())
		if err != nil {
			failed = err // not installed, as a rule
			continue
		}
		for _, r := range list.APIResources {
			if r.Kind == e.Kind && r.Name != "" && !strings.Contains(r.Name, "/") {
				return gv.WithResource(r.Name), true, nil
			}
		}
	}
	return schema.GroupVersionResource{}, false, failed
}

// follow runs an informer for objects of a resource with a label. Each object is told when it
// is first seen, when it changes, and when it goes.
func (k *kinds) follow(ctx context.Context, resource schema.GroupVersionResource, namespace, label string, tell func(*metav1.PartialObjectMetadata)) *watch {
	informer := metadatainformer.NewFilteredMetadataInformer(k.client, resource, namespace, 0, cache.Indexers{}, func(opt *metav1.ListOptions) { opt.LabelSelector = label }).Informer()
	watching, stop := context.WithCancel(ctx)
	w := &watch{stop: stop, done: make(chan struct{})}
	_ = informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		if watching.Err() == nil && !w.failed.Swap(true) { // an informer tries again by itself, after longer and longer
			k.log.Warn("a watch failed, and goes on trying", "resource", resource.GroupResource().String(), "error", err.Error())
		}
	})
	_ = informer.SetTransform(slimMetadata)
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { tellOf(o, tell) },
		UpdateFunc: func(_, o any) { tellOf(o, tell) },
		DeleteFunc: func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			tellOf(o, tell)
		},
	})
	go func() {
		defer close(w.done)
		informer.RunWithContext(watching)
	}()
	return w
}

// end ends a watch, and waits until it has.
func (w *watch) end() {
	w.stop()
	<-w.done
}

func tellOf(o any, tell func(*metav1.PartialObjectMetadata)) {
	if m, ok := o.(*metav1.PartialObjectMetadata); ok {
		tell(m)
	}
}

// slimMetadata drops what nobody reads.
func slimMetadata(o any) (any, error) {
	if m, ok := o.(*metav1.PartialObjectMetadata); ok {
		m.ManagedFields, m.OwnerReferences, m.Finalizers = nil, nil, nil
	}
	return o, nil
}
