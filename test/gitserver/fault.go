package gitserver

import (
	"net/http"
	"net/http/httptest"
)

// Fault answers a request in the backend's place, or around it.
type Fault func(w http.ResponseWriter, req *http.Request, backend http.Handler)

// Inject lets the next requests of a stage meet a fault, as often as it says.
// Faults of a stage queue up.
func (s *Server) Inject(stage Stage, times int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range times {
		s.faults[stage] = append(s.faults[stage], f)
	}
}

// Watch lets all requests that meet no other fault meet this one; nil ends it.
func (s *Server) Watch(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = f
}

// Injected is how many faults of a stage have not been met yet.
func (s *Server) Injected(stage Stage) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.faults[stage])
}

// Status answers with an HTTP status, and does nothing.
func Status(code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		http.Error(w, http.StatusText(code), code)
	}
}

// Hang does nothing and does not answer until the client goes away.
func Hang() Fault {
	return func(_ http.ResponseWriter, req *http.Request, _ http.Handler) { <-req.Context().Done() }
}

// Drop does nothing and cuts the connection.
func Drop() Fault { return func(http.ResponseWriter, *http.Request, http.Handler) { cut() } }

// Cut does what is asked, and cuts the connection after so many bytes of the
// answer.
func Cut(after int) Fault {
	return func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
		answer := httptest.NewRecorder()
		backend.ServeHTTP(answer, req)
		for key, values := range answer.Header() {
			w.Header()[key] = values
		}
		w.WriteHeader(answer.Code)
		if after > 0 {
			_, _ = w.Write(answer.Body.Bytes()[:min(after, answer.Body.Len())])
			_ = http.NewResponseController(w).Flush()
		}
		cut()
	}
}

// Gateway does what is asked, and answers with an HTTP status, as a proxy does
// that waited too long.
func Gateway(code int) Fault {
	return func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
		backend.ServeHTTP(httptest.NewRecorder(), req)
		http.Error(w, http.StatusText(code), code)
	}
}

// Before calls f, and then does what is asked.
func Before(f func() error) Fault {
	return func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
		if err := f(); err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
			return
		}
		backend.ServeHTTP(w, req)
	}
}

// cut ends the connection of the request that is being answered.
func cut() { panic(http.ErrAbortHandler) }
