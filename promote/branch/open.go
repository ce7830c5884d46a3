package branch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/credential"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/reposecret"
	"github.com/assaydev/assay/internal/repourl"
	"github.com/assaydev/assay/promote"
)

// NoForge is the kind of a server without pull requests.
const NoForge forge.Kind = "none"

// Options say which branch to open, and with what.
type Options struct {
	URL     string // of the repository
	Branch  string // empty: the repository's own default
	View    promote.View
	Commits int
	DryRun  bool
	Note    func(string)

	Process git.Process  // as much of it as git and what signs need
	Step    func(string) // told what git does; nil is quiet

	// Again and Answered are told of what goes to servers, for figures; nil is quiet.
	Again    func(moved bool)
	Answered func(forge.Answer)

	// Credentials reads what a repository's server may ask for. It is called for
	// the repository, and for those of next environments on allowed hosts.
	Credentials func(repo string) (credential.Options, error)
	NextHosts   []string // hosts beside the repository's that may get the same credentials

	Signers string // see Server

	Forge    forge.Kind // the forge of its pull requests; empty: as the URL tells
	ForgeAPI string     // URL of its API; empty: by its kind
	Method   forge.Method

	// What all sessions of a process share, so that they do not ask for too much at once; nil
	// shares nothing.
	Paces  *forge.Paces
	Logins *credential.Logins
	Turns  *remote.Turns
}

// Session is an open branch.
type Session struct {
	Server
	credentials *credential.Credentials
}

// Close ends it.
func (s *Session) Close() {
	if s.Repo != nil {
		_ = s.Repo.Close()
	}
	if s.credentials != nil {
		_ = s.credentials.Close()
	}
}

