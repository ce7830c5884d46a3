package stack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
)

// Metric is a server that experiments ask whether the candidate is good.
type Metric struct {
	URL    string
	Good   string // the URL of another one, which is always good
	server *httptest.Server
	good   atomic.Bool

	mu     sync.Mutex
	paused chan struct{} // closed by Resume; nil while it answers
}

func newMetric() *Metric {
	m := &Metric{}
	m.good.Store(true)
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, _ *http.Request) { answer(w, true) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		paused := m.paused
		m.mu.Unlock()
		if paused != nil {
			select {
			case <-paused:
			case <-r.Context().Done():
				return
			}
		}
		answer(w, m.good.Load())
	})
	m.server = httptest.NewServer(mux)
	m.URL, m.Good = m.server.URL, m.server.URL+"/good"
	return m
}

func answer(w http.ResponseWriter, good bool) { fmt.Fprintf(w, `{"data":{"ok":%t}}`, good) }

func (m *Metric) close() {
	m.Resume()
	m.server.Close()
}

// Pause answers nobody until Resume: experiments that run go on running.
func (m *Metric) Pause() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.paused == nil {
		m.paused = make(chan struct{})
	}
}

// Resume answers who waits.
func (m *Metric) Resume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.paused != nil {
		close(m.paused)
	}
	m.paused = nil
}

// Set makes what is measured from now on good or bad.
func (m *Metric) Set(good bool) { m.good.Store(good) }
