package controller

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/clustersecret"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// fleet is the clusters that Applications deploy to: the one that Argo CD runs in, and those of its
// cluster Secrets.
//
//	cluster Secrets ──► set ──┐
//	                          ├──► settle ──► members: connections, and a watch of each kind that judges
//	Applications ──► targets ─┘
//
// A cluster has connections only while an Application that uses the plugin deploys to it. What is wrong
// with a cluster or its Secret is told where such an Application is looked at, and concerns no other.
type fleet struct {
	own      *member
	programs clustersecret.Programs
	connect  func(*clustersecret.Cluster) (*member, error)
	targets  func() []application.Target // that Applications deploy to
	wake     func(application.Target)    // has what is deployed there looked at
	log      *slog.Logger

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
	now     func() time.Time // by its clock
	kinds   *kinds
	close   func() // ends its connections
	outage  outage

	stop context.CancelFunc // nil before it is watched
	done chan struct{}
}

// location is where an Application deploys to, as the fleet has it. The functions are nil where
// err says why it cannot be asked.
type location struct {
	application.Cluster
	err error

	list    promote.List
	now     func() time.Time     // by its clock
	again   func() time.Duration // when to look again; zero while it answers
	engines func([]spec.Engine)  // has kinds of plans watched, too
	sees    func() bool          // whether all that changes there is told
}

// newFleet prepares one. The informer is of the cluster Secrets.
func newFleet(own *member, secrets cache.SharedInformer, programs clustersecret.Programs, log *slog.Logger) (*fleet, error) {
	f := &fleet{own: own, programs: programs, secrets: secrets, log: log, changed: make(chan struct{}, 1), members: map[string]*member{}}
	handled, err := secrets.AddEventHandler(cache.ResourceEventHandlerFuncs{
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
func (f *fleet) put(o any) {
	s := asSecret(o)
	c, err := clustersecret.Read(s.Name, s.Data, f.programs)
	if err != nil {
		f.log.Warn("a cluster Secret cannot be used", "secret", s.Name, "cluster", c.Name, "error", err.Error())
	}
	f.mu.Lock()
	before := f.set.Remove(s.Name)
	f.set.Put(c, err)
	concerned := f.set.Same(c)
	f.mu.Unlock()
	f.tell(append(concerned, c, before))
}

func (f *fleet) gone(o any) {
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
func (f *fleet) tell(list []*clustersecret.Cluster) {
	f.poke()
	for _, c := range list {
		if c != nil {
			f.wake(application.Target{Server: c.Server, Name: c.Name})
		}
	}
}

// poke has the members looked at.
func (f *fleet) poke() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// Start follows the Secrets and keeps the members until ctx ends, and returns when nothing runs any more.
func (f *fleet) Start(ctx context.Context) error {
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		f.secrets.RunWithContext(ctx)
	}()
	f.own.start(ctx)
	for {
		for _, m := range f.settle(ctx) {
			m.end()
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
				m.end()
			}
			<-followed
			return nil
		case <-f.changed:
		}
	}
}

// settle connects the clusters that Applications deploy to, and gives those that are to be ended.
func (f *fleet) settle(ctx context.Context) []*member {
	targets := f.targets()
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
func (f *fleet) drop(server string) {
	f.ended = append(f.ended, f.members[server])
	delete(f.members, server)
}

// member is the connected cluster of a Secret, as the Secret is now. The lock is held.
func (f *fleet) member(c *clustersecret.Cluster) (*member, error) {
	m, found := f.members[c.Server]
	if found && m.cluster == c {
		return m, nil
	}
	if found {
		f.drop(c.Server)
		f.poke()
	}
	m, err := f.connect(c)
	if err != nil {
		return nil, err
	}
	f.members[c.Server] = m
	return m, nil
}

// locate finds the cluster that an Application names.
func (f *fleet) locate(t application.Target) location {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.set.Find(t)
	if c == nil {
		return location{Cluster: application.Cluster{Target: t, Missing: true}, err: err}
	}
	at := location{Cluster: application.Cluster{Target: application.Target{Server: c.Server, Name: c.Name}, Scope: c.Project, Missing: c.Server == ""}, err: err}
	if err != nil {
		return at
	}
	m := f.own
	if !c.Own() {
		if m, at.err = f.member(c); at.err != nil {
			return at
		}
	}
	at.now, at.again, at.engines, at.sees = m.now, m.outage.again, m.kinds.add, m.kinds.sees
	at.list = func(ctx context.Context, kind schema.GroupVersionKind, namespace, selector string) ([]*unstructured.Unstructured, error) {
		if len(c.Namespaces) > 0 && !slices.Contains(c.Namespaces, namespace) {
			return nil, fmt.Errorf("%s is not for the namespace %s (field namespaces of the Secret)", c, namespace)
		}
		return ask(ctx, &m.outage, func(ctx context.Context) ([]*unstructured.Unstructured, error) {
			return m.list(ctx, kind, namespace, selector)
		})
	}
	return at
}

// known is a target with both of its halves, as far as they are known.
func (f *fleet) known(t application.Target) application.Target {
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
