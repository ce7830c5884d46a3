package credential

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Git is settings of a git call, for the environment of that call alone.
type Git struct {
	// Env is variables in the form NAME=value.
	Env []string
	// Config is keys and values of git's configuration, in order.
	Config [][2]string
	// Sign says that commits are to be signed (commit-tree -S).
	Sign bool
}

func (g *Git) set(key, value string) { g.Config = append(g.Config, [2]string{key, value}) }

// helper answers git with what the environment holds. It is a shell function,
// whose printf is the shell's own: the secret is no process's argument.
const (
	usernameVar = "ASSAY_GIT_USERNAME"
	passwordVar = "ASSAY_GIT_PASSWORD" //nolint:gosec // a variable's name
	helper      = `!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$` + usernameVar + `" "$` + passwordVar + `"; }; f`
)

// Local gives the settings of every git call: who commits, and how commits are
// signed. There is no secret in them, since git hands its environment on to what
// signs.
func (c *Credentials) Local() Git { return c.local.clone() }

// Access gives what a git call needs beside that to talk to the repository. It
// holds secrets, as of the login and of the proxy. With a GitHub App it may fetch
// a token.
func (c *Credentials) Access(ctx context.Context) (Git, error) {
	g := c.access.clone()
	if !c.remote.isHTTP() || c.login.anonymous() {
		return g, nil
	}
	secret, err := c.Token(ctx)
	if err != nil {
		return Git{}, err
	}
	if c.login.bearer {
		g.set("http."+c.remote.origin()+"/.extraHeader", "Authorization: Bearer "+secret)
		// Git would send the header along.
		g.set("http.followRedirects", "false")
		return g, nil
	}
	g.set("credential."+c.remote.origin()+".helper", helper)
	g.Env = append(g.Env, usernameVar+"="+c.login.username, passwordVar+"="+secret)
	return g, nil
}

func (g Git) clone() Git {
	return Git{Env: slices.Clone(g.Env), Config: slices.Clone(g.Config), Sign: g.Sign}
}

// allowProtocol keeps git from being sent elsewhere, as from https:// to
// http://, and helpers of the machine from being asked.
func (c *Credentials) allowProtocol() {
	c.access.set("protocol.allow", "never")
	c.access.set("protocol."+c.remote.scheme+".allow", "always")
	c.access.set("credential.helper", "")
}

// setIdentities says who writes commits.
func (c *Credentials) setIdentities(o Options) error {
	author, committer := o.Author, o.Committer
	if author == (Identity{}) {
		author = Identity{Name: "Assay", Email: "noreply@assay.dev"}
	}
	if committer == (Identity{}) {
		committer = author
	}
	c.author, c.committer = author, committer
	for _, who := range []struct {
		role string
		Identity
	}{{"author", author}, {"committer", committer}} {
		if err := who.check(); err != nil {
			return fmt.Errorf("read %s: %w", who.role, err)
		}
		c.local.set(who.role+".name", who.Name)
		c.local.set(who.role+".email", who.Email)
	}
	return nil
}

// Identities are the author and the committer of commits.
func (c *Credentials) Identities() (author, committer Identity) { return c.author, c.committer }

func (i Identity) check() error {
	for _, s := range []string{i.Name, i.Email} {
		if strings.ContainsAny(s, "<>") || strings.ContainsFunc(s, unicode.IsControl) {
			return errors.New("its name or address holds <, > or a control character, which Git would drop")
		}
		// Git refuses names of nothing but such characters.
		if strings.Trim(s, " .,:;\"'\\") == "" {
			return errors.New("it needs a name and an address: give both")
		}
	}
	return nil
}
