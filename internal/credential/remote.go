package credential

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"github.com/assaydev/assay/internal/repourl"
)

// remote is the repository's URL in parts.
type remote struct {
	scheme string // https, http, ssh or file
	user   string
	host   string // without the port; empty for file
	port   string // empty for the scheme's own
	path   string
	url    string // for git
}

var errPassword = errors.New("read URL of the repository: it holds a password: leave it out, and give it by file or environment")

func parseRemote(raw string) (remote, error) {
	u, err := repourl.Parse(raw)
	switch {
	case u.HasPassword:
		return remote{}, errPassword
	case errors.Is(err, repourl.ErrEmpty):
		return remote{}, errors.New("read URL of the repository: it is empty: give https://, ssh://, user@host:path or file://")
	case err != nil:
		return remote{}, fmt.Errorf("read URL of the repository: %w: give https://, ssh://, user@host:path, file:// or an absolute path", err)
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' }):
		return remote{}, errors.New("read URL of the repository: it holds a space: write it as %20")
	case u.HasQuery:
		return remote{}, errors.New("read URL of the repository: it has a query or a fragment, which no Git server takes: leave out what follows ? or #")
	}
	r := remote{scheme: u.Scheme, user: u.User, host: u.Host, port: u.Port, path: u.Path, url: raw}
	if u.IsHTTP() {
		if r.url, err = withoutUser(raw); err != nil {
			return remote{}, err
		}
	}
	return r, r.check()
}

func withoutUser(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", repourl.ErrMalformed
	}
	u.User = nil
	return u.String(), nil
}

func (r remote) check() error {
	switch r.scheme {
	case "https", "http", "ssh", "file":
	default:
		return fmt.Errorf("read URL of the repository: Assay does not speak %q: use https, ssh or file", r.scheme)
	}
	if strings.Trim(r.path, "/") == "" {
		return errors.New("read URL of the repository: it names no repository after the host")
	}
	return nil
}

func (r remote) isHTTP() bool { return r.scheme == "https" || r.scheme == "http" }

// origin is scheme, host and port: what git matches its settings by.
func (r remote) origin() string {
	host := r.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if r.port != "" {
		host += ":" + r.port
	}
	return r.scheme + "://" + host
}

// sshAddress is the host and port that SSH connects to.
func (r remote) sshAddress() string {
	port := r.port
	if port == "" {
		port = "22"
	}
	return net.JoinHostPort(r.host, port)
}

// repository is the owner and the name on a forge that has no deeper paths.
func (r remote) repository() (owner, name string, ok bool) {
	owner, name, ok = strings.Cut(strings.TrimSuffix(strings.Trim(path.Clean(r.path), "/"), ".git"), "/")
	return owner, name, ok && owner != "" && name != "" && !strings.Contains(name, "/")
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
