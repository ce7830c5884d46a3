// Package credential holds what a Git server and a forge ask for, and makes it
// ready for one git call or one API call.
//
//  1. Open checks what an operator configured as far as that is possible
//     without the network (remote.go, login.go, ssh.go, roots.go, signing.go).
//  2. Local gives the settings of every git call, and Access those that let one
//     talk to the repository: environment variables and configuration, none of it
//     for the command line (git.go).
//  3. Token gives the token of one API call, and HTTP the client (http.go). A
//     GitHub App's token is fetched, and renewed before it expires (app.go).
//  4. Scrub takes every secret out of a text that is to be shown (scrub.go).
//  5. Close ends the SSH agent and removes the files.
//
// Private SSH keys never touch the disk: an agent in this process signs with
// them (agent.go). Passwords reach git through a credential helper and not
// through a header, because git sends a configured header to whatever host it is
// redirected to, and a helper is asked again for each host.
package credential

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/assaydev/assay/internal/git"
)

// Options is what an operator configured. Secrets come as values; a line break
// at their end, as files have it, is not part of them.
type Options struct {
	// URL of the repository: https://, http://, ssh://, user@host:path, file://
	// or an absolute path. A user name in it is the default of Username; a
	// password is refused.
	URL string
	// AllowHTTP sends secrets over http:// to hosts other than this one.
	AllowHTTP bool

	// Username goes with Token or Password, or is the user of SSH. Its default
	// is what the forge wants with a token, and "git" for SSH.
	Username string
	// Password for HTTP. One of Password, Token and App at most.
	Password string
	// Token for HTTP and for the forge's API.
	Token string
	// Bearer sends the token to the Git server as "Authorization: Bearer"
	// rather than as a password. Redirects are refused then.
	Bearer bool
	// App is a GitHub App.
	App *App
	// Logins are shared with others of this process; nil shares none.
	Logins *Logins

	// SSHKey is a private key without a passphrase.
	SSHKey []byte
	// SSHAgent is the socket of a running agent to use in place of SSHKey.
	SSHAgent string
	// KnownHosts are the lines of a known_hosts file. SSH needs them: the
	// server's key is always checked.
	KnownHosts []byte

	// CA is certificates in PEM to trust beside those of the system.
	CA []byte
	// Proxy is the URL of a proxy for HTTP and HTTPS, and may hold a password.
	// As with the usual variables, it is not used for this machine itself.
	Proxy string
	// NoProxy lists hosts to reach without the proxy, in the form of NO_PROXY.
	NoProxy string

	// Author and Committer of commits; the default of Committer is Author, and
	// of Author a name of Assay's.
	Author, Committer git.Identity
	// Signing of commits; the zero value does not sign.
	Signing Signing

	// TempDir is where files are made that hold secrets, for this user alone.
	TempDir string
}

// ErrNoToken says that nothing was configured that a forge's API takes.
var ErrNoToken = errors.New("no token is configured")

// Credentials are open until Close. All methods may be called concurrently.
type Credentials struct {
	remote remote
	login  login
	app    *installation // nil without a GitHub App
	client *http.Client
	secret *scrubber
	now    func() time.Time

	local  Git          // for every git call
	access git.Settings // for those to the repository, less the login

	author, committer git.Identity

	close   sync.Once
	closers []func() error
	temp    string
	dir     string // private; empty until something needs a file
	agent   *keyAgent
}

// Open checks the options and makes what git needs. It does not use the
// network. No error holds a secret.
func Open(ctx context.Context, o Options) (*Credentials, error) {
	o = trim(o)
	c := &Credentials{secret: newScrubber(o), now: time.Now, temp: o.TempDir}
	if err := c.open(ctx, o); err != nil {
		return nil, errors.Join(c.secret.error(err), c.Close())
	}
	return c, nil
}

func (c *Credentials) open(ctx context.Context, o Options) (err error) {
	if c.remote, err = parseRemote(o.URL); err != nil {
		return err
	}
	if c.login, err = newLogin(o, c.remote); err != nil {
		return err
	}
	if err := c.setIdentities(o); err != nil {
		return err
	}
	c.allowProtocol()
	if err := c.setHTTP(o); err != nil {
		return err
	}
	if o.App != nil {
		if c.app, err = newInstallation(*o.App, o.AllowHTTP, c.remote, c.client, c.secret, o.Logins); err != nil {
			return err
		}
	}
	if err := c.setSSH(o); err != nil {
		return err
	}
	return c.setSigning(ctx, o.Signing)
}

// URL is the repository's, as git should get it: without a user name for HTTP.
func (c *Credentials) URL() string { return c.remote.url }

// Scrub takes every secret out of text, in plain and as base64, in URLs and in
// JSON, and user names and passwords out of URLs. All that git or a server says
// goes through it before anyone sees it, and before it is cut short: a part of a
// secret is not found.
func (c *Credentials) Scrub(text string) string { return c.secret.scrub(text) }

// Close ends what Open started and removes its files. Git calls made with the
// credentials fail from then on.
func (c *Credentials) Close() error {
	var errs []error
	c.close.Do(func() {
		for i := len(c.closers) - 1; i >= 0; i-- {
			errs = append(errs, c.closers[i]())
		}
	})
	return errors.Join(errs...)
}
