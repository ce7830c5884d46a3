package controller

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// apiServer is as much of an API server as the promoter asks: discovery, and objects that are
// read, listed, watched, made and patched.
type apiServer struct {
	t      *testing.T
	server *httptest.Server

	mu       sync.Mutex
	kinds    map[string]map[string]string    // by group and version: the kinds of resources
	objects  map[string]map[string]any       // by path
	watching map[string]map[chan []byte]bool // by the path of a list
	refused  map[string]int                  // status by "METHOD path"
	asked    []string                        // "METHOD path", but for watches
	once     map[string]func()               // called before a request that begins so, "METHOD path", is served
	version  int
}

func newAPIServer(t *testing.T) *apiServer {
	s := &apiServer{
		t: t, kinds: map[string]map[string]string{}, objects: map[string]map[string]any{}, watching: map[string]map[chan []byte]bool{}, refused: map[string]int{}, once: map[string]func(){},
	}
	s.serves("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition")
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	t.Cleanup(s.server.CloseClientConnections)
	return s
}

func (s *apiServer) config() *rest.Config {
	return &rest.Config{Host: s.server.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json", AcceptContentTypes: "application/json"}}
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kinds[version] == nil {
		s.kinds[version] = map[string]string{}
	}
	s.kinds[version][resource] = kind
}

// drops takes the kinds of a group and version away.
func (s *apiServer) drops(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kinds, version)
}

// put makes or replaces an object, and tells who watches.
func (s *apiServer) put(path string, object map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store(path, object)
}

func (s *apiServer) store(path string, object map[string]any) {
	s.version++
	about, _ := object["metadata"].(map[string]any)
	about["resourceVersion"] = fmt.Sprint(s.version)
	event := "MODIFIED"
	if s.objects[path] == nil {
		event = "ADDED"
	}
	s.objects[path] = object
	s.tell(event, path, object)
}

// remove takes an object away.
func (s *apiServer) remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	object := s.objects[path]
	delete(s.objects, path)
	s.tell("DELETED", path, object)
}

func (s *apiServer) tell(event, path string, object map[string]any) {
	data, err := json.Marshal(map[string]any{"type": event, "object": partial(object)})
	if err != nil {
		s.t.Error(err)
	}
	for list, watches := range s.watching {
		for ch := range watches {
			if in(list, path) {
				ch <- data
			}
		}
	}
}

// in reports whether an object is in a list: of its namespace, or of all.
func in(list, path string) bool {
	dir, _ := cutLast(path)
	all := dir
	if before, rest, found := strings.Cut(dir, "/namespaces/"); found {
		_, resource, _ := strings.Cut(rest, "/")
		all = before + "/" + resource
	}
	return list == dir || list == all
}

func cutLast(path string) (dir, name string) {
	i := strings.LastIndex(path, "/")
	return path[:max(i, 0)], path[i+1:]
}

// open is how many watch a list.
func (s *apiServer) open(list string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.watching[list])
}

// requests are those that were made, less watches.
func (s *apiServer) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// count is how many objects there are whose path begins so.
func (s *apiServer) count(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path := range s.objects {
		if strings.HasPrefix(path, prefix) {
			n++
		}
	}
	return n
}

// object is one as it is now; nil where it is not there.
func (s *apiServer) object(path string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.objects[path])
}

// refuses answers requests with a status.
func (s *apiServer) refuses(method, path string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[method+" "+path] = status
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("watch") != "" {
		s.watch(w, r)
		return
	}
	request := r.Method + " " + r.URL.Path
	s.interrupt(request)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, request)
	if status := s.refused[request]; status != 0 {
		answerStatus(w, status)
		return
	}
	switch r.Method {
	case http.MethodGet:
		s.get(w, r)
	case http.MethodPost:
		s.post(w, r)
	case http.MethodPatch:
		s.patch(w, r)
	default:
		answerStatus(w, http.StatusMethodNotAllowed)
	}
}

// interrupt has something happen between two requests.
func (s *apiServer) interrupt(request string) {
	var meanwhile func()
	s.mu.Lock()
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
}

// happens has something happen before the next request that begins so is served.
func (s *apiServer) happens(request string, meanwhile func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.once[request] = meanwhile
}

func (s *apiServer) get(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	version := strings.TrimPrefix(strings.TrimPrefix(path, "/apis/"), "/api/")
	switch {
	case path == "/api":
		answer(w, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions", APIVersion: "v1"}, Versions: []string{"v1"}})
	case path == "/apis":
		list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
		for text := range s.kinds {
			group, version, _ := strings.Cut(text, "/")
			at := metav1.GroupVersionForDiscovery{GroupVersion: text, Version: version}
			list.Groups = append(list.Groups, metav1.APIGroup{Name: group, Versions: []metav1.GroupVersionForDiscovery{at}, PreferredVersion: at})
		}
		answer(w, list)
	case s.objects[path] != nil:
		answer(w, s.objects[path])
	case s.kinds[version] != nil:
		list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: version}
		for resource, kind := range s.kinds[version] {
			list.APIResources = append(list.APIResources, metav1.APIResource{Name: resource, Kind: kind, Namespaced: true, Verbs: []string{"list", "watch"}})
		}
		answer(w, list)
	default:
		s.list(w, r)
	}
}

