package credential

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// github is a stateful stand-in for GitHub: an app with one installation on one
// repository, tokens that expire, and git over HTTP for those who have one.
type github struct {
	t       *testing.T
	id      string
	key     *rsa.PublicKey
	removed bool // the installation was

	mu     sync.Mutex
	clock  time.Time
	tokens map[string]time.Time // and when they end
}

const installationID = 77

func newGitHub(t *testing.T) (*github, App) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	f := &github{t: t, id: "Iv1.client", key: &key.PublicKey, clock: time.Now(), tokens: map[string]time.Time{}}
	data := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return f, App{ID: f.id, Key: data}
}

func (f *github) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock
}

func (f *github) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock = f.clock.Add(d)
}

func (f *github) issued() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.tokens)
}

// valid reports whether GitHub takes the token now.
func (f *github) valid(token string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock.Before(f.tokens[token])
}

func (f *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := f.checkJWT(r); err != nil {
		// It repeats what it was sent, as no server should.
		answer(w, http.StatusUnauthorized, map[string]any{"message": err.Error() + " " + r.Header.Get("Authorization")})
		return
	}
	installed := !f.removed
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/repos/acme/shop/installation" && installed:
		answer(w, http.StatusOK, map[string]any{"id": installationID, "app_slug": "assay"})
	case r.Method == http.MethodPost && r.URL.Path == fmt.Sprintf("/app/installations/%d/access_tokens", installationID) && installed:
		var asked struct{ Repositories []string }
		if json.NewDecoder(r.Body).Decode(&asked) != nil || len(asked.Repositories) != 1 || asked.Repositories[0] != "shop" {
			answer(w, http.StatusUnprocessableEntity, map[string]any{"message": "There is at least one repository that does not exist"})
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		token := fmt.Sprintf("ghs_%s%d", rand.Text(), len(f.tokens))
		f.tokens[token] = f.clock.Add(time.Hour)
		answer(w, http.StatusCreated, map[string]any{"token": token, "expires_at": f.tokens[token].UTC().Format(time.RFC3339)})
	default:
		answer(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
	}
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

// checkJWT applies GitHub's rules: RS256, issued by the app, not in the future,
// and good for at most ten minutes.
func (f *github) checkJWT(r *http.Request) error {
	var claims jwt.RegisteredClaims
	text := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	_, err := jwt.ParseWithClaims(text, &claims, func(*jwt.Token) (any, error) { return f.key, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(f.id), jwt.WithTimeFunc(f.now), jwt.WithIssuedAt(), jwt.WithExpirationRequired())
	if err != nil {
		return errors.New("A JSON web token could not be decoded")
	}
	if claims.ExpiresAt.Sub(f.now()) > 10*time.Minute {
		return errors.New("'Expiration time' claim ('exp') is too far in the future")
	}
	return nil
}

// openApp opens credentials for the repository acme/shop on a fake GitHub.
func openApp(t *testing.T, f *github, app App) *Credentials {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	app.API = server.URL
	c := open(t, Options{URL: "https://github.com/acme/shop.git", App: &app})
	c.now = f.now
	return c
}

func TestAppTokenIsRenewed(t *testing.T) {
	for _, id := range []int64{0, installationID} {
		f, app := newGitHub(t)
		app.Installation = id
		c := openApp(t, f, app)
		first := token(t, c)
		for range 3 {
			if token(t, c) != first {
				t.Error("a new token while the old one is good")
			}
		}
		// At every moment of two hours the token is good for minutes more.
		for range 60 {
			f.pass(2 * time.Minute)
			now := token(t, c)
			f.pass(4 * time.Minute)
			if !f.valid(now) {
				t.Fatal("the token ended within minutes of being handed out")
			}
			f.pass(-4 * time.Minute)
		}
		if f.valid(first) || f.issued() != 3 {
			t.Errorf("%d tokens in two hours, first still good: %v", f.issued(), f.valid(first))
		}
	}
}

func token(t *testing.T, c *Credentials) string {
	t.Helper()
	s, err := c.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAppTokenIsSharedAndScrubbed(t *testing.T) {
	f, app := newGitHub(t)
	c := openApp(t, f, app)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			s, err := c.Token(context.Background())
			if err != nil {
				t.Error(err)
			}
			lacks(t, "the scrubbed text", c.Scrub("remote: "+s+" is not allowed"), s)
		})
	}
	group.Wait()
	if f.issued() != 1 {
		t.Errorf("%d tokens for one moment", f.issued())
	}
}

// TestLoginsAreShared: many sessions at once get one token for each repository, and ask for one
// at a time; another key gets none of it.
func TestLoginsAreShared(t *testing.T) {
	f, app := newGitHub(t)
	var asking, most atomic.Int32
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), asking.Add(1)))
		defer asking.Add(-1)
		r.URL.Path = strings.Replace(r.URL.Path, "/repos/acme/cart/", "/repos/acme/shop/", 1)
		if body, err := io.ReadAll(r.Body); err == nil {
			r.Body = io.NopCloser(bytes.NewReader(bytes.Replace(body, []byte("cart"), []byte("shop"), 1)))
		}
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	app.API = api.URL
	logins := &Logins{}
	in := func(repo string, app App) *Credentials {
		c := open(t, Options{URL: "https://github.com/acme/" + repo + ".git", App: &app, Logins: logins})
		c.now = f.now
		return c
	}
	var group sync.WaitGroup
	for i := range 40 {
		c := in([]string{"shop", "cart"}[i%2], app)
		group.Go(func() {
			s, err := c.Token(context.Background())
			if err != nil {
				t.Error(err)
			}
			lacks(t, "the scrubbed text", c.Scrub("remote: "+s+" is not allowed"), s)
		})
	}
	group.Wait()
	if f.issued() != 2 || most.Load() != 1 {
		t.Errorf("%d tokens for two repositories, %d requests at once", f.issued(), most.Load())
	}
	_, stranger := newGitHub(t)
	other := app
	other.Key = stranger.Key
	if s, err := in("shop", other).Token(t.Context()); err == nil {
		t.Errorf("an app with another key got the token %s", s[:4])
	}
	if len(logins.grants) != 3 || len(logins.hosts) != 1 {
		t.Errorf("%d grants, %d hosts", len(logins.grants), len(logins.hosts))
	}
	for _, g := range logins.grants {
		g.used = time.Now().Add(-2 * kept)
	}
	in("shop", app)
	if len(logins.grants) != 1 {
		t.Errorf("%d grants are kept that nobody asks for", len(logins.grants)-1)
	}
}

