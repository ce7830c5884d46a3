package gitea

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// Repo makes a repository of the administrator's with a first commit on main,
// and returns the URL that git reaches it by, without credentials.
func (s *Server) Repo(ctx context.Context, name string, private bool) (string, error) {
	var repo struct {
		CloneURL string `json:"clone_url"`
	}
	err := s.call(ctx, http.MethodPost, "/api/v1/user/repos", map[string]any{
		"name": name, "private": private, "auto_init": true, "default_branch": "main",
	}, &repo)
	return repo.CloneURL, err
}

// NewToken makes a token of the administrator's that may do no more than its
// scopes, such as write:repository.
func (s *Server) NewToken(ctx context.Context, name string, scopes ...string) (string, error) {
	var token struct{ SHA1 string }
	err := s.call(ctx, http.MethodPost, "/api/v1/users/"+s.User+"/tokens", map[string]any{"name": name, "scopes": scopes}, &token)
	return token.SHA1, err
}

// AddKey lets the administrator in by SSH with the private half of a public key.
func (s *Server) AddKey(ctx context.Context, title, key string) error {
	return s.call(ctx, http.MethodPost, "/api/v1/user/keys", map[string]any{"title": title, "key": key}, nil)
}

// Protect makes a rule for a branch: merging needs so many approvals.
func (s *Server) Protect(ctx context.Context, repo, branch string, approvals int) error {
	return s.call(ctx, http.MethodPost, "/api/v1/repos/"+s.User+"/"+repo+"/branch_protections", map[string]any{
		"rule_name": branch, "required_approvals": approvals, "block_admin_merge_override": true,
	}, nil)
}

// Comments are the texts below a pull request, the oldest first.
func (s *Server) Comments(ctx context.Context, repo string, pull int64) ([]string, error) {
	var list []struct{ Body string }
	err := s.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/repos/%s/%s/issues/%d/comments", s.User, repo, pull), nil, &list)
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = c.Body
	}
	return texts, err
}

// call asks the API as the administrator, with the password: a token cannot
// make tokens.
func (s *Server) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(s.User, password)
	req.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// Login signs the administrator in, and returns the browser's cookies.
func (s *Server) Login(ctx context.Context) (http.CookieJar, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	form := url.Values{"user_name": {s.User}, "password": {password}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/user/login", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := (&http.Client{Jar: jar, Transport: s.client.Transport}).Do(req)
	if err != nil {
		return nil, err
	}
	return jar, res.Body.Close()
}
