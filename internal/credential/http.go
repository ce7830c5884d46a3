package credential

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// HTTP is a client for the forge's API, with the same roots and proxy as git's
// calls. It adds no token. It follows no redirect to another origin, because a
// library's own token header (as GitLab's PRIVATE-TOKEN) would travel along.
func (c *Credentials) HTTP() *http.Client { return c.client }

// setHTTP readies the client and git's settings for roots and proxy.
func (c *Credentials) setHTTP(o Options) error {
	proxy, err := newProxy(o)
	if err != nil {
		return err
	}
	pool, bundle, err := roots(o.CA)
	if err != nil {
		return err
	}
	c.client = newClient(proxy, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})
	c.onClose(func() error { c.client.CloseIdleConnections(); return nil })
	if !c.remote.isHTTP() {
		return nil
	}
	if bundle != nil {
		name, err := c.write("roots.pem", bundle)
		if err != nil {
			return err
		}
		set(&c.access, "http.sslCAInfo", name)
		set(&c.access, "http.proxySSLCAInfo", name)
	}
	return c.setProxy(proxy)
}

// setProxy names git's proxy, or that there is none.
func (c *Credentials) setProxy(proxy proxyFunc) error {
	u, err := url.Parse(c.remote.url)
	if err != nil {
		return errors.New("read URL of the repository: it is not well formed")
	}
	through, err := proxy(u)
	if err != nil {
		return err
	}
	value := ""
	if through != nil {
		value = through.String()
	}
	set(&c.access, "http.proxy", value)
	return nil
}

func newClient(proxy proxyFunc, tls *tls.Config) *http.Client {
	const patience = 30 * time.Second
	dialer := &net.Dialer{Timeout: patience, KeepAlive: patience}
	return &http.Client{
		Timeout: 2 * time.Minute,
		Transport: &http.Transport{
			Proxy:                 func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
			DialContext:           dialer.DialContext,
			TLSClientConfig:       tls,
			TLSHandshakeTimeout:   patience,
			ResponseHeaderTimeout: time.Minute,
			IdleConnTimeout:       patience,
			ForceAttemptHTTP2:     true,
		},
		CheckRedirect: sameOrigin,
	}
}

func sameOrigin(r *http.Request, via []*http.Request) error {
	const most = 10
	first := via[0].URL
	if r.URL.Scheme != first.Scheme || r.URL.Host != first.Host {
		return fmt.Errorf("%s redirects to %s: a token does not go there: name that server instead if it is the right one", first.Host, r.URL.Host)
	}
	if len(via) >= most {
		return fmt.Errorf("%s redirects in a circle", first.Host)
	}
	return nil
}

// proxyFunc tells the proxy for a URL, or nil.
type proxyFunc func(*url.URL) (*url.URL, error)

func newProxy(o Options) (proxyFunc, error) {
	u, err := parseProxy(o.Proxy)
	if err != nil {
		// The parser's error quotes the URL.
		return nil, errors.New("read URL of the proxy: it is not well formed")
	}
	if u == nil {
		return func(*url.URL) (*url.URL, error) { return nil, nil }, nil
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, fmt.Errorf("read URL of the proxy: Assay does not speak %q: use http, https, socks5 or socks5h", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, errors.New("read URL of the proxy: it names no host")
	}
	password, _ := u.User.Password()
	if err := checkSecret("password of the proxy", password); err != nil {
		return nil, err
	}
	config := httpproxy.Config{HTTPProxy: u.String(), HTTPSProxy: u.String(), NoProxy: o.NoProxy}
	return config.ProxyFunc(), nil
}

// parseProxy is nil for an empty text. As with curl, the scheme may be missing.
func parseProxy(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, nil
	}
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	return url.Parse(raw)
}
