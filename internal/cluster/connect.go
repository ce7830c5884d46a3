package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"k8s.io/client-go/util/connrotation"
)

// idle is how long a connection is kept that nobody uses. What is closed in mid-use is held for as long, with
// its buffers: net/http's HTTP/2 sets the timer of a connection once more when its last stream ends, closed or not.
const idle = 20 * time.Second

// mostAnswer is the most of one answer that is read, other than of a watch.
const mostAnswer = 64 << 20

// Connections are those to one API server. They are its own, so that Close leaves none behind:
// client-go keeps what it makes for as long as the process lives.
type Connections struct {
	http.RoundTripper
	dialer *connrotation.Dialer
}

// Connect prepares connections with the login, the TLS settings and the proxy of a cluster. Nothing is
// sent yet. An answer that does not begin within the limit, or is too large, ends its request.
func (c Choice) Connect(limit time.Duration) (*Connections, error) {
	config := rest.CopyConfig(c.REST)
	if config.Proxy == nil {
		config.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil } // named, client-go keeps no connections of its own
	}
	dialer := connrotation.NewDialer((&net.Dialer{Timeout: limit, KeepAlive: 30 * time.Second}).DialContext)
	config.Dial = dialer.DialContext
	config.WrapTransport = transport.Wrappers(briefly, config.WrapTransport)
	next, err := rest.TransportFor(config)
	if err != nil {
		return nil, c.unusable()
	}
	return &Connections{&prompt{next, limit, mostAnswer}, dialer}, nil
}

// briefly has a transport keep idle connections for a short time.
func briefly(rt http.RoundTripper) http.RoundTripper {
	if t, ok := rt.(*http.Transport); ok {
		t.IdleConnTimeout = idle
	}
	return rt
}

// Close closes all of them, in use or not.
func (c *Connections) Close() { c.dialer.CloseAll() }

// prompt ends requests that a server lets hang. A watch begins its answer at once, and goes on for
// minutes.
type prompt struct {
	next  http.RoundTripper
	limit time.Duration
	most  int64
}

// silentError is the error of an answer that did not begin in time.
type silentError struct{ limit time.Duration }

func (e silentError) Error() string {
	return fmt.Sprintf("http: the server began no answer within %s", e.limit)
}

// Timeout makes it a timeout to net/http.
func (e silentError) Timeout() bool { return true }

// RoundTrip waits no longer than the limit for an answer to begin.
func (p *prompt) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	silent := silentError{p.limit}
	timer := time.AfterFunc(p.limit, func() { cancel(silent) })
	res, err := p.next.RoundTrip(r.WithContext(ctx))
	if !timer.Stop() && err != nil && errors.Is(context.Cause(ctx), silent) {
		err = silent
	}
	if err != nil {
		cancel(nil)
		return nil, err
	}
	b := &boundedBody{ReadCloser: res.Body, cancel: cancel, left: p.most}
	if r.URL.Query().Get("watch") != "" {
		b.left = -1
	}
	res.Body = b
	return res, nil
}

// boundedBody is an answer that ends its request when it is closed.
type boundedBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
	left   int64 // bytes; below zero is any number
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, fmt.Errorf("http: the answer is larger than %d MiB", mostAnswer>>20)
	}
	if b.left > 0 && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	return n, err
}

func (b *boundedBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
