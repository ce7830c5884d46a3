package credential

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

const secret = "s3cret/tok+en==&value"

func TestHTTPLogins(t *testing.T) {
	tests := []struct {
		name  string
		allow func(*http.Request) bool
		o     Options
	}{
		{"anonymous", func(*http.Request) bool { return true }, Options{}},
		{"basic", basic("alice", secret), Options{Username: "alice", Password: secret + "\n"}},
		{"token", basic("x-access-token", secret), Options{Token: secret}},
		{"token of a user", basic("oauth2", secret), Options{Token: secret, Username: "oauth2"}},
		{"bearer", bearer(secret), Options{Token: secret, Bearer: true}},
		{"quotes", basic(`a'l"i`, `pass'"$(id)\n %s`), Options{Username: `a'l"i`, Password: `pass'"$(id)\n %s`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, commit := bareRepo(t, "r.git")
			server := httptest.NewServer(&backend{root: root, allow: tt.allow})
			defer server.Close()
			tt.o.URL = server.URL + "/r.git"
			c := open(t, tt.o)
			out, err := runGit(t, c, root, "ls-remote", c.URL(), "main")
			if err != nil || out != commit+"\trefs/heads/main\n" {
				t.Fatalf("ls-remote: %v\n%s", err, out)
			}
			if out, err := runGit(t, c, root+"/r.git", "push", c.URL(), commit+":refs/heads/other"); err != nil {
				t.Fatalf("push: %v\n%s", err, out)
			}
		})
	}
}

func TestWrongLoginIsScrubbed(t *testing.T) {
	root, _ := bareRepo(t, "r.git")
	// A server that repeats what it was sent.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, ok := r.BasicAuth()
		if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("no: " + password + " and " + r.Header.Get("Authorization") + "\n"))
	}))
	defer server.Close()
	c := open(t, Options{URL: server.URL + "/r.git", Token: secret})
	out, err := runGit(t, c, root, "ls-remote", c.URL())
	if err == nil || !strings.Contains(out, secret) {
		t.Fatalf("the server was to repeat the secret: %v\n%s", err, out)
	}
	clean := c.Scrub(out)
	lacks(t, "the scrubbed message", clean, secret)
	if !strings.Contains(clean, "no: *** and Basic ***") || !strings.Contains(clean, "403") {
		t.Errorf("the message lost its sense:\n%s", clean)
	}
}

func TestWrongTokenFails(t *testing.T) {
	root, _ := bareRepo(t, "r.git")
	server := httptest.NewServer(&backend{root: root, allow: basic("x-access-token", "another-one")})
	defer server.Close()
	c := open(t, Options{URL: server.URL + "/r.git", Token: secret})
	out, err := runGit(t, c, root, "ls-remote", c.URL())
	if err == nil || !strings.Contains(out, "Authentication failed") {
		t.Fatalf("err %v\n%s", err, out)
	}
	lacks(t, "git's message", out, secret)
}

// TestRedirectsKeepTheSecret: git 2.39 sends http.extraHeader to the host that
// it was redirected to.
func TestRedirectsKeepTheSecret(t *testing.T) {
	for _, o := range []Options{{Token: secret}, {Token: secret, Bearer: true}, {Username: "alice", Password: secret}} {
		for _, asks := range []bool{true, false} {
			root, _ := bareRepo(t, "r.git")
			there := &backend{root: root, allow: func(r *http.Request) bool { return !asks || r.Header.Get("Authorization") != "" }}
			other := httptest.NewServer(there)
			defer other.Close()
			// Another port is another server; another name is one to curl, too.
			target := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
			from := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, target+r.URL.String(), http.StatusFound)
			}))
			defer from.Close()
			o.URL = from.URL + "/r.git"
			c := open(t, o)
			out, _ := runGit(t, c, root, "ls-remote", c.URL())
			for _, header := range there.headers() {
				if header != "" {
					t.Errorf("%+v: the other server got %q\n%s", o, header, out)
				}
			}
			if o.Bearer == (len(there.headers()) > 0) {
				t.Errorf("bearer %v: the other server was asked %d times\n%s", o.Bearer, len(there.headers()), out)
			}
		}
	}
}

func TestTLSWithOwnCA(t *testing.T) {
	root, commit := bareRepo(t, "r.git")
	server, ca := serveTLS(t, &backend{root: root, allow: basic("x-access-token", secret)}, "git.example.test")
	o := Options{URL: server.URL + "/r.git", Token: secret}

	c := open(t, o)
	if out, err := runGit(t, c, root, "ls-remote", c.URL()); err == nil || !strings.Contains(out, "certificate") {
		t.Errorf("without the CA: %v\n%s", err, out)
	}
	o.CA = ca
	c = open(t, o)
	out, err := runGit(t, c, root, "ls-remote", c.URL(), "main")
	if err != nil || out != commit+"\trefs/heads/main\n" {
		t.Errorf("with the CA: %v\n%s", err, out)
	}
	g, err := settings(t, c)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(setting(g, "http.sslCAInfo")[0])
	if err != nil || !bytes.HasPrefix(file, systemBundle()) || !bytes.HasSuffix(file, ca) {
		t.Errorf("git's roots are not the system's and the CA: %v", err)
	}
	response, err := c.HTTP().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// TestNoOtherProtocol: a URL or a redirect cannot bring git to another program.
func TestNoOtherProtocol(t *testing.T) {
	root, _ := bareRepo(t, "r.git")
	c := open(t, Options{URL: "https://git.example.test/r.git"})
	for _, url := range []string{"file://" + root + "/r.git", "http://127.0.0.1:1/r.git", "ext::id", "ssh://git@127.0.0.1:1/r.git"} {
		out, err := runGit(t, c, root, "ls-remote", url)
		if err == nil || !strings.Contains(out, "not allowed") {
			t.Errorf("%s: %v\n%s", url, err, out)
		}
	}
}
