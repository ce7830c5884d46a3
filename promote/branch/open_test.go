package branch

import (
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/credential"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/reposecret"
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
			const known = "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"
			asked := false
			opt := Options{URL: test.repo, NextHosts: test.hosts, Forge: NoForge, Process: git.Process{TempDir: t.TempDir()}, Credentials: func(repo string) (credential.Options, error) {
				asked = true
				return credential.Options{URL: repo, Token: "a-token-of-ours", KnownHosts: []byte(known), TempDir: t.TempDir()}, nil
			}}
			_, done, err := opt.another(t.Context(), test.next)
			if err == nil {
				defer done()
			}
			if test.host == "" {
				// Of SSH there is no key here: what asks for one is past the hosts.
				if bySSH := !strings.HasPrefix(test.next, "https:"); bySSH == (err == nil) || err != nil && strings.Contains(err.Error(), "another host") {
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

// TestAsArgoCD: which API gets a login of Argo CD's.
func TestAsArgoCD(t *testing.T) {
	const repo = "https://git.example.com/shop/envs.git"
	settings := func(kind string, fields map[string]string) reposecret.Settings {
		s := reposecret.Secret{Name: "envs", Type: kind, Data: map[string][]byte{"url": []byte(repo)}}
		for name, text := range fields {
			s.Data[name] = []byte(text)
		}
		return reposecret.Settings{Secrets: []reposecret.Secret{s}}
	}
	password := map[string]string{"username": "ann", "password": "x-secret-x"}
	for name, test := range map[string]struct {
		settings reposecret.Settings
		opt      Options // of the flags
		api, err string
	}{
		"a password, and the flag's API on its server":   {settings("repository", password), Options{Forge: forge.Gitea, ForgeAPI: "https://git.example.com/api/v1"}, "https://git.example.com/api/v1", ""},
		"a password, and the flag's API elsewhere":       {settings("repository", password), Options{Forge: forge.Gitea, ForgeAPI: "https://forge.example.com/api/v1"}, "", ""},
		"a password, and the flag's API on another port": {settings("repository", password), Options{Forge: forge.Gitea, ForgeAPI: "https://git.example.com:8443/api/v1"}, "", "Secret envs: it has a password or bearer token for git.example.com alone"},
		"a password, and the Secret's API elsewhere": {
			settings(reposecret.Own, map[string]string{"username": "ann", "password": "x-secret-x", "forge": "gitea", "forgeAPI": "https://forge.example.com/api/v1"}),
			Options{},
			"", "the forge's API is at forge.example.com: give a token for that in the field token",
		},
		"a token, and the Secret's API elsewhere": {
			settings(reposecret.Own, map[string]string{"token": "x-secret-x", "forge": "gitea", "forgeAPI": "https://forge.example.com/api/v1"}),
			Options{},
			"https://forge.example.com/api/v1", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			opt := test.opt
			opt.URL = repo
			err := opt.As(test.settings, "", func(*credential.Options) error { return nil })
			switch {
			case test.err == "" && (err != nil || opt.ForgeAPI != test.api):
				t.Errorf("the API is %q, %v", opt.ForgeAPI, err)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "x-secret-x")):
				t.Errorf("error %v", err)
			}
		})
	}
}
