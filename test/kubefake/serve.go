package kubefake

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
)

// request is what a path asks for.
type request struct {
	kind            Kind
	key             string
	namespace, name string
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if rest, found := strings.CutPrefix(r.URL.Path, "/clusters/"); found {
		_, path, _ := strings.Cut(rest, "/")
		r.URL.Path = "/" + path
	}
	s.mu.Lock()
	fault := s.fault
	at, found := s.find(r.URL.Path)
	verb := strings.ToLower(r.Method)
	switch {
	case !found:
		verb += " " + r.URL.Path
	case r.URL.Query().Get("watch") != "":
		verb = "watch " + at.kind.Resource
	case at.name == "" && r.Method == http.MethodGet:
		verb = "list " + at.kind.Resource
	default:
		verb += " " + at.kind.Resource
	}
	s.requests[verb]++
	s.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case !found:
		s.discover(w, r.URL.Path)
	case r.URL.Query().Get("watch") != "":
		s.watch(w, r, at)
	case r.Method == http.MethodPost:
		s.create(w, r, at)
	case at.name == "":
		s.list(w, r, at)
	case r.Method == http.MethodPatch:
		s.patch(w, r, at)
	case r.Method == http.MethodPut:
		s.update(w, r, at)
	default:
		s.get(w, at)
	}
}

// find is the kind that a path is about. The lock is held.
func (s *Server) find(path string) (request, bool) {
	for key, k := range s.kinds {
		rest, found := strings.CutPrefix(path, k.path()+"/")
		if !found {
			continue
		}
		parts := strings.Split(rest, "/")
		at := request{kind: k, key: key}
		if parts[0] == "namespaces" && len(parts) > 2 {
			at.namespace, parts = parts[1], parts[2:]
		}
		if parts[0] != k.Resource {
			continue
		}
		if len(parts) > 1 {
			at.name = parts[1]
		}
		return at, true
	}
	return request{}, false
}

// discover answers what kinds there are.
func (s *Server) discover(w http.ResponseWriter, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var resources, groups []map[string]any
	named := map[string]bool{"": true} // the core group has a path of its own
	for _, k := range s.kinds {
		if k.path() == path {
			resources = append(resources, map[string]any{"name": k.Resource, "kind": k.Kind, "namespaced": !k.Cluster, "singularName": strings.ToLower(k.Kind), "verbs": []string{"get", "list", "watch", "patch"}})
		}
		if named[k.Group] {
			continue
		}
		named[k.Group] = true
		groups = append(groups, map[string]any{"name": k.Group, "versions": []any{map[string]any{"groupVersion": k.apiVersion(), "version": k.Version}}, "preferredVersion": map[string]any{"groupVersion": k.apiVersion(), "version": k.Version}})
	}
	switch {
	case path == "/apis":
		answer(w, http.StatusOK, map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
	case path == "/api":
		answer(w, http.StatusOK, map[string]any{"kind": "APIVersions", "versions": []string{"v1"}})
	case resources == nil:
		fail(w, http.StatusNotFound, "NotFound", "the server could not find the requested resource")
	default:
		version := strings.TrimPrefix(strings.TrimPrefix(path, "/apis/"), "/api/")
		answer(w, http.StatusOK, map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources})
	}
}

func (s *Server) get(w http.ResponseWriter, at request) {
	s.mu.Lock()
	o, found := s.objects[at.key][at.namespace+"/"+at.name]
	s.mu.Unlock()
	if !found {
		fail(w, http.StatusNotFound, "NotFound", at.kind.Resource+" "+at.name+" not found")
		return
	}
	_, _ = w.Write(o.whole)
}

// create adds an object. One that is not sent as JSON, as Events may be, is answered as if it were made:
// nobody reads it.
func (s *Server) create(w http.ResponseWriter, r *http.Request, at request) {
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.Copy(w, r.Body)
		return
	}
	sent, meta, ok := decoded(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name, _ := meta["name"].(string)
	if _, found := s.objects[at.key][at.namespace+"/"+name]; found {
		fail(w, http.StatusConflict, "AlreadyExists", at.kind.Resource+" "+name+" already exists")
		return
	}
	s.write(w, http.StatusCreated, at, sent)
}

