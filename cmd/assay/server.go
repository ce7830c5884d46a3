package main

import (
	"context"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/assaydev/assay/internal/spec"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/credential"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote/branch"
	"github.com/assaydev/assay/render"
)

// server is the flags that name a branch on a server, and say who asks.
type server struct {
	repo, branch, path, app string
	kubeContext             string
	forge, forgeAPI, method string

	username, passwordFile, tokenFile string
	bearer, allowHTTP                 bool
	githubApp, githubAppKey           string
	githubInstallation                int64
	sshKey, knownHosts, ca            string

	author, committer, sign, signingKey string
	commits                             int
	nextHosts                           []string
}

// forgeNone is the word for a server without pull requests.
const (
	forgeAuto = "auto"
	forgeNone = "none"
)

// bind adds the flags.
func (s *server) bind(cmd *cobra.Command) {
	under(cmd, serverFlags, func() { s.bindBranch(cmd) })
	cmd.Flags().StringVar(&s.kubeContext, "kube-context", "", "`context` of the kubeconfig for what is read from the cluster (default: its current one)")
	bindMaxCommits(cmd, &s.commits)
}

func (s *server) bindBranch(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.repo, "repo", "", "work on a branch of the repository at this `URL` instead of a directory")
	f.StringVar(&s.branch, "branch", "", "`branch` of --repo (default: the repository's own default)")
	f.StringVar(&s.path, "path", ".", "environment's `directory` in --repo")
	f.StringVar(&s.app, "app", "", appUsage)
	f.StringVar(&s.username, "username", "", "`user` for HTTPS (default: what the forge wants with a token)")
	f.StringVar(&s.passwordFile, "password-file", "", "`file` with the password for HTTPS; or $ASSAY_PASSWORD")
	f.StringVar(&s.tokenFile, "token-file", "", "`file` with the token for HTTPS and the forge; or $ASSAY_TOKEN, or $GITHUB_TOKEN, $GITLAB_TOKEN, $GITEA_TOKEN, $FORGEJO_TOKEN for such a forge")
	f.BoolVar(&s.bearer, "bearer", false, "send the token as a bearer token, not as a password")
	f.BoolVar(&s.allowHTTP, "allow-http", false, "send credentials over plain http:// too")
	f.StringVar(&s.githubApp, "github-app", "", "`ID` of a GitHub App to act as; or $ASSAY_GITHUB_APP")
	f.StringVar(&s.githubAppKey, "github-app-key", "", "`file` with the App's private key; or $ASSAY_GITHUB_APP_KEY")
	f.Int64Var(&s.githubInstallation, "github-app-installation", 0, "`ID` of the App's installation (default: the repository's)")
	f.StringVar(&s.sshKey, "ssh-key", "", "`file` with the private key for SSH (default: the running agent's)")
	f.StringVar(&s.knownHosts, "known-hosts", "", "`file` with the hosts that SSH trusts (default: ~/.ssh/known_hosts)")
	f.StringVar(&s.ca, "ca-file", "", "`file` with certificates to trust beside the system's")
	f.StringVar(&s.author, "author", "", "`\"Name <address>\"` of the commits (default: Assay <noreply@assay.dev>)")
	f.StringVar(&s.committer, "committer", "", "`\"Name <address>\"` (default: the author)")
	f.StringVar(&s.signingKey, "signing-key", "", "`file` with the private key that signs commits")
	f.StringVar(&s.forgeAPI, "forge-api", "", "`URL` of the forge's API (default: by its kind)")
	f.StringSliceVar(&s.nextHosts, "next-host", nil, "`hosts` other than that of --repo that may get the same credentials, for next environments")
	s.forge, s.method = forgeAuto, "merge"
	bindChoice(cmd, &s.forge, "forge", "", "what offers pull requests there; auto knows github.com, gitlab.com, gitea.com and codeberg.org", forgeAuto, "github", "gitlab", "gitea", "forgejo", forgeNone)
	bindChoice(cmd, &s.method, "merge-method", "", "how the forge merges, with promotion.merge: auto", "merge", "squash", "rebase")
	bindChoice(cmd, &s.sign, "sign", "", "format of the signature of commits (default: none)", "ssh", "openpgp")
}

