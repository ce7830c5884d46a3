package cluster_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/assaydev/assay/internal/cluster"
)

// connectTo is a cluster Secret's cluster behind a handler, which is asked over connections of its own.
func connectTo(t *testing.T, handler http.HandlerFunc, limit time.Duration) (*cluster.Client, *cluster.Connections) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	at := cluster.Choice{REST: &rest.Config{Host: server.URL, BearerToken: "x-secret-x", TLSClientConfig: rest.TLSClientConfig{Insecure: true}}, Place: "the cluster prod", Secret: "cluster-prod"}
	connections, err := at.Connect(limit)
	if err != nil {
		t.Fatal(err)
	}
	c, err := at.Over(connections, limit)
	if err != nil {
		t.Fatal(err)
	}
	return c, connections
}

// TestUnavailable: what a cluster of a Secret says when it does not work, and whether asking again
// soon makes sense.
func TestUnavailable(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
		away    bool
	}{
		"hangs": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "read applications.argoproj.io shop in the namespace argocd from the cluster prod: it gave no answer within 300ms", true},
		"is busy": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
		}, "it gave no answer within 300ms", true},
		"is busy, too": {answer(429, inJSON, status(429, "TooManyRequests", "too many requests")), "it is asked too much, and cannot answer now (429)", true},
		"fails":        {answer(503, inJSON, status(503, "ServiceUnavailable", "no leader")), "it answers with an error: no leader", true},
		"forbids":      {answer(403, inJSON, status(403, "Forbidden", "x is forbidden: no")), "it forbids this (403)", false},
		"knows nobody": {answer(401, inJSON, status(401, "Unauthorized", "Unauthorized")), "the login in the Secret cluster-prod is wrong or has expired", false},
	} {
		t.Run(name, func(t *testing.T) {
			c, connections := connectTo(t, test.handler, 300*time.Millisecond)
			_, err := c.Get(t.Context(), applications(), "argocd", "shop")
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "x-secret-x") {
				t.Errorf("error %v, want %s", err, test.want)
			}
			if away := cluster.IsUnavailable(err); away != test.away {
				t.Errorf("unavailable is %t", away)
			}
			connections.Close()
		})
	}
}

// TestConnections: an answer has to begin in time, a watch may then go on; Close leaves no connection.
func TestConnections(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/watch":
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(600 * time.Millisecond):
				_, _ = io.WriteString(w, "late")
			}
		case "/huge":
			for range 70 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		default:
			<-r.Context().Done()
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	var kept time.Duration
	at := cluster.Choice{REST: &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, WrapTransport: func(rt http.RoundTripper) http.RoundTripper {
		if transport, ok := rt.(*http.Transport); ok {
			kept = transport.IdleConnTimeout
		}
		return rt
	}}, Secret: "s"}
	connections, err := at.Connect(300 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if kept <= 0 || kept > 20*time.Second {
		t.Errorf("what is closed is held for %s", kept)
	}
	get := func(path string) (string, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			return "", err
		}
		res, err := connections.RoundTrip(r)
		if err != nil {
			return "", err
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		return string(body), err
	}
	if _, err := get("/hangs"); err == nil || !strings.Contains(err.Error(), "began no answer within 300ms") {
		t.Errorf("error %v", err)
	}
	if body, err := get("/watch?watch=true"); err != nil || body != "late" {
		t.Errorf("a watch: %q, %v", body, err)
	}
	if _, err := get("/huge"); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("error %v", err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/watch?watch=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := connections.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	connections.Close()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("a connection outlived Close")
	}
	_ = res.Body.Close()
}

// status is the API server's answer where it has no object.
func status(code int, reason, message string) string {
	return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"code":%d}`, message, reason, code)
}
