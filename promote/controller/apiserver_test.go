package controller

import (
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/assaydev/assay/test/kubefake"
)

// apiServer is an API server whose objects are told by their paths, and which notes what it is asked.
type apiServer struct {
	*kubefake.Server
	t *testing.T

	mu      sync.Mutex
	kinds   map[string]kubefake.Kind // by group and version, and resource
	refused map[string]int           // status by "METHOD path"
	asked   []string                 // "METHOD path", but for watches
	once    map[string]func()        // called before a request that begins so, "METHOD path", is served
}

func newAPIServer(t *testing.T) *apiServer {
	s := &apiServer{Server: api(t), t: t, kinds: map[string]kubefake.Kind{}, refused: map[string]int{}, once: map[string]func(){}}
	s.Withdraw(jobKind)
	s.kinds["apiextensions.k8s.io/v1/customresourcedefinitions"] = definitionKind
	s.Fault(s.meet)
	return s
}

func (s *apiServer) config() *rest.Config {
	return &rest.Config{
		Host: s.URL, TLSClientConfig: rest.TLSClientConfig{CAData: s.CA()}, QPS: -1,
		ContentConfig: rest.ContentConfig{ContentType: "application/json", AcceptContentTypes: "application/json"},
	}
}

// client reads and writes what the promoter does.
func (s *apiServer) client() client.Client {
	s.t.Helper()
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []schema.GroupVersionKind{applicationKind, projectKind, applicationSetKind} {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	for _, kind := range []string{"Secret", "ConfigMap", "Event"} {
		mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: kind}, meta.RESTScopeNamespace)
	}
	c, err := client.New(s.config(), client.Options{Scheme: clientscheme.Scheme, Mapper: mapper})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// serves adds a kind.
func (s *apiServer) serves(version, resource, kind string) {
	gv, err := schema.ParseGroupVersion(version)
	if err != nil {
		s.t.Fatal(err)
	}
	k := kubefake.Kind{Group: gv.Group, Version: gv.Version, Kind: kind, Resource: resource}
	s.kinds[version+"/"+resource] = k
	s.Serve(k)
}

// at is the kind, the namespace and the name of a path, as far as it has them.
func (s *apiServer) at(path string) (k kubefake.Kind, namespace, name string) {
	s.t.Helper()
	rest := strings.TrimPrefix(strings.TrimPrefix(path, "/apis/"), "/api/")
	version, below, namespaced := strings.Cut(rest, "/namespaces/")
	if namespaced {
		namespace, below, _ = strings.Cut(below, "/")
	} else {
		for known := range s.kinds {
			if rest == known || strings.HasPrefix(rest, known+"/") {
				version, _ = cutLast(known)
				below = strings.TrimPrefix(rest, version+"/")
			}
		}
	}
	resource, name, _ := strings.Cut(below, "/")
	k, known := s.kinds[version+"/"+resource]
	if !known {
		s.t.Fatalf("%s is of no kind that is served", path)
	}
	return k, namespace, name
}

func cutLast(path string) (dir, name string) {
	i := strings.LastIndex(path, "/")
	return path[:max(i, 0)], path[i+1:]
}

// put makes or replaces an object, and tells who watches.
func (s *apiServer) put(path string, object map[string]any) {
	s.t.Helper()
	k, _, _ := s.at(path)
	if err := s.Put(k, object); err != nil {
		s.t.Fatal(err)
	}
}

// remove takes an object away.
func (s *apiServer) remove(path string) { s.Delete(s.at(path)) }

// object is one as it is now; nil where it is not there.
func (s *apiServer) object(path string) map[string]any { return s.Object(s.at(path)) }

// count is how many objects a list has.
func (s *apiServer) count(path string) int {
	k, _, _ := s.at(path)
	return s.Count(k)
}

// requests are those that were made, less watches.
func (s *apiServer) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// refuses answers requests with a status.
func (s *apiServer) refuses(method, path string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[method+" "+path] = status
}

// happens has something happen before the next request that begins so is served.
func (s *apiServer) happens(request string, meanwhile func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.once[request] = meanwhile
}

// meet sees each request before it is served.
func (s *apiServer) meet(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Query().Get("watch") != "" {
		return false
	}
	request := r.Method + " " + r.URL.Path
	s.mu.Lock()
	s.asked = append(s.asked, request)
	status := s.refused[request]
	var meanwhile func()
	for prefix, f := range s.once {
		if strings.HasPrefix(request, prefix) {
			meanwhile = f
			delete(s.once, prefix)
		}
	}
	s.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return status != 0 && kubefake.Refuse(status)(w, r)
}

// until waits for a condition.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !met(); <-tick.C {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("it is not so after a minute: %s\n%s", what, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
