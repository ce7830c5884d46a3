package forge

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	tries        = 6
	firstBackoff = 200 * time.Millisecond
	lastBackoff  = 10 * time.Second
	tryLimit     = 30 * time.Second // for one request with its answer
	answerLimit  = 64 << 20         // bytes
)

var errTooLarge = fmt.Errorf("the answer has more than %d bytes", answerLimit)

// transport sends every request of a client library.
type transport struct {
	base   http.RoundTripper
	api    *url.URL
	scheme string // of the Authorization header
	token  func(context.Context) (string, error)
	pace   *Pace
	limit  time.Duration

	answered func(Answer) // may be nil
}

// RoundTrip sends a request, again where that is harmless: when it never left,
// when the forge turned it away for its rate limit, and, where the verb may be
// repeated, when the forge failed or the connection broke.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	seen := callOf(req.Context())
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		token, err := t.authorization(req)
		if err != nil {
			return nil, err
		}
		if err := t.pace.wait(req.Context(), req.Method, token); err != nil {
			return nil, err
		}
		if token, err = t.authorization(req); err != nil { // an app's may have ended meanwhile
			return nil, err
		}
		res, err := t.send(req, body, token, seen)
		switch {
		case err != nil:
			if try == tries || seen.sent && !seen.repeat || final(req.Context(), err) {
				return nil, err
			}
		case limited(res, seen.reason):
			until := retryAt(res)
			t.pace.block(token, until)
			if try == tries {
				return nil, &RateLimitError{Until: until}
			}
			continue
		case res.StatusCode < 500 || !seen.repeat || try == tries:
			return res, nil
		}
		if err := sleep(req.Context(), backoff(try)); err != nil {
			return nil, err
		}
	}
}

// send sends a request once and reads the whole answer, so that a connection
// that breaks in the middle of it shows here.
func (t *transport) send(req *http.Request, body []byte, token string, seen *call) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.limit)
	defer cancel()
	out := req.Clone(ctx)
	if body != nil {
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	out.Header.Del("Authorization")
	if token != "" {
		out.Header.Set("Authorization", t.scheme+" "+token)
	}
	seen.status, seen.reason = 0, ""
	res, err := t.base.RoundTrip(out)
	seen.sent = !unsent(err)
	t.tell(req, res)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(answer) > answerLimit {
		return nil, errTooLarge
	}
	if res.StatusCode >= 400 && token != "" {
		answer = bytes.ReplaceAll(answer, []byte(token), []byte("***"))
	}
	seen.note(res.StatusCode, answer)
	t.pace.heed(token, res)
	res.Body = io.NopCloser(bytes.NewReader(answer))
	res.ContentLength = int64(len(answer))
	return res, nil
}

// authorization is the token, for the forge's own API and nobody else: an answer
// may redirect elsewhere.
func (t *transport) authorization(req *http.Request) (string, error) {
	if req.URL.Host != t.api.Host || req.URL.Scheme != t.api.Scheme {
		return "", nil
	}
	token, err := t.token(req.Context())
	if err != nil {
		return "", fmt.Errorf("get the forge's token: %w", err)
	}
	if token == "" {
		return "", errors.New("the forge's token is empty")
	}
	return token, nil
}

// readBody takes the body out of a request, to be sent more than once.
func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body)
}

// unsent says that a request cannot have reached the forge.
func unsent(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// final says that another try would end in the same way.
func final(ctx context.Context, err error) bool {
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	return ctx.Err() != nil || errors.Is(err, errTooLarge) || errors.As(err, &certificate) ||
		errors.As(err, &name) && name.IsNotFound
}

// backoff is a random time up to a bound that doubles with every try, so that
// clients that failed together do not come back together.
func backoff(try int) time.Duration {
	bound := min(firstBackoff<<(try-1), lastBackoff)
	return rand.N(bound) //nolint:gosec // no secret
}
