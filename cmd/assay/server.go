package main

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/credential"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote/branch"
)

// serverFlags name a branch on a server, and say who asks.
type serverFlags struct {
	repo, branch, path, app string
	kubeContext, kubeconfig string
	forge, forgeAPI, method string

	username, passwordFile, tokenFile string
	bearer, allowHTTP, asArgoCD       bool
	githubApp, githubAppKey           string
	githubInstallation                int64
	sshKey, knownHosts, ca            string

	author, committer, sign, signingKey string
	commits                             int
	nextHosts                           []string
	signers                             string // whose signatures count
}

// forgeNone is the word for a server without pull requests.
const (
	forgeAuto = "auto"
	forgeNone = string(branch.NoForge)
)

// bindServer adds the flags.
func (s *serverFlags) bindServer(cmd *cobra.Command) {
	cli.Under(cmd, serverGroup, func() { s.bindBranch(cmd) })
	cli.Under(cmd, clusterGroup, func() { s.bindCluster(cmd) })
	cli.Under(cmd, environmentGroup, func() { bindMaxCommits(cmd, &s.commits) })
}

// bindCluster adds the flags that choose a cluster, as kubectl has them.
func (s *serverFlags) bindCluster(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.kubeconfig, "kubeconfig", "", "`file` of the kubeconfig for what is read from the cluster (default: $KUBECONFIG, else ~/.kube/config)")
	f.StringVar(&s.kubeContext, "context", "", "`context` of the kubeconfig (default: its current one)")
	f.StringVar(&s.kubeContext, "kube-context", "", "the earlier name of --context")
	f.Lookup("kube-context").Hidden = true
	cli.Exclude(f, "kube-context", "context")
}

func (s *serverFlags) bindBranch(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.repo, "repo", "", "work on a branch of the repository at this `URL` instead of a directory")
	f.StringVar(&s.branch, "branch", "", "`branch` of --repo (default: the repository's own default)")
	f.StringVar(&s.path, "path", ".", "environment's `directory` in --repo")
	f.StringVar(&s.app, "app", "", appUsage)
	f.StringVar(&s.username, "username", "", "`user` for HTTPS (default: what the forge wants with a token)")
	f.StringVar(&s.passwordFile, "password-file", "", "`file` with the password for HTTPS; or $ASSAY_PASSWORD")
	f.StringVar(&s.tokenFile, "token-file", "", "`file` with the token for HTTPS and the forge; or $ASSAY_TOKEN, or $GITHUB_TOKEN, $GITLAB_TOKEN, $GITEA_TOKEN, $FORGEJO_TOKEN for such a forge")
	f.BoolVar(&s.asArgoCD, "argocd-credentials", false, "log in with the Secret that Argo CD, in the cluster of the kubeconfig or the pod, has for the repository")
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
	bindSigners(f, &s.signers)
	s.forge, s.method = forgeAuto, "merge"
	cli.BindChoice(cmd, &s.forge, "forge", "", "the forge that has its pull requests; auto knows github.com, gitlab.com, gitea.com and codeberg.org", forgeAuto, "github", "gitlab", "gitea", "forgejo", forgeNone)
	cli.BindChoice(cmd, &s.method, "merge-method", "", "how the forge merges, with promotion.merge: auto", "merge", "squash", "rebase")
	cli.BindChoice(cmd, &s.sign, "sign", "", "format of the signature of commits (default: none)", "ssh", "openpgp")
}

// hideWriting leaves what only commits and pull requests need out of the help of a command that reads.
// It still takes the flags, so that a script may give all commands the same ones.
func hideWriting(cmd *cobra.Command) {
	for _, name := range []string{"author", "committer", "sign", "signing-key", "merge-method", "next-host", "allowed-signers"} {
		cmd.Flags().Lookup(name).Hidden = true
	}
}

