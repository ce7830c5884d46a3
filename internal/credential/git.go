package credential

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/assaydev/assay/internal/git"
)

// Git is what every git call gets.
type Git struct {
	git.Settings
	Sign bool // commits are to be signed (commit-tree -S)
}

func set(s *git.Settings, key, value string) { s.Config = append(s.Config, [2]string{key, value}) }

// helper answers git with what the environment holds. It is a shell function,
// whose printf is the shell's own: the secret is not a process's argument.
const (
	usernameVar = "ASSAY_GIT_USERNAME"
	passwordVar = "ASSAY_GIT_PASSWORD" //nolint:gosec // a variable's name
	helper      = `!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$` + usernameVar + `" "$` + passwordVar + `"; }; f`
)

// Local gives the settings of every git call: who commits, and how commits are
// signed. There is no secret in them, since git hands its environment on to what
// signs.
func (c *Credentials) Local() Git { return Git{clone(c.local.Settings), c.local.Sign} }

// Access gives what a git call needs beside that to talk to the repository. It
// holds secrets, as of the login and of the proxy. With a GitHub App it may fetch
// a token.
func (c *Credentials) Access(ctx context.Context) (git.Settings, error) {
	g := clone(c.access)
	if !c.remote.isHTTP() || c.login.anonymous() {
		return g, nil
	}
	secret, err := c.Token(ctx)
	if err != nil {
		return git.Settings{}, err
	}
	if c.login.bearer {
		set(&g, "http."+c.remote.origin()+"/.extraHeader", "Authorization: Bearer "+secret)
		// Git would send the header along.
		set(&g, "http.followRedirects", "false")
		return g, nil
	}
	set(&g, "credential."+c.remote.origin()+".helper", helper)
	g.Env = append(g.Env, usernameVar+"="+c.login.username, passwordVar+"="+secret)
	return g, nil
}

func clone(s git.Settings) git.Settings {
	return git.Settings{Env: slices.Clone(s.Env), Config: slices.Clone(s.Config)}
}

// allowProtocol keeps git from being sent elsewhere, as from https:// to
// http://, and helpers of the machine from being asked.
func (c *Credentials) allowProtocol() {
	set(&c.access, "protocol.allow", "never")
	set(&c.access, "protocol."+c.remote.scheme+".allow", "always")
	set(&c.access, "credential.helper", "")
}

// setIdentities says who writes commits.
func (c *Credentials) setIdentities(o Options) error {
	author, committer := o.Author, o.Committer
	if author == (git.Identity{}) {
		author = git.Identity{Name: "Assay", Email: "noreply@assay.dev"}
	}
	if committer == (git.Identity{}) {
		committer = author
	}
	c.author, c.committer = author, committer
	for _, who := range []struct {
		role string
		git.Identity
	}{{"author", author}, {"committer", committer}} {
		if err := check(who.Identity); err != nil {
			return fmt.Errorf("read %s: %w", who.role, err)
		}
		set(&c.local.Settings, who.role+".name", who.Name)
		set(&c.local.Settings, who.role+".email", who.Email)
	}
	return nil
}

// Identities are the author and the committer of commits.
func (c *Credentials) Identities() (author, committer git.Identity) { return c.author, c.committer }

func check(i git.Identity) error {
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
