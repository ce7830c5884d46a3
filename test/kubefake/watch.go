package kubefake

import (
	"fmt"
	"net/http"
	"sort"
	"strconv"

	"k8s.io/apimachinery/pkg/labels"
)

// kept is how many changes a watch may be behind.
const kept = 20000

// tell adds a change. The lock is held.
func (s *Server) tell(c change) {
	if len(s.log) >= kept {
		s.log = append(s.log[:0], s.log[kept/2:]...)
	}
	s.log = append(s.log, c)
	s.changed.Broadcast()
}

// watch sends changes until the client goes, or the kind does.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, at request) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	version, bad := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	flush, ok := w.(http.Flusher)
	if err != nil || bad != nil || !ok {
		fail(w, http.StatusBadRequest, "BadRequest", "the label selector or the version is wrong")
		return
	}
	gone := r.Context().Done()
	go func() {
		<-gone
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	}()
	w.WriteHeader(http.StatusOK)
	flush.Flush()
	s.mu.Lock()
	s.watching[at.kind.Resource]++
	defer func() {
		s.watching[at.kind.Resource]--
		s.mu.Unlock()
	}()
	for {
		if len(s.log) == kept && s.log[0].object.version > version {
			fmt.Fprint(w, `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","code":410,"reason":"Expired","message":"too old"}}`+"\n")
			return
		}
		var news []change
		for _, c := range s.log[sort.Search(len(s.log), func(i int) bool { return s.log[i].object.version > version }):] {
			if c.resource == at.key && at.has(c.object) && selector.Matches(c.object.labels) {
				news = append(news, c)
			}
		}
		version = s.version
		if _, served := s.kinds[at.key]; !served || r.Context().Err() != nil {
			return
		}
		if len(news) == 0 {
			s.changed.Wait()
			continue
		}
		s.mu.Unlock()
		for _, c := range news {
			fmt.Fprintf(w, `{"type":%q,"object":%s}`+"\n", c.event, c.object.as(r))
		}
		flush.Flush()
		s.mu.Lock()
	}
}
