// Package reposecret reads how Argo CD reaches a repository, from the Secrets and
// ConfigMaps that it keeps beside itself.
//
//  1. Settings holds them, as the cluster has them.
//  2. For chooses the Secret of a repository for writing: Assay's own, then those that
//     Argo CD writes with, then those that it reads with; a whole URL before the
//     beginning of one.
//  3. Its fields become what package credential takes, with the hosts and
//     certificates that Argo CD trusts.
//
// Labels and fields are those of Argo CD's documentation, "Declarative Setup". No error
// quotes a Secret.
package reposecret

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assaydev/assay/internal/credential"
	"github.com/assaydev/assay/internal/repourl"
)

// TypeLabel says of a Secret what it is for.
const TypeLabel = "argocd.argoproj.io/secret-type"

// Own is the type of Assay's own Secrets, which Argo CD does not read. They have the same
// fields, and forge, forgeAPI and token.
const Own = "assay-repository"

// The types, the first counts.
var types = []string{Own, "repository-write", "repo-write-creds", "repository", "repo-creds"}

// Types lists what TypeLabel may be.
func Types() []string { return slices.Clone(types) }

// Secret is one Secret. Its name is for messages.
type Secret struct {
	Name string
	Type string
	Data map[string][]byte
}

func (s Secret) text(field string) string { return strings.TrimSpace(string(s.Data[field])) }

// prefix reports whether it is for every repository whose URL begins as its own does.
func (s Secret) prefix() bool { return strings.HasSuffix(s.Type, "creds") }

// Settings are what Argo CD has.
type Settings struct {
	Secrets    []Secret
	KnownHosts []byte            // of argocd-ssh-known-hosts-cm
	TLS        map[string]string // of argocd-tls-certs-cm: PEM by host
}

// Login is how to reach a repository.
type Login struct {
	Secret   string // that it is from, for people; empty without one
	Options  credential.Options
	Forge    string // of Assay's own Secret
	ForgeAPI string

	gitOnly bool // it is for Git's server: a password, or a bearer token
}

// CheckAPI is an error where the login may not go to the API of a forge at a URL; empty is the
// usual one of the repository's host. The field token and a GitHub App are for the forge,
// wherever its API is. A password or bearer token is for the repository's server: a forge
// there takes it in place of a token, and no other server gets it.
func (l Login) CheckAPI(api string) error {
	if !l.gitOnly || api == "" {
		return nil
	}
	repo, err := repourl.Parse(l.Options.URL)
	if err != nil {
		return fmt.Errorf("read URL of the repository: %w", err)
	}
	at, err := repourl.Parse(api)
	if err != nil {
		return fmt.Errorf("read URL of the forge's API: %w", err)
	}
	if at.Scheme != repo.Scheme || at.Address() != repo.Address() {
		return fmt.Errorf("read Secret %s: it has a password or bearer token for %s alone, and the forge's API is at %s: give a token for that in the field token of a Secret with the label %s: %s",
			l.Secret, repo.Address(), at.Address(), TypeLabel, Own)
	}
	return nil
}

// For is the login for a repository, for an Application of the project. Without a Secret
// that holds one, it is anonymous.
func (s Settings) For(repo, project string) (Login, error) {
	u, err := repourl.Parse(repo)
	if err != nil {
		return Login{}, fmt.Errorf("read URL of the repository: %w", err)
	}
	l := Login{Options: credential.Options{URL: repo, CA: []byte(s.TLS[u.Host])}}
	if u.Scheme == "ssh" {
		l.Options.KnownHosts = s.KnownHosts
	}
	found, ok := s.choose(u, project)
	if !ok {
		return l, nil
	}
	l.Secret, l.Forge, l.ForgeAPI = found.Name, found.text("forge"), found.text("forgeAPI")
	if err := found.fill(&l, u); err != nil {
		return Login{}, fmt.Errorf("read Secret %s: %w", found.Name, err)
	}
	return l, nil
}

// choose finds the Secret. One without a login is passed over, as by Argo CD: what it
// leaves out, one of a lower rank gives.
func (s Settings) choose(u repourl.URL, project string) (Secret, bool) {
	var found []Secret
	for _, secret := range s.Secrets {
		scope := secret.text("project")
		if slices.Contains(types, secret.Type) && (scope == "" || scope == project) && secret.logsIn() && secret.covers(u) {
			found = append(found, secret)
		}
	}
	if len(found) == 0 {
		return Secret{}, false
	}
	slices.SortFunc(found, func(a, b Secret) int {
		if by := slices.Index(types, a.Type) - slices.Index(types, b.Type); by != 0 {
			return by
		}
		if by := len(b.text("url")) - len(a.text("url")); by != 0 {
			return by // the longest beginning
		}
		if by := len(b.text("project")) - len(a.text("project")); by != 0 {
			return by // one of the project before one of all
		}
		return strings.Compare(a.Name, b.Name)
	})
	return found[0], true
}

// logsIn reports whether it holds a login for Git.
func (s Secret) logsIn() bool {
	return slices.ContainsFunc([]string{"password", "token", "bearerToken", "sshPrivateKey", "githubAppPrivateKey"}, func(field string) bool { return s.text(field) != "" })
}

// covers reports whether it is for a repository. Its host has to be the very one: a beginning
// alone, as https://github.com, is that of other hosts too.
func (s Secret) covers(u repourl.URL) bool {
	if kind := s.text("type"); kind != "" && kind != "git" {
		return false
	}
	own, err := repourl.Parse(s.text("url"))
	if err != nil || own.Scheme != u.Scheme || own.Address() != u.Address() {
		return false
	}
	if s.prefix() {
		return strings.HasPrefix(strings.ToLower(strings.TrimPrefix(u.Path, "/")), strings.ToLower(strings.TrimPrefix(own.Path, "/")))
	}
	return own.Repository() == u.Repository()
}

// fill writes the login.
func (s Secret) fill(l *Login, u repourl.URL) error {
	o := &l.Options
	o.Username, o.Proxy, o.NoProxy = s.text("username"), s.text("proxy"), s.text("noProxy")
	switch {
	case s.text("insecure") == "true" || s.text("insecureIgnoreHostKey") == "true":
		return errors.New("it turns off the check of the server's certificate or host key, and whoever answers would get the login: trust the server's certificate in argocd-tls-certs-cm, or its key in argocd-ssh-known-hosts-cm")
	case s.text("tlsClientCertKey") != "":
		return errors.New("it logs in with a TLS client certificate, which is not supported: give a token or an SSH key in a Secret with the label " + TypeLabel + ": " + Own)
	case s.text("githubAppPrivateKey") != "":
		return s.app(o)
	}
	if u.Scheme == "ssh" {
		o.SSHKey = s.Data["sshPrivateKey"]
		o.Token = s.text("token")
		return nil
	}
	switch {
	case s.text("token") != "":
		o.Token = s.text("token")
	case s.text("bearerToken") != "":
		o.Token, o.Bearer, l.gitOnly = s.text("bearerToken"), true, true
	default:
		// A forge takes a token in place of a password, and its API takes nothing else.
		o.Token, l.gitOnly = s.text("password"), true
	}
	return nil
}

// app writes the login of a GitHub App.
func (s Secret) app(o *credential.Options) error {
	app := &credential.App{ID: s.text("githubAppID"), Key: s.Data["githubAppPrivateKey"], API: s.text("githubAppEnterpriseBaseUrl")}
	if text := s.text("githubAppInstallationID"); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return errors.New("githubAppInstallationID is not a number: copy it from the URL of the installation's settings")
		}
		app.Installation = id
	}
	o.App = app
	return nil
}