// Open opens a branch with its credentials and its forge. The caller closes the
// session.
func Open(ctx context.Context, opt Options) (*Session, error) {
	s := &Session{Server: Server{
		Branch: opt.Branch, View: opt.View, Method: opt.Method, Commits: opt.Commits, DryRun: opt.DryRun, Signers: opt.Signers, Note: opt.Note, Another: opt.another,
	}}
	if err := s.open(ctx, opt); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) open(ctx context.Context, opt Options) (err error) {
	if s.Repo, s.credentials, err = opt.connect(ctx, opt.URL); err != nil {
		return err
	}
	if s.Branch == "" {
		err = s.Repo.Retry(ctx, func(ctx context.Context) (err error) {
			s.Branch, err = s.Repo.DefaultBranch(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.setForge(ctx, opt)
}

// As has the branch opened with the logins that Argo CD has, for an Application of the
// project. complete adds who commits and signs to each.
func (opt *Options) As(settings reposecret.Settings, project string, complete func(*credential.Options) error) error {
	own, err := settings.For(opt.URL, project)
	if err != nil {
		return err
	}
	// The login goes to the forge's API, too: to that which its own Secret names, or to one on the
	// repository's host.
	host, err := repourl.Parse(opt.URL)
	if err != nil {
		return fmt.Errorf("read URL of the repository: %w", err)
	}
	if at, bad := repourl.Parse(opt.ForgeAPI); opt.ForgeAPI != "" && (bad != nil || at.Host != host.Host) {
		opt.Forge, opt.ForgeAPI = "", ""
	}
	if own.Forge != "" {
		opt.ForgeAPI = own.ForgeAPI
		if opt.Forge, err = ParseForge(own.Forge); err != nil {
			return fmt.Errorf("read Secret %s: %w", own.Secret, err)
		}
	}
	if err := own.CheckAPI(opt.ForgeAPI); err != nil {
		return err
	}
	opt.Credentials = func(repo string) (credential.Options, error) {
		l, err := settings.For(repo, project)
		if err != nil {
			return l.Options, err
		}
		return l.Options, complete(&l.Options)
	}
	return nil
}

// connect opens a repository with the credentials for it.
func (opt Options) connect(ctx context.Context, repo string) (*remote.Remote, *credential.Credentials, error) {
	login, err := opt.Credentials(repo)
	if err != nil {
		return nil, nil, err
	}
	login.Logins = opt.Logins
	c, err := credential.Open(ctx, login)
	if err != nil {
		return nil, nil, err
	}
	env := c.Local()
	author, committer := c.Identities()
	r, err := remote.Open(ctx, remote.Options{
		URL: c.URL(), Env: slices.Concat(opt.Process.Env, env.Env), Config: env.Config, Scrub: c.Scrub, Sign: env.Sign,
		Author: author, Committer: committer, Step: opt.Step, Again: opt.Again, Turns: opt.Turns, Access: c.Access, TempDir: opt.Process.TempDir,
	})
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return r, c, nil
}

// ForgeOf is the forge of a repository: that of a kind that is named, or the one
// that the URL tells of; empty without one.
func ForgeOf(named forge.Kind, repo string) forge.Kind {
	switch named {
	case NoForge:
		return ""
	case "":
		at, err := forge.Detect(repo)
		if err != nil {
			return ""
		}
		return at.Kind
	}
	return named
}

// ParseForge reads the kind of a forge as people write it.
func ParseForge(text string) (forge.Kind, error) {
	kind := forge.Kind(strings.ToLower(strings.TrimSpace(text)))
	if known := []forge.Kind{forge.GitHub, forge.GitLab, forge.Gitea, forge.Forgejo, NoForge}; !slices.Contains(known, kind) {
		return "", fmt.Errorf("%q is not a forge: name one of %s", text, strings.Trim(fmt.Sprint(known), "[]"))
	}
	return kind, nil
}

// setForge sets up pull requests, as far as the forge is known. Without a token
// for its API, people open them.
func (s *Session) setForge(ctx context.Context, opt Options) error {
	named := opt.Forge != "" && opt.Forge != NoForge
	at, err := forge.Detect(opt.URL)
	if err == nil && named {
		at, err = at.As(opt.Forge, opt.ForgeAPI)
	}
	if err != nil {
		if !named {
			return nil // a path of this machine, say
		}
		return err
	}
	s.Compare = at.CompareURL
	if ForgeOf(opt.Forge, opt.URL) == "" {
		return nil
	}
	_, err = s.credentials.Token(ctx)
	if errors.Is(err, credential.ErrNoToken) {
		return nil
	}
	if err != nil {
		return err
	}
	s.Forge, err = forge.Open(forge.Options{Repo: at, API: opt.ForgeAPI, HTTP: s.credentials.HTTP(), Token: s.credentials.Token, UserAgent: "assay", Paces: opt.Paces, Answered: opt.Answered})
	return err
}

// OtherHostError says that the repository of a next environment is on a host that
// is not to get the credentials.
type OtherHostError struct{ Host string }

func (e *OtherHostError) Error() string {
	if e.Host == "" {
		return "its repository is on this machine, and that of this environment on another host: name it by a URL"
	}
	return fmt.Sprintf("%s is not the host of this environment's repository, and is not allowed to get the same credentials", e.Host)
}

// another opens the repository of a next environment. The plan names it, so that
// it gets the credentials only where that cannot give them away: on the host that
// they are for, or one that the operator names.
func (opt Options) another(ctx context.Context, repo string) (*remote.Remote, func(), error) {
	host, err := repourl.Address(repo)
	if err != nil {
		return nil, nil, err
	}
	from, err := repourl.Address(opt.URL)
	if err != nil {
		return nil, nil, err
	}
	same := func(allowed string) bool { return strings.EqualFold(allowed, host) }
	if host != from && (host == "" || !slices.ContainsFunc(opt.NextHosts, same)) {
		return nil, nil, &OtherHostError{host}
	}
	r, c, err := opt.connect(ctx, repo)
	if err != nil {
		return nil, nil, err
	}
	return r, func() { _, _ = r.Close(), c.Close() }, nil
}
