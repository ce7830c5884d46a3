package reposecret

import (
	"context"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func secret(name, kind string, fields ...string) Secret {
	s := Secret{Name: name, Type: kind, Data: map[string][]byte{}}
	for pair := range slices.Chunk(fields, 2) {
		s.Data[pair[0]] = []byte(pair[1])
	}
	return s
}

func TestForChooses(t *testing.T) {
	const repo = "https://git.example.com/team/env.git"
	for name, test := range map[string]struct {
		repo    string
		secrets []Secret
		want    string
	}{
		"none":         {repo, nil, ""},
		"the very URL": {repo, []Secret{secret("a", "repository", "url", "https://git.example.com/team/env", "password", "x-secret-x")}, "a"},
		"to write before to read": {repo, []Secret{
			secret("a", "repository", "url", repo, "password", "x-secret-x"), secret("b", "repository-write", "url", repo, "password", "x-secret-x"),
		}, "b"},
		"Assay's own before all": {repo, []Secret{
			secret("b", "repository-write", "url", repo, "password", "x-secret-x"), secret("c", Own, "url", repo, "token", "x-secret-x"),
		}, "c"},
		"without a login another gives it": {repo, []Secret{
			secret("a", "repository", "url", repo), secret("b", "repo-creds", "url", "https://git.example.com/team", "password", "x-secret-x"),
		}, "b"},
		"the longest beginning": {repo, []Secret{
			secret("a", "repo-creds", "url", "https://git.example.com", "password", "x-secret-x"), secret("b", "repo-creds", "url", "https://git.example.com/team", "password", "x-secret-x"),
		}, "b"},
		"a beginning of another host": {"https://git.example.com.evil.net/team/env.git", []Secret{
			secret("a", "repo-creds", "url", "https://git.example.com", "password", "x-secret-x"),
		}, ""},
		"another port":    {"https://git.example.com:8443/team/env.git", []Secret{secret("a", "repo-creds", "url", "https://git.example.com/", "password", "x-secret-x")}, ""},
		"another scheme":  {"http://git.example.com/team/env.git", []Secret{secret("a", "repo-creds", "url", "https://git.example.com/", "password", "x-secret-x")}, ""},
		"another project": {repo, []Secret{secret("a", "repository", "url", repo, "password", "x-secret-x", "project", "theirs")}, ""},
		"this project":    {repo, []Secret{secret("a", "repository", "url", repo, "password", "x-secret-x", "project", "ours")}, "a"},
		"this project's before all projects'": {repo, []Secret{
			secret("a", "repository", "url", repo, "password", "x-secret-x"), secret("b", "repository", "url", repo, "password", "x-secret-x", "project", "ours"),
		}, "b"},
		"another case":    {repo, []Secret{secret("a", "repository", "url", "https://git.example.com/Team/Env", "password", "x-secret-x")}, "a"},
		"a Helm registry": {repo, []Secret{secret("a", "repository", "url", repo, "password", "x-secret-x", "type", "helm")}, ""},
		"another type":    {repo, []Secret{secret("a", "cluster", "url", repo, "password", "x-secret-x")}, ""},
		"ssh":             {"git@git.example.com:team/env.git", []Secret{secret("a", "repository", "url", "git@git.example.com:team/env", "sshPrivateKey", "k")}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Settings{Secrets: test.secrets}.For(test.repo, "ours")
			if err != nil || l.Secret != test.want {
				t.Errorf("chose %q, %v, want %q", l.Secret, err, test.want)
			}
		})
	}
}

