package credential

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
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

// scpLike is what git takes for SSH without a scheme: user@host:path.
var scpLike = regexp.MustCompile(`^(?:([^@:/]+)@)?(\[[^\]]+\]|[^@:/\[\]]+):(.+)$`)

var errPassword = errors.New("read URL of the repository: it holds a password: leave it out, and give it by file or environment")

func parseRemote(raw string) (remote, error) {
	switch {
	case raw == "":
		return remote{}, errors.New("read URL of the repository: it is empty: give https://, ssh://, user@host:path or file://")
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return remote{}, errors.New("read URL of the repository: it holds a space or a control character: write those as %20 and the like")
	case strings.HasPrefix(raw, "/"):
		return remote{scheme: "file", path: raw, url: raw}, nil
	case strings.Contains(raw, "://"):
		return parseURL(raw)
	}
	m := scpLike.FindStringSubmatch(raw)
	if m == nil || strings.HasPrefix(m[3], ":") {
		return remote{}, errors.New("read URL of the repository: it is none of https://, ssh://, user@host:path, file:// and an absolute path")
	}
	if m[1] == "" && strings.Contains(m[3], "@") {
		return remote{}, errPassword
	}
	r := remote{scheme: "ssh", user: m[1], host: strings.Trim(m[2], "[]"), path: m[3], url: raw}
	return r, r.check()
}

func parseURL(raw string) (remote, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// The parser's error quotes the URL.
		return remote{}, errors.New("read URL of the repository: it is not well formed: percent-encode what is not a letter, digit or one of -._~/")
	}
	if _, ok := u.User.Password(); ok {
		return remote{}, errPassword
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return remote{}, errors.New("read URL of the repository: it has a query or a fragment, which no Git server takes: leave out what follows ? or #")
	}
	r := remote{scheme: u.Scheme, user: u.User.Username(), host: u.Hostname(), port: u.Port(), path: u.Path, url: raw}
	if r.isHTTP() {
		u.User = nil
		r.url = u.String()
	}
	return r, r.check()
}

func (r remote) check() error {
	switch r.scheme {
	case "https", "http", "ssh":
		if r.host == "" {
			return errors.New("read URL of the repository: it names no host")
		}
	case "file":
		if r.host != "" && r.host != "localhost" {
			return errors.New("read URL of the repository: file:// with a host: write file:/// and the path")
		}
	default:
		return fmt.Errorf("read URL of the repository: Assay does not speak %q: use https, ssh or file", r.scheme)
	}
	// ssh would read it as an option.
	if strings.HasPrefix(r.host, "-") || strings.HasPrefix(r.user, "-") {
		return errors.New("read URL of the repository: its host or user name begins with a dash")
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
