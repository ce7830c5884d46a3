package controller

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Notify says where the webhook listens, and who may call it.
type Notify struct {
	Address string // empty for none
	Secret  []byte // of the bearer token, GitLab's token, and the HMAC of a body
}

// largestCall is the most of a body that is read.
const largestCall = 1 << 20

// handler takes calls of Iter8's notification/http task and of forges' webhooks. A call
// only hastens the next look at what is under way: nothing in its body is read but for
// the signature over it.
func (n Notify) handler(hasten func()) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /notify", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestCall))
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			http.Error(w, "the body is larger than 1 MiB", http.StatusRequestEntityTooLarge)
		case err != nil:
			http.Error(w, "the body cannot be read", http.StatusBadRequest)
		case !n.knows(r.Header, body):
			http.Error(w, "send the secret as a bearer token, or sign the body with it", http.StatusUnauthorized)
		default:
			hasten()
			w.WriteHeader(http.StatusAccepted)
		}
	})
	return mux
}

// knows reports whether a call proves that it knows the secret: by a bearer token as
// Iter8 sends it, by GitLab's token, or by the signature of GitHub, Gitea or Forgejo.
func (n Notify) knows(header http.Header, body []byte) bool {
	if len(n.Secret) == 0 {
		return false
	}
	if token, found := strings.CutPrefix(header.Get("Authorization"), "Bearer "); found {
		return subtle.ConstantTimeCompare([]byte(token), n.Secret) == 1
	}
	if token := header.Get("X-Gitlab-Token"); token != "" {
		return subtle.ConstantTimeCompare([]byte(token), n.Secret) == 1
	}
	for _, name := range []string{"X-Hub-Signature-256", "X-Gitea-Signature", "X-Forgejo-Signature"} {
		sum, err := hex.DecodeString(strings.TrimPrefix(header.Get(name), "sha256="))
		if err == nil && len(sum) > 0 {
			mac := hmac.New(sha256.New, n.Secret)
			mac.Write(body)
			return hmac.Equal(sum, mac.Sum(nil))
		}
	}
	return false
}
