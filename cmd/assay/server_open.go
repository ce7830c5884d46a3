package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/credential"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/repourl"
	"github.com/assaydev/assay/plugin"
)

// locate takes the place of the environment, and what the plugin gets, from
// the Application.
func (a *app) locate(ctx context.Context, opt *server, s *session) error {
	title, place, err := a.findApp(ctx, *opt)
	if err != nil {
		return err
	}
	s.call, err = plugin.FromEnv(func(key string) (string, bool) {
		switch key {
		case "ARGOCD_APP_NAME":
			return place.Name, true
		case "ARGOCD_APP_NAMESPACE":
			return place.Namespace, true
		case "ARGOCD_APP_PARAMETERS":
			return place.Parameters, place.Parameters != ""
		}
		plain, found := strings.CutPrefix(key, "ARGOCD_ENV_")
		value, ok := place.Env[plain]
		return value, found && ok
	})
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	s.app, s.cluster = title, place.Cluster
	opt.repo, opt.path = place.RepoURL, place.Path
	if opt.branch == "" && place.Revision != "HEAD" {
		opt.branch = place.Revision
	}
	return nil
}

// kind is the forge that --forge names, or that the URL tells of; empty
// without one.
func (s *server) kind(repo string) forge.Kind {
	switch s.forge {
	case forgeNone:
		return ""
	case forgeAuto:
		at, err := forge.Detect(repo)
		if err != nil {
			return ""
		}
		return at.Kind
	}
	return forge.Kind(s.forge)
}

// tokenVariable is where CI systems keep a forge's token. Each is for its own
// forge, so that no token goes to another.
func tokenVariable(kind forge.Kind) string {
	return map[forge.Kind]string{
		forge.GitHub: "GITHUB_TOKEN", forge.GitLab: "GITLAB_TOKEN", forge.Gitea: "GITEA_TOKEN", forge.Forgejo: "FORGEJO_TOKEN",
	}[kind]
}

// openCredentials reads what the flags and the environment name.
func (a *app) openCredentials(ctx context.Context, opt server, repo string) (*credential.Credentials, error) {
	o := credential.Options{
		URL: repo, AllowHTTP: opt.allowHTTP, Username: opt.username, Bearer: opt.bearer,
		Proxy: a.variable("HTTPS_PROXY", "https_proxy"), NoProxy: a.variable("NO_PROXY", "no_proxy"),
		Signing: credential.Signing{Format: opt.sign, Home: a.variable("GNUPGHOME"), Env: a.programs()},
	}
	if opt.sign != "openpgp" {
		o.Signing.Home = ""
	}
	if isSSH(repo) {
		if opt.sshKey == "" {
			o.SSHAgent = a.variable("SSH_AUTH_SOCK")
		}
		if opt.knownHosts == "" {
			opt.knownHosts = filepath.Join(a.variable("HOME"), ".ssh", "known_hosts")
		}
	} else {
		opt.sshKey, opt.knownHosts = "", ""
	}
	if err := a.readLogin(opt, repo, &o); err != nil {
		return nil, err
	}
	for _, file := range []struct {
		name string
		to   *[]byte
	}{{opt.sshKey, &o.SSHKey}, {opt.knownHosts, &o.KnownHosts}, {opt.ca, &o.CA}, {opt.signingKey, &o.Signing.Key}} {
		if err := a.readInto(file.to, file.name); err != nil {
			return nil, err
		}
	}
	var err error
	if o.Author, err = identity("--author", opt.author); err != nil {
		return nil, err
	}
	if o.Committer, err = identity("--committer", opt.committer); err != nil {
		return nil, err
	}
	return credential.Open(ctx, o)
}

func isSSH(repo string) bool {
	u, err := repourl.Parse(repo)
	return err == nil && u.Scheme == "ssh"
}