func TestForFills(t *testing.T) {
	const repo = "https://git.example.com/team/env.git"
	s := Settings{
		TLS: map[string]string{"git.example.com": "PEM"}, KnownHosts: []byte("hosts"),
		Secrets: []Secret{
			secret("a", Own, "url", repo, "token", "x-secret-x\n", "forge", "gitea", "forgeAPI", "https://git.example.com/api/v1"),
			secret("b", "repository", "url", "git@git.example.com:team/env.git", "sshPrivateKey", "key"),
			secret("c", "repository-write", "url", "https://github.com/o/r", "githubAppID", "7", "githubAppInstallationID", "12", "githubAppPrivateKey", "pem"),
			secret("d", "repository", "url", "https://b.example.com/r", "bearerToken", "x-secret-x"),
		},
	}
	l, err := s.For(repo, "")
	if err != nil || l.Options.Token != "x-secret-x" || string(l.Options.CA) != "PEM" || l.Forge != "gitea" || l.ForgeAPI != "https://git.example.com/api/v1" || l.Options.KnownHosts != nil {
		t.Errorf("%+v, %v", l, err)
	}
	if l, err = s.For("git@git.example.com:team/env.git", ""); err != nil || string(l.Options.SSHKey) != "key" || string(l.Options.KnownHosts) != "hosts" {
		t.Errorf("%+v, %v", l, err)
	}
	if l, err = s.For("https://github.com/o/r", ""); err != nil || l.Options.App == nil || l.Options.App.Installation != 12 || l.Options.App.ID != "7" {
		t.Errorf("%+v, %v", l, err)
	}
	if l, err = s.For("https://b.example.com/r", ""); err != nil || !l.Options.Bearer || l.Options.Token != "x-secret-x" {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestCheckAPI: a password goes to the API of a forge on the repository's own server alone; a token
// of Assay's own Secret and a GitHub App go where their operator says.
func TestCheckAPI(t *testing.T) {
	const repo = "https://git.example.com/team/env.git"
	password, bearer := []string{"url", repo, "username", "ann", "password", "x-secret-x"}, []string{"url", repo, "bearerToken", "x-secret-x"}
	for name, test := range map[string]struct {
		fields []string
		api    string
		ok     bool
	}{
		"a password, the usual API":        {password, "", true},
		"a password, the same server":      {password, "https://GIT.example.com:443/api/v1", true},
		"a password, another host":         {password, "https://forge.example.com/api/v1", false},
		"a password, a host that ends so":  {password, "https://evil.git.example.com/api/v1", false},
		"a password, a host that looks so": {password, "https://git.example.com@evil.example/api/v1", false},
		"a password, another port":         {password, "https://git.example.com:8443/api/v1", false},
		"a password, in plain text":        {password, "http://git.example.com:443/api/v1", false},
		"a password, no URL":               {password, "forge", false},
		"a bearer token, the same server":  {bearer, "https://git.example.com/api/v1", true},
		"a bearer token, another host":     {bearer, "https://forge.example.com/api/v1", false},
		"a token beside a password":        {append([]string{"token", "x-token-of-the-forge"}, password...), "https://forge.example.com/api/v1", true},
		"a GitHub App beside a password":   {append([]string{"githubAppID", "7", "githubAppPrivateKey", "pem"}, password...), "https://forge.example.com/api/v1", true},
	} {
		l, err := Settings{Secrets: []Secret{secret("a", Own, test.fields...)}}.For(repo, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.CheckAPI(test.api); (err == nil) != test.ok || err != nil && strings.Contains(err.Error(), "x-secret-x") {
			t.Errorf("%s: %v", name, err)
		}
	}
	l, _ := Settings{Secrets: []Secret{secret("a", Own, append([]string{"token", "x-token-of-the-forge"}, password...)...)}}.For(repo, "")
	if l.Options.Token != "x-token-of-the-forge" || l.Options.Password != "" {
		t.Errorf("a token beside a password logs in with %+v", l.Options)
	}
}

// TestForRefuses: what is not honoured is named, and no message holds a secret.
func TestForRefuses(t *testing.T) {
	const repo = "https://git.example.com/r"
	for want, s := range map[string]Secret{
		"turns off the check":               secret("a", "repository", "url", repo, "password", "x-secret-x", "insecure", "true"),
		"TLS client certificate":            secret("a", "repository", "url", repo, "password", "x-secret-x", "tlsClientCertKey", "k"),
		"installationID is not a number":    secret("a", "repository", "url", repo, "githubAppPrivateKey", "x-secret-x", "githubAppInstallationID", "seven"),
		"installationID is not a number: c": secret("a", "repository", "url", repo, "githubAppPrivateKey", "x-secret-x", "githubAppInstallationID", "x-secret-x"),
	} {
		want = strings.Replace(want, "installationID", "githubAppInstallationID", 1)
		_, err := Settings{Secrets: []Secret{s}}.For(repo, "")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "x-secret-x") {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := (Settings{}).For("relative/path", ""); err == nil {
		t.Error("a path that is not absolute must be an error")
	}
}

// TestRead: Secrets and ConfigMaps as a cluster's API gives them.
func TestRead(t *testing.T) {
	var asked []string
	objects := map[string][]*unstructured.Unstructured{
		"secrets": {{Object: map[string]any{
			"metadata": map[string]any{"name": "a", "labels": map[string]any{TypeLabel: "repository"}},
			"data":     map[string]any{"url": "aHR0cHM6Ly9hL3I=", "password": "eC1zZWNyZXQteA=="},
		}}},
		"configmaps": {
			{Object: map[string]any{"metadata": map[string]any{"name": "argocd-ssh-known-hosts-cm"}, "data": map[string]any{"ssh_known_hosts": "hosts"}}},
			{Object: map[string]any{"metadata": map[string]any{"name": "argocd-tls-certs-cm"}, "data": map[string]any{"a": "PEM"}}},
			{Object: map[string]any{"metadata": map[string]any{"name": "argocd-cm"}, "data": map[string]any{"a": "other"}}},
		},
	}
	list := func(_ context.Context, r schema.GroupVersionResource, namespace, selector string) ([]*unstructured.Unstructured, error) {
		asked = append(asked, r.Resource+" "+namespace+" "+selector)
		return objects[r.Resource], nil
	}
	s, err := Read(t.Context(), list, "argocd")
	if err != nil || len(s.Secrets) != 1 || s.Secrets[0].text("password") != "x-secret-x" || string(s.KnownHosts) != "hosts" || s.TLS["a"] != "PEM" {
		t.Errorf("%+v, %v", s, err)
	}
	want := []string{"secrets argocd argocd.argoproj.io/secret-type in (assay-repository,repository-write,repo-write-creds,repository,repo-creds)", "configmaps argocd app.kubernetes.io/part-of=argocd"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked for %q", asked)
	}
	objects["secrets"][0].Object["data"] = map[string]any{"password": "x-secret-x!"}
	if _, err := Read(t.Context(), list, "argocd"); err == nil || strings.Contains(err.Error(), "x-secret-x") {
		t.Errorf("error %v", err)
	}
}