// update replaces an object of the version that was sent.
func (s *Server) update(w http.ResponseWriter, r *http.Request, at request) {
	sent, meta, ok := decoded(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.current(w, at, meta); ok {
		meta["uid"] = o.uid()
		s.write(w, http.StatusOK, at, sent)
	}
}

// patch merges into an object.
func (s *Server) patch(w http.ResponseWriter, r *http.Request, at request) {
	if r.Header.Get("Content-Type") != "application/merge-patch+json" {
		fail(w, http.StatusUnsupportedMediaType, "UnsupportedMediaType", "the patch is not a merge patch")
		return
	}
	patch, meta, ok := decoded(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.current(w, at, meta)
	if !ok {
		return
	}
	var whole map[string]any
	_ = json.Unmarshal(o.whole, &whole)
	merge(whole, patch)
	s.write(w, http.StatusOK, at, whole)
}

// decoded is what was sent. Its metadata is empty where it has none.
func decoded(w http.ResponseWriter, r *http.Request) (sent, meta map[string]any, ok bool) {
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		fail(w, http.StatusBadRequest, "BadRequest", err.Error())
		return nil, nil, false
	}
	if meta, ok = sent["metadata"].(map[string]any); !ok {
		meta = map[string]any{}
	}
	return sent, meta, true
}

// current is the object that is to be written, if it is there in the version that was sent. The lock is held.
func (s *Server) current(w http.ResponseWriter, at request, meta map[string]any) (object, bool) {
	o, found := s.objects[at.key][at.namespace+"/"+at.name]
	if !found {
		fail(w, http.StatusNotFound, "NotFound", at.kind.Resource+" "+at.name+" not found")
		return o, false
	}
	if sent, given := meta["resourceVersion"].(string); given && sent != "" && sent != strconv.Itoa(o.version) {
		fail(w, http.StatusConflict, "Conflict", at.kind.Resource+" "+at.name+" has changed")
		return o, false
	}
	return o, true
}

// write puts an object, and answers with it. The lock is held.
func (s *Server) write(w http.ResponseWriter, status int, at request, o map[string]any) {
	if err := s.put(at.kind, o); err != nil {
		fail(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	answer(w, status, o)
}

// merge is a JSON merge patch.
func merge(into, patch map[string]any) {
	for name, value := range patch {
		inner, isMap := value.(map[string]any)
		old, wasMap := into[name].(map[string]any)
		switch {
		case value == nil:
			delete(into, name)
		case isMap && !wasMap:
			made := map[string]any{}
			into[name] = made
			merge(made, inner)
		case isMap:
			merge(old, inner)
		default:
			into[name] = value
		}
	}
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, at request) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		fail(w, http.StatusBadRequest, "BadRequest", "the label selector is wrong")
		return
	}
	s.mu.Lock()
	version := s.version
	var found []object
	for _, id := range slices.Sorted(maps.Keys(s.objects[at.key])) {
		if o := s.objects[at.key][id]; at.has(o) && selector.Matches(o.labels) {
			found = append(found, o)
		}
	}
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	if r.URL.Query().Get("resourceVersion") == "0" {
		limit = 0
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	found = found[min(from, len(found)):]
	next := ""
	if limit > 0 && len(found) > limit {
		found, next = found[:limit], strconv.Itoa(from+limit)
	}
	s.largest = max(s.largest, len(found))
	s.mu.Unlock()
	kind, apiVersion := at.kind.Kind+"List", at.kind.apiVersion()
	if wantsMetadata(r) {
		kind, apiVersion = "PartialObjectMetadataList", "meta.k8s.io/v1"
	}
	fmt.Fprintf(w, `{"apiVersion":%q,"items":[`, apiVersion)
	for i, o := range found {
		if i > 0 {
			_, _ = w.Write([]byte(","))
		}
		_, _ = w.Write(o.as(r))
	}
	fmt.Fprintf(w, `],"kind":%q,"metadata":{"continue":%q,"resourceVersion":"%d"}}`, kind, next, version)
}

func (at request) has(o object) bool { return at.namespace == "" || at.namespace == o.namespace }

// as is the object in the form that is asked for.
func (o object) as(r *http.Request) []byte {
	if wantsMetadata(r) {
		return o.meta
	}
	return o.whole
}

func wantsMetadata(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata")
}

func answer(w http.ResponseWriter, code int, body any) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

func fail(w http.ResponseWriter, code int, reason, message string) {
	answer(w, code, map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure", "code": code, "reason": reason, "message": message})
}

// Refuse is a fault: every request is refused with a status.
func Refuse(status int) func(http.ResponseWriter, *http.Request) bool {
	reasons := map[int]string{http.StatusForbidden: "Forbidden", http.StatusNotFound: "NotFound", http.StatusUnauthorized: "Unauthorized", http.StatusInternalServerError: "InternalError"}
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		fail(w, status, reasons[status], fmt.Sprint("refused: ", status))
		return true
	}
}

// Busy is a fault: every request is told to come again.
func Busy(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Content-Type", "application/json")
	fail(w, http.StatusTooManyRequests, "TooManyRequests", "the server has received too many requests")
	return true
}

// Hang is a fault: no request is answered.
func Hang(_ http.ResponseWriter, r *http.Request) bool {
	<-r.Context().Done()
	return true
}
