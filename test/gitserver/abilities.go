package gitserver

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// abilities are what git has said that it can do for a repository. In version 2
// of the protocol that is all that the first answer holds: refs are not part of it.
type abilities struct {
	mu    sync.Mutex
	known map[string]*httptest.ResponseRecorder // by path and settings
}

// of is a handler that asks the backend where nothing is known.
func (a *abilities) of(dir string, backend http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		repo, _ := strings.CutSuffix(req.URL.Path, "/info/refs")
		settings, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(repo), "config"))
		if err != nil || req.Header.Get("Git-Protocol") != "version=2" {
			backend.ServeHTTP(w, req)
			return
		}
		answer := a.ask(repo+"\n"+string(settings), req, backend)
		for key, values := range answer.Header() {
			w.Header()[key] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // a client that is gone needs no answer
	})
}

func (a *abilities) ask(key string, req *http.Request, backend http.Handler) *httptest.ResponseRecorder {
	a.mu.Lock()
	defer a.mu.Unlock()
	if answer, ok := a.known[key]; ok {
		return answer
	}
	answer := httptest.NewRecorder()
	backend.ServeHTTP(answer, req)
	if answer.Code == http.StatusOK {
		if a.known == nil {
			a.known = map[string]*httptest.ResponseRecorder{}
		}
		a.known[key] = answer
	}
	return answer
}
