package credential

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// open opens credentials that the test closes.
func open(t *testing.T, o Options) *Credentials {
	t.Helper()
	o.TempDir = os.TempDir()
	c, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// runGit runs git as the Git loop does: with nothing of the machine's
// configuration. It returns both streams.
func runGit(t *testing.T, c *Credentials, dir string, args ...string) (string, error) {
	t.Helper()
	g, err := settings(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return gitWith(t, g, dir, args...)
}

// settings are all that a git call to the repository gets.
func settings(t *testing.T, c *Credentials) (Git, error) {
	t.Helper()
	g := c.Local()
	access, err := c.Access(t.Context())
	g.Env, g.Config = append(g.Env, access.Env...), append(g.Config, access.Config...)
	return g, err
}

func gitWith(t *testing.T, g Git, dir string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_CONFIG_COUNT=" + strconv.Itoa(len(g.Config)),
	}, g.Env...)
	for i, c := range g.Config {
		cmd.Env = append(cmd.Env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, c[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, c[1]))
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// bareRepo makes a repository with one commit, and returns its parent directory and
// the commit.
func bareRepo(t *testing.T, name string) (root, commit string) {
	t.Helper()
	root = t.TempDir()
	dir := filepath.Join(root, name)
	c := open(t, Options{URL: "file://" + dir})
	for _, args := range [][]string{
		{"init", "-q", "--bare", "-b", "main", dir},
		{"-C", dir, "config", "http.receivepack", "true"},
	} {
		if out, err := runGit(t, c, root, args...); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	const empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
	out, err := runGit(t, c, dir, "hash-object", "-t", "tree", "-w", "--stdin")
	if err != nil || strings.TrimSpace(out) != empty {
		t.Fatalf("write the empty tree: %v %s", err, out)
	}
	commit, err = runGit(t, c, dir, "commit-tree", "-m", "first", empty)
	if err != nil {
		t.Fatal(commit)
	}
	commit = strings.TrimSpace(commit)
	if out, err := runGit(t, c, dir, "update-ref", "refs/heads/main", commit); err != nil {
		t.Fatal(out)
	}
	return root, commit
}

// backend serves a directory of repositories over HTTP with git http-backend to
// whoever allow lets in, and records the Authorization headers it gets.
type backend struct {
	root  string
	allow func(*http.Request) bool

	mu   sync.Mutex
	seen []string
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.seen = append(b.seen, r.Header.Get("Authorization"))
	b.mu.Unlock()
	if !b.allow(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + b.root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=tester"},
	}).ServeHTTP(w, r)
}

func (b *backend) headers() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.seen...)
}

func basic(username, password string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		u, p, ok := r.BasicAuth()
		return ok && u == username && p == password
	}
}

func bearer(token string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+token }
}

// serveTLS serves with a certificate for host and this machine, and returns the
// CA that signed it.
func serveTLS(t *testing.T, h http.Handler, host string) (*httptest.Server, []byte) {
	t.Helper()
	authority, authorityKey := certificate(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	leaf, key := certificate(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: host}, DNSNames: []string{host, "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}, authority, authorityKey)
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw})
}

// certificate makes one that parent signs, or itself.
func certificate(t *testing.T, template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// lacks fails the test when text holds the secret.
func lacks(t *testing.T, what, text, secret string) {
	t.Helper()
	if bytes.Contains([]byte(text), []byte(secret)) {
		t.Errorf("%s holds the secret:\n%s", what, text)
	}
}
