package credential

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// proxy forwards to one server whatever the name, to whoever has the password,
// and records what it is asked for.
type proxy struct {
	to       string // host:port
	password string // empty lets everyone in

	mu   sync.Mutex
	seen []string
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if login := base64.StdEncoding.EncodeToString([]byte("alice:" + p.password)); p.password != "" && r.Header.Get("Proxy-Authorization") != "Basic "+login {
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	}
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+r.Host)
	p.mu.Unlock()
	if r.Method == http.MethodConnect {
		p.tunnel(w)
		return
	}
	r.URL.Host, r.RequestURI = p.to, ""
	r.Header.Del("Proxy-Authorization")
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = response.Body.Close() }()
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}

func (p *proxy) tunnel(w http.ResponseWriter) {
	there, err := net.Dial("tcp", p.to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = there.Close() }()
	here, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = here.Close() }()
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(there, buffer); _ = there.Close() }()
	_, _ = io.Copy(here, there)
}

func (p *proxy) asked(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.seen {
		if s == what {
			return true
		}
	}
	return false
}

func TestProxy(t *testing.T) {
	const host, password = "git.example.test", "pr@xy/pass word"
	root, commit := bareRepo(t, "r.git")
	h := &backend{root: root, allow: basic("x-access-token", secret)}
	secure, ca := serveTLS(t, h, host)
	plain := httptest.NewServer(h)
	defer plain.Close()

	for _, tt := range []struct{ name, url, to, password, want string }{
		{"tunnel", "https://" + host + "/r.git", secure.Listener.Addr().String(), "", "CONNECT " + host + ":443"},
		{"tunnel with a password", "https://" + host + "/r.git", secure.Listener.Addr().String(), password, "CONNECT " + host + ":443"},
		{"forward with a password", "http://" + host + "/r.git", plain.Listener.Addr().String(), password, "GET " + host},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &proxy{to: tt.to, password: tt.password}
			server := httptest.NewServer(p)
			defer server.Close()
			o := Options{URL: tt.url, Token: secret, AllowHTTP: true, CA: ca, Proxy: server.URL}
			if tt.password != "" {
				o.Proxy = strings.Replace(server.URL, "http://", "alice:pr%40xy%2Fpass%20word@", 1)
			}
			c := open(t, o)
			out, err := runGit(t, c, root, "ls-remote", c.URL(), "main")
			if err != nil || out != commit+"\trefs/heads/main\n" {
				t.Fatalf("ls-remote: %v\n%s", err, out)
			}
			if !p.asked(tt.want) {
				t.Errorf("git did not ask the proxy for %q, but %q", tt.want, p.seen)
			}
			p.seen = nil
			response, err := c.HTTP().Get(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if !p.asked(tt.want) {
				t.Errorf("the client did not ask the proxy for %q, but %q", tt.want, p.seen)
			}
		})
	}
}

func TestNoProxy(t *testing.T) {
	for noProxy, want := range map[string]string{"": "http://proxy.test:3128", "example.test": "", "other.test": "http://proxy.test:3128"} {
		c := open(t, Options{URL: "https://git.example.test/r.git", Proxy: "proxy.test:3128", NoProxy: noProxy})
		g, err := settings(t, c)
		if err != nil {
			t.Fatal(err)
		}
		if got := setting(g, "http.proxy"); len(got) != 1 || got[0] != want {
			t.Errorf("NO_PROXY %q: %q, want %q", noProxy, got, want)
		}
	}
}

// setting is the values of a key of git's configuration.
func setting(g Git, key string) (values []string) {
	for _, c := range g.Config {
		if c[0] == key {
			values = append(values, c[1])
		}
	}
	return values
}

func TestClientStaysWithTheOrigin(t *testing.T) {
	var got []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Private-Token"))
	}))
	defer other.Close()
	from := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/moved":
			http.Redirect(w, r, "/here", http.StatusFound)
		}
	}))
	defer from.Close()
	c := open(t, Options{URL: from.URL + "/r.git", Token: secret})
	for path, fails := range map[string]bool{"/away": true, "/moved": false} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, from.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Private-Token", secret)
		response, err := c.HTTP().Do(r)
		if (err != nil) != fails || err != nil && !strings.Contains(err.Error(), "a token does not go there") {
			t.Errorf("%s: %v", path, err)
		}
		if err == nil {
			_ = response.Body.Close()
		}
	}
	if len(got) > 0 {
		t.Errorf("the other server got %q", got)
	}
}