// bindSigners adds the flag that says whose signatures count.
func bindSigners(f *pflag.FlagSet, signers *string) {
	f.StringVar(signers, "allowed-signers", "", "`file` of keys, as ssh-keygen reads it, whose signatures on commits prove that promotions were decided")
}

// chosen reports whether a server is meant.
func (s *serverFlags) chosen() bool { return s.repo != "" || s.app != "" }

// check refuses what makes no sense together with a directory.
func (s *serverFlags) check(args []string, env environmentFlags, local ...string) error {
	if env.root != "" {
		local = append(local, "--root")
	}
	switch {
	case !s.chosen():
		return nil
	case s.repo != "" && s.app != "":
		return cli.Usagef("--app says which repository: give --repo or --app")
	case len(args) > 0:
		return cli.Usagef("%s is a directory here, and --repo names a server: give the one or the other, and the environment with --path", args[0])
	}
	for _, flag := range local {
		if flag != "" {
			return cli.Usagef("%s is for a directory here: leave it out with --repo and --app", flag)
		}
	}
	return nil
}

// kindOf is the forge of a repository, as the flags name it or its URL tells.
func (s *serverFlags) kindOf(repo string) forge.Kind { return branch.ForgeOf(s.named(), repo) }

// named is the forge that --forge names; empty where the URL tells.
func (s *serverFlags) named() forge.Kind {
	if s.forge == forgeAuto {
		return ""
	}
	return forge.Kind(s.forge)
}

// connect opens the branch. The caller closes the site.
func (a *app) connect(ctx context.Context, f siteFlags, edit editFlags) (*site, error) {
	a.patient.Store(true)
	var app deployed
	if f.app != "" {
		var err error
		if app, err = a.deployed(ctx, &f.serverFlags); err != nil {
			return nil, err
		}
	}
	dir := path.Clean(filepath.ToSlash(f.path))
	if !fs.ValidPath(dir) {
		return nil, cli.Usagef("--path %s: name a directory of the repository, as shop/prod", f.path)
	}
	opt := branch.Options{
		URL: f.repo, Branch: f.branch, View: f.view(dir, app.call), Commits: f.commits, DryRun: edit.dryRun,
		Note: func(text string) { a.notef("%s", text) }, Process: a.programs(),
		Credentials: func(repo string) (credential.Options, error) { return a.credentials(f.serverFlags, repo) },
		NextHosts:   f.nextHosts, Signers: f.signers, Forge: f.named(), ForgeAPI: f.forgeAPI, Method: forge.Method(f.method),
	}
	if a.tellsSteps() {
		opt.Step = func(text string) { a.notef("%s ...", text) }
	}
	if f.asArgoCD {
		if err := a.asArgoCD(ctx, f.serverFlags, app.place.Project, &opt); err != nil {
			return nil, err
		}
	}
	s, err := branch.Open(ctx, opt)
	if err != nil {
		return nil, err
	}
	return &site{
		home: s, session: s, app: app, View: opt.View, arg: dir, close: s.Close, branch: func(context.Context) (string, error) { return s.Branch, nil },
		namespace: func() (string, error) { return f.destination(app.title, app.place.Cluster, opt.View.Request.Namespace) },
	}, nil
}

// deployed is what an Application says of the environment that it deploys.
type deployed struct {
	title string // for people
	place application.Place
	call  plugin.Call
}

// deployed takes the place of the environment, and what the plugin gets, from the
// Application.
func (a *app) deployed(ctx context.Context, opt *serverFlags) (deployed, error) {
	title, place, err := a.findApp(ctx, *opt)
	if err != nil {
		return deployed{}, err
	}
	call, err := plugin.FromApplication(place)
	if err != nil {
		return deployed{}, fmt.Errorf("%s: %w", title, err)
	}
	opt.repo, opt.path = place.RepoURL, place.Path
	if opt.branch == "" && place.Revision != "HEAD" {
		opt.branch = place.Revision
	}
	return deployed{title, place, call}, nil
}
