package shard_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"sync"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// server keeps Leases as an API server does: with resource versions, conflicts and watches.
type server struct {
	mu       sync.Mutex
	version  int
	leases   map[string]*coordination.Lease
	watchers []watcher
	requests int // but lists and watches
}

func newServer() *server { return &server{leases: map[string]*coordination.Lease{}} }

func (s *server) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

var resource = schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}

// watcher is a watch of one replica. What it is not told while the way is cut, it never is.
type watcher struct {
	*watch.RaceFreeFakeWatcher
	api *api
}

// of is the API as one replica reaches it.
func (s *server) of() *api { return &api{server: s} }

// api is the way of one replica to the server, which can be cut.
type api struct {
	coordinationv1.LeaseInterface // for what nobody calls
	server                        *server

	mu  sync.Mutex
	cut bool
}

func (a *api) Leases(string) coordinationv1.LeaseInterface { return a }

// sever lets no request through any more, and tells no watch.
func (a *api) sever(cut bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cut = cut
}

func (a *api) severed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cut
}

var errCut = errors.New("connection refused")

func (a *api) ask(work func(s *server) (*coordination.Lease, error)) (*coordination.Lease, error) {
	if a.severed() {
		return nil, errCut
	}
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	return work(s)
}

func (s *server) put(l *coordination.Lease, event watch.EventType) *coordination.Lease {
	s.version++
	l = l.DeepCopy()
	l.ResourceVersion = strconv.Itoa(s.version)
	s.leases[l.Name] = l
	for _, w := range s.watchers {
		if !w.api.severed() {
			w.Action(event, l.DeepCopy())
		}
	}
	return l.DeepCopy()
}

func (a *api) Get(_ context.Context, name string, _ metav1.GetOptions) (*coordination.Lease, error) {
	return a.ask(func(s *server) (*coordination.Lease, error) {
		l := s.leases[name]
		if l == nil {
			return nil, apierrors.NewNotFound(resource, name)
		}
		return l.DeepCopy(), nil
	})
}

func (a *api) Create(_ context.Context, l *coordination.Lease, _ metav1.CreateOptions) (*coordination.Lease, error) {
	return a.ask(func(s *server) (*coordination.Lease, error) {
		if s.leases[l.Name] != nil {
			return nil, apierrors.NewAlreadyExists(resource, l.Name)
		}
		return s.put(l, watch.Added), nil
	})
}

func (a *api) Update(_ context.Context, l *coordination.Lease, _ metav1.UpdateOptions) (*coordination.Lease, error) {
	return a.ask(func(s *server) (*coordination.Lease, error) {
		switch old := s.leases[l.Name]; {
		case old == nil:
			return nil, apierrors.NewNotFound(resource, l.Name)
		case old.ResourceVersion != l.ResourceVersion:
			return nil, apierrors.NewConflict(resource, l.Name, errors.New("it has changed"))
		}
		return s.put(l, watch.Modified), nil
	})
}

func (a *api) Patch(_ context.Context, name string, _ types.PatchType, data []byte, _ metav1.PatchOptions, _ ...string) (*coordination.Lease, error) {
	var patch coordination.Lease
	if err := json.Unmarshal(data, &patch); err != nil {
		return nil, err
	}
	return a.ask(func(s *server) (*coordination.Lease, error) {
		old := s.leases[name]
		if old == nil {
			return nil, apierrors.NewNotFound(resource, name)
		}
		l := old.DeepCopy()
		if l.Annotations == nil {
			l.Annotations = map[string]string{}
		}
		maps.Copy(l.Annotations, patch.Annotations)
		return s.put(l, watch.Modified), nil
	})
}

func (a *api) List(context.Context, metav1.ListOptions) (*coordination.LeaseList, error) {
	if a.severed() {
		return nil, errCut
	}
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	list := &coordination.LeaseList{ListMeta: metav1.ListMeta{ResourceVersion: strconv.Itoa(s.version)}}
	for _, l := range s.leases {
		list.Items = append(list.Items, *l.DeepCopy())
	}
	return list, nil
}

// Watch begins at the newest version: no test changes a Lease between a list and its watch.
func (a *api) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	w := watch.NewRaceFreeFake()
	s.watchers = append(s.watchers, watcher{w, a})
	return w, nil
}
