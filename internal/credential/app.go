package credential

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// App is a GitHub App that is installed on the repository.
type App struct {
	// ID is the app's ID or its client ID.
	ID string
	// Installation is the installation's ID; 0 looks it up by the repository.
	Installation int64
	// Key is the app's private key in PEM.
	Key []byte
	// API is the base URL of GitHub's API; empty derives it from the
	// repository's host.
	API string
}

// earlier is how long before its end a token is renewed: a call that begins
// with it should also end with it.
const earlier = 5 * time.Minute

// installation is an app's hold on one repository, and its current token.
type installation struct {
	app         App
	key         *rsa.PrivateKey
	owner, repo string
	client      *http.Client
	secret      *scrubber

	grant *grant        // of the same app to the same repository, for all of the process
	host  chan struct{} // held while the API is asked for a token
}

func newInstallation(a App, allowHTTP bool, r remote, client *http.Client, secret *scrubber, logins *Logins) (*installation, error) {
	if a.ID = strings.TrimSpace(a.ID); a.ID == "" {
		return nil, errors.New("read GitHub App: it has no ID: give the app's ID or client ID")
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM(a.Key)
	if err != nil {
		return nil, errors.New("read private key of the GitHub App: it is not an RSA key in PEM: download one from the app's settings")
	}
	owner, repo, ok := r.repository()
	if !ok {
		return nil, errors.New("read GitHub App: the repository's URL does not end in owner/name, as GitHub's do")
	}
	if a.API == "" {
		a.API = githubAPI(r.host)
	}
	api, err := url.Parse(a.API)
	if err != nil || api.Host == "" || api.User != nil || api.Scheme != "https" && api.Scheme != "http" {
		return nil, errors.New("read URL of GitHub's API: give https://host/path, without a login in it")
	}
	a.API = strings.TrimRight(a.API, "/")
	i := &installation{app: a, key: key, owner: owner, repo: repo, client: client, secret: secret}
	i.grant, i.host = logins.of(a, owner+"/"+repo, api.Host)
	return i, checkPlain("GitHub API", api.Scheme, api.Hostname(), allowHTTP)
}

// githubAPI is where a GitHub host has its API.
func githubAPI(host string) string {
	if host == "github.com" || strings.HasSuffix(host, ".ghe.com") {
		return "https://api." + host
	}
	return "https://" + host + "/api/v3"
}

// token is the current one, or a new one if that ends soon.
func (i *installation) token(ctx context.Context, now time.Time) (string, error) {
	done, err := i.take(ctx, i.grant.turn)
	if err != nil {
		return "", err
	}
	defer done()
	if !now.Add(earlier).Before(i.grant.expires) {
		loggedIn, err := i.take(ctx, i.host)
		if err != nil {
			return "", err
		}
		err = i.renew(ctx, now)
		loggedIn()
		if err != nil {
			return "", fmt.Errorf("get token of GitHub App %s: %w", i.app.ID, err)
		}
	}
	i.secret.addToken(i.grant.current)
	return i.grant.current, nil
}

// take waits for a turn, which ends with done.
func (i *installation) take(ctx context.Context, turn chan struct{}) (done func(), err error) {
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("get token of GitHub App %s: %w", i.app.ID, context.Cause(ctx))
	}
}

func (i *installation) renew(ctx context.Context, now time.Time) error {
	if i.app.Installation == 0 {
		var found struct {
			ID int64 `json:"id"`
		}
		if err := i.call(ctx, now, http.MethodGet, "/repos/"+url.PathEscape(i.owner)+"/"+url.PathEscape(i.repo)+"/installation", nil, &found); err != nil {
			return fmt.Errorf("find its installation on %s/%s: %w", i.owner, i.repo, err)
		}
		i.app.Installation = found.ID
	}
	var made struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	// The token reaches this repository alone.
	body := map[string]any{"repositories": []string{i.repo}}
	path := "/app/installations/" + strconv.FormatInt(i.app.Installation, 10) + "/access_tokens"
	if err := i.call(ctx, now, http.MethodPost, path, body, &made); err != nil {
		return err
	}
	if err := checkSecret("token", made.Token); err != nil || made.Token == "" {
		return errors.New("the server's answer has no token in it")
	}
	i.grant.current, i.grant.expires = made.Token, made.ExpiresAt
	return nil
}

// assertion is the app's own proof of who it is. GitHub takes it for at most ten
// minutes, and our clock may be ahead of its.
func (i *installation) assertion(now time.Time) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer:    i.app.ID,
		IssuedAt:  jwt.NewNumericDate(now.Add(-time.Minute)),
		ExpiresAt: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	}).SignedString(i.key)
}

func (i *installation) call(ctx context.Context, now time.Time, method, path string, body, answer any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, i.app.API+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	assertion, err := i.assertion(now)
	if err != nil {
		return fmt.Errorf("sign with the app's key: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+assertion)
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	response, err := i.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	const most = 1 << 20
	data, err = io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if response.StatusCode/100 != 2 {
		return i.refusal(response, data)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return errors.New("the server's answer is not GitHub's JSON: is the URL of the API right?")
	}
	return nil
}

// refusal is what GitHub said, and what mends the usual causes.
func (i *installation) refusal(response *http.Response, data []byte) error {
	var said struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(data, &said) != nil || said.Message == "" {
		said.Message = http.StatusText(response.StatusCode)
	}
	// First scrubbed, then cut: a part of a secret would not be found.
	const most = 200
	said.Message = i.secret.scrub(said.Message)
	said.Message = strings.ToValidUTF8(said.Message[:min(len(said.Message), most)], "")
	mend := ""
	switch response.StatusCode {
	case http.StatusUnauthorized:
		mend = ": are the app's ID and its private key of the same app, and the clock right?"
	case http.StatusNotFound, http.StatusUnprocessableEntity:
		mend = ": is the app installed on the repository, and the installation's ID right?"
	}
	return fmt.Errorf("the server answers %d: %s%s", response.StatusCode, said.Message, mend)
}