// list answers with the objects in a path. A single object that is not there is an error.
func (s *apiServer) list(w http.ResponseWriter, r *http.Request) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		answerStatus(w, http.StatusBadRequest)
		return
	}
	metadata := strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList")
	items := []any{}
	for path, object := range s.objects {
		if !in(r.URL.Path, path) || !selector.Matches(labelsOf(object)) {
			continue
		}
		if metadata {
			object = partial(object)
		}
		items = append(items, object)
	}
	dir, resource := cutLast(r.URL.Path)
	version := strings.TrimPrefix(strings.TrimPrefix(dir, "/apis/"), "/api/")
	if before, _, namespaced := strings.Cut(version, "/namespaces/"); namespaced {
		version = before
	}
	kind := s.kinds[version][resource]
	if kind == "" {
		answerStatus(w, http.StatusNotFound)
		return
	}
	if metadata {
		kind, version = "PartialObjectMetadata", "meta.k8s.io/v1"
	}
	answer(w, map[string]any{"kind": kind + "List", "apiVersion": version, "metadata": map[string]any{"resourceVersion": fmt.Sprint(s.version)}, "items": items})
}

func (s *apiServer) post(w http.ResponseWriter, r *http.Request) {
	var object map[string]any
	if err := json.NewDecoder(r.Body).Decode(&object); err != nil {
		answerStatus(w, http.StatusBadRequest)
		return
	}
	about, _ := object["metadata"].(map[string]any)
	path := fmt.Sprint(r.URL.Path, "/", about["name"])
	if s.objects[path] != nil {
		answerStatus(w, http.StatusConflict, metav1.StatusReasonAlreadyExists)
		return
	}
	s.store(path, object)
	answer(w, object)
}

func (s *apiServer) patch(w http.ResponseWriter, r *http.Request) {
	var patch map[string]any
	data, _ := io.ReadAll(r.Body)
	object := s.objects[r.URL.Path]
	switch err := json.Unmarshal(data, &patch); {
	case err != nil || r.Header.Get("Content-Type") != "application/merge-patch+json":
		answerStatus(w, http.StatusBadRequest)
		return
	case object == nil:
		answerStatus(w, http.StatusNotFound)
		return
	}
	about, _ := patch["metadata"].(map[string]any)
	now, _ := object["metadata"].(map[string]any)
	if v := about["resourceVersion"]; v != nil && v != now["resourceVersion"] {
		answerStatus(w, http.StatusConflict)
		return
	}
	merge(object, patch)
	s.store(r.URL.Path, object)
	answer(w, object)
}

// merge is a JSON merge patch.
func merge(object, patch map[string]any) {
	for name, value := range patch {
		inner, isMap := value.(map[string]any)
		switch {
		case value == nil:
			delete(object, name)
		case isMap:
			of, _ := object[name].(map[string]any)
			if of == nil {
				of = map[string]any{}
				object[name] = of
			}
			merge(of, inner)
		default:
			object[name] = value
		}
	}
}

// watch sends events until the client leaves.
func (s *apiServer) watch(w http.ResponseWriter, r *http.Request) {
	ch := make(chan []byte, 100)
	s.mu.Lock()
	if status := s.refused["WATCH "+r.URL.Path]; status != 0 {
		s.mu.Unlock()
		answerStatus(w, status)
		return
	}
	if s.watching[r.URL.Path] == nil {
		s.watching[r.URL.Path] = map[chan []byte]bool{}
	}
	s.watching[r.URL.Path][ch] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.watching[r.URL.Path], ch)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "application/json")
	for {
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case data := <-ch:
			_, _ = w.Write(data)
		}
	}
}

// partial is the metadata of an object, as a watch of metadata gets it.
func partial(object map[string]any) map[string]any {
	return map[string]any{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]}
}

func labelsOf(object map[string]any) labels.Set {
	about, _ := object["metadata"].(map[string]any)
	of, _ := about["labels"].(map[string]any)
	set := labels.Set{}
	for name, value := range of {
		set[name] = fmt.Sprint(value)
	}
	return set
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func answerStatus(w http.ResponseWriter, status int, reason ...metav1.StatusReason) {
	why := map[int]metav1.StatusReason{http.StatusNotFound: metav1.StatusReasonNotFound, http.StatusConflict: metav1.StatusReasonConflict, http.StatusForbidden: metav1.StatusReasonForbidden}[status]
	for _, r := range reason {
		why = r
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: int32(status), Reason: why, Message: fmt.Sprint("refused: ", status),
	})
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