// readLogin takes what flags name, and what variables hold where there is none.
func (a *app) readLogin(opt server, repo string, o *credential.Options) error {
	var token, password, key []byte
	for _, file := range []struct {
		name string
		to   *[]byte
	}{{opt.tokenFile, &token}, {opt.passwordFile, &password}, {opt.githubAppKey, &key}} {
		if err := a.readInto(file.to, file.name); err != nil {
			return err
		}
	}
	o.Token, o.Password = string(token), string(password)
	if opt.githubApp != "" {
		o.App = &credential.App{ID: opt.githubApp, Installation: opt.githubInstallation, Key: key, API: opt.forgeAPI}
	}
	if o.Token != "" || o.Password != "" || o.App != nil {
		return nil
	}
	if o.Token = a.variable("ASSAY_TOKEN", tokenVariable(opt.kind(repo))); o.Token == "" {
		o.Password = a.variable("ASSAY_PASSWORD")
	}
	return nil
}

func (a *app) readInto(to *[]byte, name string) (err error) {
	if name != "" {
		*to, err = a.readInput(name)
	}
	return err
}

// variable is the first of the process's variables that is set.
func (a *app) variable(names ...string) string {
	for _, name := range names {
		if value, _ := a.env(name); name != "" && value != "" {
			return value
		}
	}
	return ""
}

func identity(flag, text string) (credential.Identity, error) {
	if text == "" {
		return credential.Identity{}, nil
	}
	at, err := mail.ParseAddress(text)
	if err != nil || at.Name == "" {
		return credential.Identity{}, usagef("%s %q: give it as \"Name <address>\"", flag, text)
	}
	return credential.Identity{Name: at.Name, Email: at.Address}, nil
}

// programs is as much of the process's environment as git and what signs need.
// The rest may hold secrets, and is none of their business.
func (a *app) programs() []string {
	var env []string
	for _, name := range []string{"PATH", "SYSTEMROOT", "TMPDIR"} {
		if value, ok := a.env(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// openRemote opens a repository for these credentials.
func (a *app) openRemote(ctx context.Context, c *credential.Credentials) (*remote.Remote, error) {
	local := c.Local()
	author, committer := c.Identities()
	opt := remote.Options{
		URL: c.URL(), Env: append(a.programs(), local.Env...), Config: local.Config, Scrub: c.Scrub, Sign: local.Sign,
		Author: remote.Identity(author), Committer: remote.Identity(committer),
		Access: func(ctx context.Context) (remote.Access, error) {
			g, err := c.Access(ctx)
			return remote.Access{Env: g.Env, Config: g.Config}, err
		},
	}
	if isTerminal(a.stderr) {
		opt.Step = func(text string) { a.notef("%s ...", text) }
	}
	return remote.Open(ctx, opt)
}

// openForge makes the client of the forge's API; nil where there is no token
// for it, so that people open the pull request.
func openForge(ctx context.Context, opt server, c *credential.Credentials, at forge.Repo) (*forge.Client, error) {
	_, err := c.Token(ctx)
	if errors.Is(err, credential.ErrNoToken) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return forge.Open(forge.Options{Repo: at, API: opt.forgeAPI, HTTP: c.HTTP(), Token: c.Token, UserAgent: "assay"})
}

// another opens the repository of a next environment. The plan names it, so
// that it gets the credentials only where that cannot give them away: on the
// host that they are for, or one that the operator names.
func (a *app) another(ctx context.Context, opt server, repo string) (*remote.Remote, func(), error) {
	host, err := repourl.Address(repo)
	if err != nil {
		return nil, nil, err
	}
	from, err := repourl.Address(opt.repo)
	if err != nil {
		return nil, nil, err
	}
	same := func(allowed string) bool { return strings.EqualFold(allowed, host) }
	switch {
	case host == from:
	case host == "":
		return nil, nil, errors.New("its repository is on this machine, and --repo on another host: name it by a URL")
	case !slices.ContainsFunc(opt.nextHosts, same):
		return nil, nil, fmt.Errorf("%s is another host than that of --repo: allow it to get the same credentials with --next-host %s", host, host)
	}
	c, err := a.openCredentials(ctx, opt, repo)
	if err != nil {
		return nil, nil, err
	}
	r, err := a.openRemote(ctx, c)
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return r, func() { _, _ = r.Close(), c.Close() }, nil
}
