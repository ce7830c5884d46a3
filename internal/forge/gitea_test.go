package forge_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaydev/assay/internal/forge"
)

// TestGiteaUndecided has Gitea's one refusal for what it has not looked at and
// for conflicts. Everything else of Gitea's is tested against a real one, in
// test/e2e.
func TestGiteaUndecided(t *testing.T) {
	for name, c := range map[string]struct {
		looked time.Duration // after so long it has been found mergeable
		want   error
	}{
		"it had not looked yet": {500 * time.Millisecond, forge.ErrTryAgain},
		"it is busy":            {15 * time.Second, forge.ErrTryAgain},
		"it conflicts":          {time.Hour, forge.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				opt := forge.Options{
					Repo:  forge.Repo{Kind: forge.Forgejo, Base: "https://codeberg.org", Path: path},
					Token: token(secret),
					HTTP: &http.Client{Transport: handler(func(w http.ResponseWriter, r *http.Request) {
						if r.Header.Get("Authorization") != "token "+secret {
							t.Errorf("authorized by %q", r.Header.Get("Authorization"))
						}
						if r.Method == http.MethodPost {
							w.WriteHeader(http.StatusMethodNotAllowed)
							_, _ = w.Write([]byte(`{"message": "Please try again later"}`))
							return
						}
						branch := map[string]any{"label": head, "sha": "abc", "repo_id": 1}
						_ = json.NewEncoder(w).Encode(map[string]any{
							"number": 1, "state": "open", "head": branch, "base": branch, "mergeable": time.Since(start) >= c.looked,
						})
					})},
				}
				client, err := forge.Open(opt)
				if err != nil {
					t.Fatal(err)
				}
				_, err = client.Merge(t.Context(), 1, forge.Merge{HeadSHA: "abc"})
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				mustHave(t, err, "merge pull request 1 of acme/shop on Forgejo", "Please try again later")
			})
		})
	}
}

// handler serves requests without a network.
type handler http.HandlerFunc

func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.String(), "https://codeberg.org/api/v1/repos/acme/shop/pulls/1") {
		return nil, errors.New("not asked for: " + r.URL.String())
	}
	w := httptest.NewRecorder()
	h(w, r)
	return w.Result(), nil
}