// chosen reports whether a server is meant.
func (s *server) chosen() bool { return s.repo != "" || s.app != "" }

// check refuses what makes no sense together with a directory.
func (s *server) check(args []string, env environment, local ...string) error {
	if env.root != "" {
		local = append(local, "--root")
	}
	switch {
	case !s.chosen():
		return nil
	case s.repo != "" && s.app != "":
		return usagef("--app says which repository: give --repo or --app")
	case len(args) > 0:
		return usagef("%s is a directory here, and --repo names a server: give the one or the other, and the environment with --path", args[0])
	}
	for _, flag := range local {
		if flag != "" {
			return usagef("%s is for a directory here: leave it out with --repo and --app", flag)
		}
	}
	return nil
}

// session is an open branch on a server.
type session struct {
	branch.Server
	credentials *credential.Credentials
	env         environment
	dir         string // the environment's
	call        plugin.Call
	app         string // the Application, for people; empty without one
	cluster     string // that it deploys to, where that is not Argo CD's own
}

func (s *session) close() {
	if s.Repo != nil {
		_ = s.Repo.Close()
	}
	if s.credentials != nil {
		_ = s.credentials.Close()
	}
}

// connect opens the branch. The caller closes the session.
func (a *app) connect(ctx context.Context, opt server, env environment) (*session, error) {
	a.patient.Store(true)
	s := &session{env: env}
	if opt.app != "" {
		if err := a.locate(ctx, &opt, s); err != nil {
			return nil, err
		}
	}
	if s.dir = path.Clean(filepath.ToSlash(opt.path)); !fs.ValidPath(s.dir) {
		return nil, usagef("--path %s: name a directory of the repository, as shop/prod", opt.path)
	}
	if err := s.open(ctx, a, opt); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) open(ctx context.Context, a *app, opt server) (err error) {
	if s.credentials, err = a.openCredentials(ctx, opt, opt.repo); err != nil {
		return err
	}
	if s.Repo, err = a.openRemote(ctx, s.credentials); err != nil {
		return err
	}
	if s.Branch = opt.branch; s.Branch == "" {
		err = s.Repo.Retry(ctx, func(ctx context.Context) (err error) {
			s.Branch, err = s.Repo.DefaultBranch(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	s.Open, s.Commits, s.Method = s.request, opt.commits, forge.Method(opt.method)
	s.Note = func(text string) { a.notef("%s", text) }
	s.Another = func(ctx context.Context, repo string) (*remote.Remote, func(), error) {
		return a.another(ctx, opt, repo)
	}
	return s.offer(ctx, opt)
}

// offer sets up pull requests, as far as the forge is known.
func (s *session) offer(ctx context.Context, opt server) error {
	at, err := forge.Detect(opt.repo)
	if err == nil && opt.forge != forgeAuto && opt.forge != forgeNone {
		at, err = at.As(forge.Kind(opt.forge), opt.forgeAPI)
	}
	if err != nil {
		if opt.forge == forgeAuto || opt.forge == forgeNone {
			return nil // a path of this machine, say
		}
		return err
	}
	s.Compare = at.CompareURL
	if opt.kind(opt.repo) == "" {
		return nil
	}
	client, err := openForge(ctx, opt, s.credentials, at)
	if client != nil {
		s.Forge = client
	}
	return err
}

// request is the environment in a tree of the branch.
func (s *session) request(tree fs.FS) render.Request {
	req := render.Request{FS: envfs.New(tree, s.env.files), Environment: spec.Environment{Dir: s.dir}}
	s.env.fill(&req, s.call)
	return req
}
