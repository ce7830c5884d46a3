// Package fleet is the clusters that Applications deploy to: the one that Argo CD runs in, and those of its
// cluster Secrets.
//
//	cluster Secrets ──► set ──┐
//	                          ├──► settle ──► members: connections, and a watch of each kind that judges
//	Applications ──► targets ─┘
//
// In order:
//
//  1. A cluster has connections only while an Application that uses the plugin deploys to it (fleet.go), with
//     the login of its Secret (connect.go).
//  2. Of each kind that judges there is one watch of metadata, while the cluster has the kind (kinds.go), which
//     tells of objects that are new, changed or gone (sightings.go).
//  3. Locate gives the cluster that an Application names, to ask for objects. One that does not answer is left
//     alone for a while (outage.go).
//
// What is wrong with a cluster or its Secret is told where it is located, and concerns no other.
package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/clustersecret"
	"github.com/assaydev/assay/internal/outage"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// Options say which clusters there may be, and who is told.
type Options struct {
	// Programs are those that cluster Secrets may have run for a login.
	Programs clustersecret.Programs
	// Proxy is how clusters are reached whose Secret says nothing of it; nil is directly.
	Proxy func(*http.Request) (*url.URL, error)
	Limit time.Duration // of a request to a cluster of a Secret; zero is 15 seconds

	Targets func() []application.Target                // that Applications deploy to
	Wake    func(application.Target)                   // is told where a Secret changes what is deployed there
	Seen    func(at application.Target, what Sighting) // is told of objects that judge

	Log *slog.Logger
}

// seen tells of objects of one cluster.
func (o Options) seen(at application.Target) func(Sighting) {
	return func(what Sighting) { o.Seen(at, what) }
}

// Fleet is the clusters that Applications deploy to.
type Fleet struct {
	opt Options
	own *member

	secrets cache.SharedInformer
	synced  cache.InformerSynced // the set has what there was at the start
	changed chan struct{}        // of capacity 1: members are to be looked at

	mu      sync.Mutex
	set     clustersecret.Set
	members map[string]*member // by server, less the own one
	ended   []*member          // to be closed
}

// member is a cluster that is connected.
type member struct {
	cluster *clustersecret.Cluster // as the set had it when it was connected
	list    promote.List
	schemas promote.Schemas
	now     func() time.Time // by its clock
	kinds   *kinds
	close   func() // ends its connections
	outage  *outage.Memory

	stop context.CancelFunc // nil before it is watched
	done chan struct{}
}

// Location is where an Application deploys to, as the fleet has it. The functions are nil where
// Err says why it cannot be asked.
type Location struct {
	application.Cluster
	Err error

	List    promote.List
	Schemas promote.Schemas
	Now     func() time.Time     // by its clock
	Again   func() time.Duration // when to look again; zero while it answers
	Engines func([]spec.Engine)  // has kinds of plans watched, too
	Sees    func() bool          // whether all that changes there is told
}

// New prepares one. Argo CD's own cluster has the configuration, the client and the objects, and in the
// namespace the cluster Secrets. Nothing is sent before Start.
func New(config *rest.Config, client *http.Client, objects *cluster.Client, namespace string, opt Options) (*Fleet, error) {
	core, err := corev1client.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	own := &member{list: objects.List, schemas: objects.OpenAPI, now: objects.Now, outage: outage.New(cluster.IsUnavailable)}
	if own.kinds, err = newKinds(config, client, opt.seen(application.Target{Server: application.InCluster}), opt.Log); err != nil {
		return nil, err
	}
	f := &Fleet{opt: opt, own: own, secrets: clusterSecrets(core, namespace), changed: make(chan struct{}, 1), members: map[string]*member{}}
	handled, err := f.secrets.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { f.put(o) },
		UpdateFunc: func(before, after any) {
			if a, b := asSecret(before), asSecret(after); !reflect.DeepEqual(a.Data, b.Data) {
				f.put(after)
			}
		},
		DeleteFunc: f.gone,
	})
	if err != nil {
		return nil, err
	}
	f.synced = handled.HasSynced
	return f, nil
}

// Synced waits until all cluster Secrets are known.
func (f *Fleet) Synced(ctx context.Context) bool { return cache.WaitForCacheSync(ctx.Done(), f.synced) }

func asSecret(o any) *corev1.Secret {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	if s, ok := o.(*corev1.Secret); ok {
		return s
	}
	return &corev1.Secret{}
}

// put takes a cluster Secret that is new or has changed.
func (f *Fleet) put(o any) {
	s := asSecret(o)
	c, err := clustersecret.Read(s.Name, s.Data, f.opt.Programs)
	if err != nil {
		f.opt.Log.Warn("a cluster Secret cannot be used", "secret", s.Name, "cluster", c.Name, "error", err.Error())
	}
	f.mu.Lock()
	before := f.set.Remove(s.Name)
	f.set.Put(c, err)
	concerned := f.set.Same(c)
	f.mu.Unlock()
	f.tell(append(concerned, c, before))
}

func (f *Fleet) gone(o any) {
	f.mu.Lock()
	before := f.set.Remove(asSecret(o).Name)
	var concerned []*clustersecret.Cluster
	if before != nil {
		concerned = f.set.Same(before)
	}
	f.mu.Unlock()
	f.tell(append(concerned, before))
}

