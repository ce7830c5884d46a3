package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaydev/assay/test/gitserver"
)

// TestNextHosts: a plan names other repositories, and who runs the command says
// which hosts may get its credentials.
func TestNextHosts(t *testing.T) {
	const home = "https://git.example.com/shop/envs.git"
	for name, test := range map[string]struct {
		repo, next string
		hosts      []string
		host       string // that is refused
	}{
		"same host":             {home, "https://git.example.com/shop/live.git", nil, ""},
		"same host, large":      {home, "https://GIT.example.com/shop/live.git", nil, ""},
		"by ssh":                {home, "git@git.example.com:shop/live.git", nil, ""},
		"by ssh, in full":       {home, "ssh://git@git.example.com/shop/live.git", nil, ""},
		"allowed":               {home, "https://other.example.com/shop/live.git", []string{"other.example.com"}, ""},
		"allowed among others":  {home, "git@other.example.com:shop/live.git", []string{"a.example.com", "Other.example.com"}, ""},
		"another host":          {home, "https://other.example.com/shop/live.git", nil, "other.example.com"},
		"another port":          {home, "https://git.example.com:8443/shop/live.git", nil, "git.example.com:8443"},
		"allowed on no port":    {home, "https://other.example.com:8443/live.git", []string{"other.example.com"}, "other.example.com:8443"},
		"looks like it":         {home, "https://git.example.com@evil.example/shop/live.git", nil, "evil.example"},
		"ends like it":          {home, "https://evil.git.example.com/shop/live.git", nil, "evil.git.example.com"},
		"short form of another": {home, "git@evil.example:git.example.com/live.git", nil, "evil.example"},
		"a path":                {home, "/srv/live.git", nil, "on this machine"},
		"a file":                {home, "file:///srv/live.git", nil, "on this machine"},
		"a program":             {home, "ext::sh -c true", nil, "neither a URL"},
		"short, without a user": {"git.example.com:shop/envs.git", "evil.example:shop/live.git", nil, "evil.example"},
		"short, on a path":      {"git.example.com:shop/envs.git", "/srv/live.git", nil, "on this machine"},
		"short, same host":      {"git.example.com:shop/envs.git", "ssh://git.example.com:22/live.git", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			known := filepath.Join(t.TempDir(), "known_hosts")
			if err := os.WriteFile(known, []byte("git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			asked := false
			env := func(variable string) (string, bool) {
				asked = asked || variable == "ASSAY_TOKEN"
				return map[string]string{"ASSAY_TOKEN": "a-token-of-ours"}[variable], variable == "ASSAY_TOKEN"
			}
			a := &app{env: env, stderr: &bytes.Buffer{}}
			opt := server{repo: test.repo, nextHosts: test.hosts, forge: forgeNone, knownHosts: known}
			_, done, err := a.another(t.Context(), opt, test.next)
			if err == nil {
				defer done()
			}
			if test.host == "" {
				// Of SSH there is no key here: what asks for one is past the hosts.
				if bySSH := isSSH(test.next); bySSH == (err == nil) || err != nil && strings.Contains(err.Error(), "another host") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.host) || !strings.Contains(err.Error(), " host") || asked {
				t.Errorf("error %v, credentials were asked for: %v", err, asked)
			}
		})
	}
}

// TestBearerIsSentOnce: git adds a header for each setting of it, and servers
// refuse two logins.
func TestBearerIsSentOnce(t *testing.T) {
	const token = "a-token-of-ours"
	backend, repo := gitserver.Serve(t, gitserver.Files(map[string]string{"prod/web.yaml": "{}\n"})...)
	logins := map[int]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		logins[len(req.Header.Values("Authorization"))]++
		if req.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "who are you?", http.StatusForbidden)
			return
		}
		backend.ServeHTTP(w, req)
	}))
	defer server.Close()
	var stdout, stderr bytes.Buffer
	env := func(name string) (string, bool) {
		return map[string]string{"ASSAY_TOKEN": token, "PATH": os.Getenv("PATH")}[name], name == "ASSAY_TOKEN" || name == "PATH"
	}
	args := []string{"candidate", "show", "--bearer", "--path", "prod", "--repo", server.URL + strings.TrimPrefix(repo.URL, backend.URL)}
	if code := run(t.Context(), args, env, strings.NewReader(""), &stdout, &stderr); code != exitDone {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
	if len(logins) != 1 || logins[1] == 0 {
		t.Errorf("requests by the number of their logins: %v", logins)
	}
}
