package main

import (
	"context"
	"fmt"
	"net/mail"
	"path/filepath"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/credential"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/reposecret"
	"github.com/assaydev/assay/internal/repourl"
	"github.com/assaydev/assay/promote/branch"
)

// credentials reads what the flags and the environment name for a repository.
func (a *app) credentials(opt serverFlags, repo string) (credential.Options, error) {
	o := credential.Options{
		URL: repo, AllowHTTP: opt.allowHTTP, Username: opt.username, Bearer: opt.bearer,
		Proxy: a.variable("HTTPS_PROXY", "https_proxy"), NoProxy: a.variable("NO_PROXY", "no_proxy"),
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
		return o, err
	}
	for _, file := range []struct {
		flag, name string
		to         *[]byte
	}{{"ssh-key", opt.sshKey, &o.SSHKey}, {"known-hosts", opt.knownHosts, &o.KnownHosts}, {"ca-file", opt.ca, &o.CA}} {
		if err := a.readInto(file.to, file.name); err != nil {
			return o, fmt.Errorf("--%s: %w", file.flag, err)
		}
	}
	return o, a.signs(opt, &o)
}

// signs says who commits, and with which key.
func (a *app) signs(opt serverFlags, o *credential.Options) (err error) {
	o.TempDir = a.process.TempDir
	o.Signing = credential.Signing{Format: opt.sign, Env: a.programs().Env}
	if opt.sign == "openpgp" {
		o.Signing.Home = a.variable("GNUPGHOME")
	}
	if err := a.readInto(&o.Signing.Key, opt.signingKey); err != nil {
		return err
	}
	if o.Author, err = identity("--author", opt.author); err != nil {
		return err
	}
	o.Committer, err = identity("--committer", opt.committer)
	return err
}

// asArgoCD has a branch opened with the logins that Argo CD has.
func (a *app) asArgoCD(ctx context.Context, f serverFlags, project string, opt *branch.Options) error {
	for name, given := range map[string]string{
		"username": f.username, "token-file": f.tokenFile, "password-file": f.passwordFile, "ssh-key": f.sshKey, "github-app": f.githubApp, "github-app-key": f.githubAppKey,
		"known-hosts": f.knownHosts, "ca-file": f.ca,
	} {
		if given != "" {
			return cli.Usagef("--argocd-credentials takes the login, hosts and certificates from Argo CD: leave out --%s", name)
		}
	}
	c, err := a.openCluster(f)
	if err != nil {
		return fmt.Errorf("--argocd-credentials: %w", err)
	}
	namespace := application.Name{}.Or(c.Namespace).Namespace
	settings, err := reposecret.Read(ctx, c.ListAll, namespace)
	if err != nil {
		return fmt.Errorf("--argocd-credentials: %w", err)
	}
	if own, err := settings.For(opt.URL, project); err == nil && own.Secret == "" {
		a.notef("no Secret of the namespace %s has a login for the repository: going on without one", namespace)
	}
	return opt.As(settings, project, func(o *credential.Options) error {
		o.AllowHTTP = f.allowHTTP
		return a.signs(f, o)
	})
}

func isSSH(repo string) bool {
	u, err := repourl.Parse(repo)
	return err == nil && u.Scheme == "ssh"
}

// tokenVariable is where CI systems keep a forge's token. Each is for its own
// forge, so that no token goes to another.
func tokenVariable(kind forge.Kind) string {
	return map[forge.Kind]string{
		forge.GitHub: "GITHUB_TOKEN", forge.GitLab: "GITLAB_TOKEN", forge.Gitea: "GITEA_TOKEN", forge.Forgejo: "FORGEJO_TOKEN",
	}[kind]
}

// readLogin takes what flags name, and what variables hold where there is none.
func (a *app) readLogin(opt serverFlags, repo string, o *credential.Options) error {
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
	if o.Token = a.variable("ASSAY_TOKEN", tokenVariable(opt.kindOf(repo))); o.Token == "" {
		o.Password = a.variable("ASSAY_PASSWORD")
	}
	return nil
}

func (a *app) readInto(to *[]byte, name string) (err error) {
	if name != "" {
		*to, err = a.input.Read(name)
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

func identity(flag, text string) (git.Identity, error) {
	if text == "" {
		return git.Identity{}, nil
	}
	at, err := mail.ParseAddress(text)
	if err != nil || at.Name == "" {
		return git.Identity{}, cli.Usagef("%s %q: give it as \"Name <address>\"", flag, text)
	}
	return git.Identity{Name: at.Name, Email: at.Address}, nil
}

// programs is as much of the process's environment as git and what signs need.
// They do not get the rest, which may hold secrets.
func (a *app) programs() git.Process {
	p := git.Process{TempDir: a.process.TempDir}
	for _, name := range []string{"PATH", "SYSTEMROOT", "TMPDIR"} {
		if value, ok := a.env(name); ok {
			p.Env = append(p.Env, name+"="+value)
		}
	}
	return p
}
