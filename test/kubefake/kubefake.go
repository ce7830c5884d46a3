// Package kubefake is a Kubernetes API server for tests, as far as a client that reads can tell: it holds
// objects, lists them in pages, sends watches what changes, and says which kinds there are. It counts
// requests, and fails where a test wants it to.
//
//  1. Serve adds a kind, Withdraw takes it away.
//  2. Put and Delete change objects; each change gets a version, and watches are told (watch.go).
//  3. Requests counts, Fault breaks.
//
// One server may stand for several clusters: below /clusters/NAME, it answers as at its root.
//
// As kube-apiserver does, it ignores the size of a page where any version will do, sends metadata alone to
// who asks for it, patches by merging, and refuses what is there already, or is of another version by now.
package kubefake

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/labels"
)

// Kind is one that the server serves.
type Kind struct {
	Group, Version, Kind, Resource string
	Cluster                        bool // it has no namespaces
}

func (k Kind) path() string {
	if k.Group == "" {
		return "/api/" + k.Version
	}
	return "/apis/" + k.Group + "/" + k.Version
}

func (k Kind) apiVersion() string { return strings.TrimPrefix(k.Group+"/"+k.Version, "/") }

// Server is running.
type Server struct {
	*httptest.Server

	mu       sync.Mutex
	changed  *sync.Cond
	kinds    map[string]Kind // by path and resource
	objects  map[string]map[string]object
	version  int
	log      []change // the newest
	fault    func(http.ResponseWriter, *http.Request) bool
	requests map[string]int
	watching map[string]int // by resource
	largest  int

	open atomic.Int64 // connections
}

type object struct {
	namespace, name string
	labels          labels.Set
	whole, meta     json.RawMessage
	version         int
}

// uid is the one that it has.
func (o object) uid() any {
	var whole struct{ Metadata struct{ UID any } }
	_ = json.Unmarshal(o.whole, &whole)
	return whole.Metadata.UID
}

// change is what happened to an object.
type change struct {
	resource, event string
	object          object
}

// Start starts a server with TLS, which has no kind yet.
func Start() *Server {
	s := &Server{kinds: map[string]Kind{}, objects: map[string]map[string]object{}, requests: map[string]int{}, watching: map[string]int{}, version: 1}
	s.changed = sync.NewCond(&s.mu)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			s.open.Add(-1)
		}
	}
	s.EnableHTTP2 = true
	s.StartTLS()
	return s
}

// CA is the certificate to trust, in PEM.
func (s *Server) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// Stop ends it, and all watches.
func (s *Server) Stop() {
	s.CloseClientConnections()
	s.Close()
}

// Serve adds a kind.
func (s *Server) Serve(kinds ...Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range kinds {
		s.kinds[k.path()+"/"+k.Resource] = k
	}
}

// Withdraw takes a kind away, with its objects.
func (s *Server) Withdraw(k Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := k.path() + "/" + k.Resource
	delete(s.kinds, key)
	delete(s.objects, key)
	s.changed.Broadcast()
}

// Fault has every request asked first; one that it answers goes no further. Nil ends that.
func (s *Server) Fault(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Requests counts what was asked since the last call, by verb and resource.
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counted := s.requests
	s.requests = map[string]int{}
	return counted
}

// Watches is how many are open.
func (s *Server) Watches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, of := range s.watching {
		n += of
	}
	return n
}

// WatchesOf is how many are open of a resource.
func (s *Server) WatchesOf(resource string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watching[resource]
}

// Object is one as it is now; nil where it is not there.
func (s *Server) Object(k Kind, namespace, name string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, found := s.objects[k.path()+"/"+k.Resource][namespace+"/"+name]
	if !found {
		return nil
	}
	var whole map[string]any
	_ = json.Unmarshal(o.whole, &whole)
	return whole
}

// Count is how many objects there are of a kind.
func (s *Server) Count(k Kind) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.objects[k.path()+"/"+k.Resource])
}

// Connections is how many are open.
func (s *Server) Connections() int { return int(s.open.Load()) }

// LargestPage is the most items that one list held.
func (s *Server) LargestPage() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.largest
}

// Put adds or replaces an object.
func (s *Server) Put(k Kind, o map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(k, o)
}

func (s *Server) put(k Kind, o map[string]any) error {
	out, err := s.encode(k, o)
	if err != nil {
		return err
	}
	key, id := k.path()+"/"+k.Resource, out.namespace+"/"+out.name
	if s.objects[key] == nil {
		s.objects[key] = map[string]object{}
	}
	event := "ADDED"
	if _, found := s.objects[key][id]; found {
		event = "MODIFIED"
	}
	s.objects[key][id] = out
	s.tell(change{key, event, out})
	return nil
}

// encode is an object with the next version.
func (s *Server) encode(k Kind, o map[string]any) (object, error) {
	meta, _ := o["metadata"].(map[string]any)
	if meta == nil {
		return object{}, fmt.Errorf("an object of %s without metadata", k.Resource)
	}
	s.version++
	meta["resourceVersion"] = strconv.Itoa(s.version)
	o["apiVersion"], o["kind"] = k.apiVersion(), k.Kind
	var err error
	out := object{labels: labels.Set{}, version: s.version}
	out.namespace, _ = meta["namespace"].(string)
	out.name, _ = meta["name"].(string)
	if given, ok := meta["labels"].(map[string]any); ok {
		for name, value := range given {
			out.labels[name] = fmt.Sprint(value)
		}
	}
	if meta["uid"] == nil {
		meta["uid"] = k.Resource + "-" + out.namespace + "-" + out.name
	}
	if out.whole, err = json.Marshal(o); err != nil {
		return object{}, err
	}
	if out.meta, err = json.Marshal(map[string]any{"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": meta}); err != nil {
		return object{}, err
	}
	return out, nil
}

// Delete removes an object.
func (s *Server) Delete(k Kind, namespace, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, id := k.path()+"/"+k.Resource, namespace+"/"+name
	o, found := s.objects[key][id]
	if !found {
		return
	}
	delete(s.objects[key], id)
	var whole map[string]any
	_ = json.Unmarshal(o.whole, &whole)
	o, _ = s.encode(k, whole)
	s.tell(change{key, "DELETED", o})
}