func TestAppOverGit(t *testing.T) {
	f, app := newGitHub(t)
	api := httptest.NewServer(f)
	defer api.Close()
	app.API = api.URL
	root, commit := bareRepo(t, "shop.git")
	server := httptest.NewServer(http.StripPrefix("/acme", &backend{root: root, allow: func(r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		return user == "x-access-token" && f.valid(password)
	}}))
	defer server.Close()
	c := open(t, Options{URL: server.URL + "/acme/shop.git", App: &app})
	c.now = f.now
	for range 3 {
		out, err := runGit(t, c, root, "ls-remote", c.URL(), "main")
		if err != nil || out != commit+"\trefs/heads/main\n" {
			t.Fatalf("ls-remote: %v\n%s", err, out)
		}
		f.pass(58 * time.Minute)
	}
	if f.issued() != 3 {
		t.Errorf("%d tokens", f.issued())
	}
}

func TestAppRefusals(t *testing.T) {
	stranger, _ := newGitHub(t)
	tests := []struct {
		name   string
		change func(*github, *App)
		want   string
	}{
		{"another app's key", func(f *github, _ *App) { f.key = stranger.key }, "are the app's ID and its private key of the same app"},
		{"another app's ID", func(_ *github, a *App) { a.ID = "999" }, "are the app's ID and its private key of the same app"},
		{"not installed", func(f *github, _ *App) { f.removed = true }, "find its installation on acme/shop: the server answers 404: Not Found: is the app installed"},
		{"another installation", func(_ *github, a *App) { a.Installation = 78 }, "the installation's ID right"},
		{"our clock is an hour ahead", func(f *github, _ *App) { f.pass(-time.Hour) }, "the clock right"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, app := newGitHub(t)
			before := f.now()
			tt.change(f, &app)
			c := openApp(t, f, app)
			c.now = func() time.Time { return before }
			_, err := c.Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "eyJ") {
				t.Errorf("the error holds the app's JWT: %v", err)
			}
			if _, err := c.Access(t.Context()); err == nil {
				t.Error("there are settings without a token")
			}
		})
	}
}

// TestAppRefusalIsScrubbedBeforeItIsCut: half a token would not be found.
func TestAppRefusalIsScrubbedBeforeItIsCut(t *testing.T) {
	f, app := newGitHub(t)
	c := openApp(t, f, app)
	old := token(t, c)
	for padding := range 250 {
		said, err := json.Marshal(map[string]string{"message": strings.Repeat("x", padding) + old})
		if err != nil {
			t.Fatal(err)
		}
		lacks(t, "the error", c.app.refusal(&http.Response{StatusCode: http.StatusForbidden}, said).Error(), old[:6])
	}
}

func TestAppWaitsNoLongerThanAsked(t *testing.T) {
	f, app := newGitHub(t)
	c := openApp(t, f, app)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
