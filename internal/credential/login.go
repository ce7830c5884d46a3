package credential

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// login is the one way to log in over HTTP. The zero value is anonymous.
type login struct {
	username string
	secret   string // a password or a token; empty with an app
	bearer   bool
	app      bool
}

// minSecret is the length in bytes from which a secret can be told from
// ordinary words, and be kept out of messages. Forges ask for no less.
const minSecret = 8

func newLogin(o Options, r remote) (login, error) {
	if err := checkWays(o, r); err != nil {
		return login{}, err
	}
	for what, secret := range map[string]string{"password": o.Password, "token": o.Token} {
		if err := checkSecret(what, secret); err != nil {
			return login{}, err
		}
	}
	l := login{username: o.Username, secret: o.Token + o.Password, bearer: o.Bearer, app: o.App != nil}
	if l.username == "" {
		l.username = r.user
	}
	if strings.ContainsFunc(l.username, unicode.IsControl) {
		return login{}, errors.New("read user name: it holds a control character")
	}
	if l.username == "" && (l.app || o.Token != "") {
		l.username = tokenUser(r.host)
	}
	if r.isHTTP() {
		return l, l.checkHTTP(o, r)
	}
	return l, nil
}

// checkWays refuses options that contradict each other or the URL.
func checkWays(o Options, r remote) error {
	given := 0
	for _, is := range []bool{o.Token != "", o.Password != "", o.App != nil} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return errors.New("choose a login: more than one of token, password and GitHub App is given: give one")
	case len(o.SSHKey) > 0 && o.SSHAgent != "":
		return errors.New("choose a login: both an SSH key and an SSH agent are given: give one")
	case o.Bearer && o.Token == "":
		return errors.New("choose a login: a bearer needs a token")
	case r.scheme != "ssh" && len(o.SSHKey) > 0:
		return fmt.Errorf("choose a login: an SSH key is given, and the repository's URL is %s://: use an ssh:// URL, or a token", r.scheme)
	}
	return nil
}

// checkHTTP refuses logins that would fail, or that anyone on the way could read.
func (l login) checkHTTP(o Options, r remote) error {
	switch {
	case l.anonymous() && l.username != "":
		return errors.New("choose a login: there is a user name, and neither a token nor a password: give one (a token in the place of the URL's user name is not taken: it would show in the list of processes)")
	case !l.anonymous() && l.username == "":
		return errors.New("choose a login: there is a password, and no user name: give one")
	case l.anonymous():
		return nil
	}
	return checkPlain("repository", r.scheme, r.host, o.AllowHTTP)
}

// checkPlain refuses to send a secret where others could read it.
func checkPlain(what, scheme, host string, allowed bool) error {
	if scheme != "http" || isLoopback(host) || allowed {
		return nil
	}
	return fmt.Errorf("read URL of the %s: the login would go to %s over http:// in plain text: use https://, or allow it", what, host)
}

func (l login) anonymous() bool { return l.secret == "" && !l.app }

// checkSecret refuses what could not be handed on, or not be kept out of
// messages. Empty is fine.
func checkSecret(what, secret string) error {
	switch {
	case secret == "":
		return nil
	case len(secret) < minSecret:
		return fmt.Errorf("read %s: it is shorter than %d characters: it could not be kept out of messages", what, minSecret)
	case !utf8.ValidString(secret) || strings.ContainsFunc(secret, unicode.IsControl):
		return fmt.Errorf("read %s: it holds a line break or another control character, or is not UTF-8: give the text alone", what)
	}
	return nil
}

// tokenUser is the user name that a forge wants beside a token. Most take any.
func tokenUser(host string) string {
	switch {
	case host == "bitbucket.org":
		return "x-token-auth"
	case strings.Contains(host, "gitlab"):
		return "oauth2"
	}
	return "x-access-token"
}

// Token is for the forge's API: the token, the GitHub App's installation token,
// or else the password, since forges take tokens as passwords. It is ErrNoToken
// when there is none.
func (c *Credentials) Token(ctx context.Context) (string, error) {
	if c.app != nil {
		token, err := c.app.token(ctx, c.now())
		return token, c.secret.error(err)
	}
	if c.login.secret == "" {
		return "", ErrNoToken
	}
	return c.login.secret, nil
}

// trim cuts the line break at the end of files off the secrets.
func trim(o Options) Options {
	for _, s := range []*string{&o.Username, &o.Password, &o.Token} {
		*s = strings.TrimRight(*s, "\r\n")
	}
	return o
}
