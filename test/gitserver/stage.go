package gitserver

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
)

// Stage is what git wants with a request.
type Stage string

// The stages of a fetch and of a push, in their order.
const (
	DiscoverFetch Stage = "discover fetch" // what can the server do?
	ListRefs      Stage = "list refs"
	Fetch         Stage = "fetch"
	DiscoverPush  Stage = "discover push" // which refs are there?
	Push          Stage = "push"
	Other         Stage = "other"
)

func stageOf(req *http.Request, body []byte) Stage {
	switch service := req.URL.Query().Get("service"); {
	case service == "git-upload-pack":
		return DiscoverFetch
	case service == "git-receive-pack":
		return DiscoverPush
	case strings.HasSuffix(req.URL.Path, "/git-receive-pack"):
		return Push
	case strings.HasSuffix(req.URL.Path, "/git-upload-pack"):
		if bytes.Contains(plain(req, body), []byte("command=ls-refs")) {
			return ListRefs
		}
		return Fetch
	}
	return Other
}

// plain is a body that may have come compressed.
func plain(req *http.Request, body []byte) []byte {
	if req.Header.Get("Content-Encoding") != "gzip" {
		return body
	}
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return body
	}
	return data
}

// Traffic is what went over the wire.
type Traffic struct {
	Requests map[Stage]int
	Total    int   // requests of all stages
	Received int64 // bytes from clients, with headers
	Sent     int64
}

// Traffic returns what went over the wire since the last call.
func (s *Server) Traffic() Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := Traffic{Requests: map[Stage]int{}, Total: len(s.seen), Received: s.counters.received.Swap(0), Sent: s.counters.sent.Swap(0)}
	for _, stage := range s.seen {
		t.Requests[stage]++
	}
	s.seen = nil
	return t
}

type counters struct{ received, sent atomic.Int64 }

// counted is a listener whose connections count bytes.
type counted struct {
	net.Listener
	counters *counters
}

func (l counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countedConn{c, l.counters}, nil
}

type countedConn struct {
	net.Conn
	counters *counters
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.counters.received.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.counters.sent.Add(int64(n))
	return n, err
}