// tell has the environments of clusters looked at.
func (f *Fleet) tell(list []*clustersecret.Cluster) {
	f.Poke()
	for _, c := range list {
		if c != nil {
			f.opt.Wake(application.Target{Server: c.Server, Name: c.Name})
		}
	}
}

// Poke has it looked at which clusters Applications deploy to by now.
func (f *Fleet) Poke() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// endLimit is how long the end of members is waited for when all of them end: a program that gives a login may
// hang, whatever it is told.
const endLimit = 10 * time.Second

// Start follows the Secrets and keeps the members until ctx ends, and returns when nothing runs any more that
// ends in time. A member that does not end keeps no other back.
func (f *Fleet) Start(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { f.secrets.RunWithContext(ctx) })
	f.own.start(ctx)
	for {
		for _, m := range f.settle(ctx) {
			running.Go(m.end)
		}
		select {
		case <-ctx.Done():
			f.mu.Lock()
			for server := range f.members {
				f.drop(server)
			}
			ended := f.ended
			f.mu.Unlock()
			for _, m := range append(ended, f.own) {
				running.Go(m.end)
			}
			if !within(endLimit, running.Wait) {
				f.opt.Log.Warn("a connection to a cluster does not end: the program that gives its login may hang")
			}
			return nil
		case <-f.changed:
		}
	}
}

// within reports whether something returns in time.
func within(limit time.Duration, wait func()) bool {
	done := make(chan struct{})
	go func() {
		wait()
		close(done)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// settle connects the clusters that Applications deploy to, and gives those that are to be ended.
func (f *Fleet) settle(ctx context.Context) []*member {
	targets := f.opt.Targets()
	f.mu.Lock()
	defer f.mu.Unlock()
	wanted := map[string]bool{}
	for _, t := range targets {
		c, err := f.set.Find(t)
		if err != nil || c.Own() {
			continue // looking at the Application tells
		}
		if m, err := f.member(c); err == nil {
			wanted[c.Server] = true
			m.start(ctx)
		}
	}
	for server := range f.members {
		if !wanted[server] {
			f.drop(server)
		}
	}
	ended := f.ended
	f.ended = nil
	return ended
}

// drop has a member ended. The lock is held.
func (f *Fleet) drop(server string) {
	f.ended = append(f.ended, f.members[server])
	delete(f.members, server)
}

// member is the connected cluster of a Secret, as the Secret is now. The lock is held.
func (f *Fleet) member(c *clustersecret.Cluster) (*member, error) {
	m, found := f.members[c.Server]
	if found && m.cluster == c {
		return m, nil
	}
	if found {
		f.drop(c.Server)
		f.Poke()
	}
	m, err := f.opt.connect(c)
	if err != nil {
		return nil, err
	}
	f.members[c.Server] = m
	return m, nil
}

// Locate finds the cluster that an Application names.
func (f *Fleet) Locate(t application.Target) Location {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.set.Find(t)
	if c == nil {
		return Location{Cluster: application.Cluster{Target: t, Missing: true}, Err: err}
	}
	at := Location{Cluster: application.Cluster{Target: application.Target{Server: c.Server, Name: c.Name}, Scope: c.Project, Missing: c.Server == ""}, Err: err}
	if err != nil {
		return at
	}
	m := f.own
	if !c.Own() {
		if m, at.Err = f.member(c); at.Err != nil {
			return at
		}
	}
	at.Now, at.Engines, at.Sees = m.now, m.kinds.add, m.kinds.sees
	at.Again = func() time.Duration { return again(m.outage) }
	at.List = func(ctx context.Context, kind schema.GroupVersionKind, namespace, selector string) ([]*unstructured.Unstructured, error) {
		if len(c.Namespaces) > 0 && !slices.Contains(c.Namespaces, namespace) {
			return nil, fmt.Errorf("%s is not for the namespace %s (field namespaces of the Secret)", c, namespace)
		}
		return ask(ctx, m.outage, func(ctx context.Context) ([]*unstructured.Unstructured, error) {
			return m.list(ctx, kind, namespace, selector)
		})
	}
	at.Schemas = func(ctx context.Context, version schema.GroupVersion) ([]byte, error) {
		return ask(ctx, m.outage, func(ctx context.Context) ([]byte, error) { return m.schemas(ctx, version) })
	}
	return at
}

// Known is a target with both of its halves, as far as they are known.
func (f *Fleet) Known(t application.Target) application.Target {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, _ := f.set.Find(t); c != nil {
		return application.Target{Server: c.Server, Name: c.Name}
	}
	return t
}

// start watches a member until ctx ends, or end is called. Once is enough.
func (m *member) start(ctx context.Context) {
	if m.stop != nil {
		return
	}
	watching, stop := context.WithCancel(ctx)
	m.stop, m.done = stop, make(chan struct{})
	go func() {
		defer close(m.done)
		_ = m.kinds.Start(watching) // it ends with its context
	}()
}

// end ends what watches a member, waits for it, and closes its connections.
func (m *member) end() {
	if m.stop != nil {
		m.stop()
		<-m.done
	}
	if m.close != nil {
		m.close()
	}
}
