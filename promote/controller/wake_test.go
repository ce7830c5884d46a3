package controller

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/util/workqueue"

	"github.com/assaydev/assay/internal/spec"
)

// TestNotify: who knows the secret hastens the next look, and nobody else.
func TestNotify(t *testing.T) {
	const secret, body = "a-secret-of-some-length", `{"after":"0000"}`
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	sum := hex.EncodeToString(mac.Sum(nil))
	for name, test := range map[string]struct {
		method, header, value, body string
		want                        int
	}{
		"Iter8's bearer token":          {"POST", "Authorization", "Bearer " + secret, body, 202},
		"GitHub's signature":            {"POST", "X-Hub-Signature-256", "sha256=" + sum, body, 202},
		"Gitea's signature":             {"POST", "X-Gitea-Signature", sum, body, 202},
		"GitLab's token":                {"POST", "X-Gitlab-Token", secret, body, 202},
		"nothing":                       {"POST", "", "", body, 401},
		"a wrong token":                 {"POST", "Authorization", "Bearer x" + secret, body, 401},
		"an empty token":                {"POST", "Authorization", "Bearer ", body, 401},
		"the signature of another body": {"POST", "X-Hub-Signature-256", "sha256=" + sum, body + " ", 401},
		"a signature that is none":      {"POST", "X-Hub-Signature-256", "sha256=zz", body, 401},
		"an empty signature":            {"POST", "X-Hub-Signature-256", "sha256=", body, 401},
		"another method":                {"GET", "Authorization", "Bearer " + secret, "", 405},
		"a body without end":            {"POST", "Authorization", "Bearer " + secret, strings.Repeat("x", 2<<20), 413},
	} {
		t.Run(name, func(t *testing.T) {
			called := 0
			r := httptest.NewRequestWithContext(t.Context(), test.method, "/notify", bytes.NewReader([]byte(test.body)))
			if test.header != "" {
				r.Header.Set(test.header, test.value)
			}
			rec := httptest.NewRecorder()
			Notify{Secret: []byte(secret)}.handler(func() { called++ }).ServeHTTP(rec, r)
			if rec.Code != test.want || (called == 1) != (test.want == http.StatusAccepted) {
				t.Errorf("status %d, called %d times, want %d", rec.Code, called, test.want)
			}
		})
	}
	rec := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/notify", nil)
	r.Header.Set("Authorization", "Bearer ")
	Notify{}.handler(func() { t.Error("without a secret, a call was let in") }).ServeHTTP(rec, r)
}

func TestIndex(t *testing.T) {
	x := newIndex()
	key := func(dir string) Key { return Key{"git.example.com/r", "", spec.Environment{Dir: dir}} }
	has := func(what string, got []Key, want ...string) {
		t.Helper()
		var dirs []string
		for _, k := range got {
			dirs = append(dirs, k.Dir)
		}
		slices.Sort(dirs)
		if !slices.Equal(dirs, want) {
			t.Errorf("%s: %q, want %q", what, dirs, want)
		}
	}
	has("an ID that nobody tests", x.testing("e1", "web"))
	x.test(key("cart"), "e1", "web", "db")
	x.test(key("shop"), "e1", "web")
	x.test(key("none"), "e1")
	has("the ID of two", x.testing("e1", "web"), "cart", "shop")
	has("in another namespace", x.testing("e1", "theirs"))
	x.test(key("cart"), "e2")
	has("the ID of before", x.testing("e1", "web"), "shop")
	x.mark(key("cart"), true)
	has("under way", x.underWay(), "cart")
	x.mark(key("cart"), false)
	has("no more", x.underWay())
}

// TestIndexForgets: nothing is left of environments that came and went.
func TestIndexForgets(t *testing.T) {
	x := newIndex()
	for i := range 1000 {
		key := Key{Repo: fmt.Sprint("r", i)}
		x.test(key, fmt.Sprint("e", i%10))
		x.test(key, fmt.Sprint("e", i%7), "web")
		x.mark(key, true)
	}
	if got := len(x.testing("e1", "web")); got != 143 {
		t.Errorf("%d environments test e1", got)
	}
	for i := range 1000 {
		x.forget(Key{Repo: fmt.Sprint("r", i)})
	}
	if len(x.id)+len(x.tests)+len(x.under) > 0 {
		t.Errorf("left are %d IDs, %d tests, %d under way", len(x.id), len(x.tests), len(x.under))
	}
}

// TestStorm: a storm of calls has everything looked at that is under way once at once, and once
// more after a while.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newIndex()
		x.mark(Key{Repo: "r"}, true)
		q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[Key]())
		w := &watches{index: x, queue: q, started: make(chan struct{}), hurried: make(chan struct{}, 1)}
		close(w.started)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.hurry(ctx) }()
		looked := 0
		for range 50 {
			for range 100 {
				w.hasten()
			}
			synctest.Wait()
			for q.Len() > 0 {
				key, _ := q.Get()
				q.Done(key)
				looked++
			}
			time.Sleep(100 * time.Millisecond)
		}
		if looked < 2 || looked > 4 {
			t.Errorf("5 s of calls had it looked at %d times", looked)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		q.ShutDown()
		synctest.Wait()
	})
}
