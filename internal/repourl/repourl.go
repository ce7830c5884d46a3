// Package repourl reads the URLs by which git reaches a repository, as git does.
// Whoever asks for a host, a scheme or a path of one asks here: two readings of one
// URL would send the credentials of one host to another.
package repourl

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// URL is a repository's address in parts.
type URL struct {
	Scheme string // https, http, ssh, git, file, or another that was given
	User   string
	Host   string // in lower case, without the port and brackets; empty for file
	Port   string // empty for the scheme's own
	Path   string
	Text   string // as it was given

	HasPassword bool
	HasQuery    bool // or a fragment
}

// Errors of Parse. None quotes the URL, which may hold a password.
var (
	ErrEmpty     = errors.New("it is empty")
	ErrLocal     = errors.New("it is a local path that is not absolute")
	ErrMalformed = errors.New("it is malformed: percent-encode what is not a letter, digit or one of -._~/")
)

var (
	// scp is git's short form of ssh: user@host:path. Brackets hold a host with a port,
	// or an IPv6 address.
	scp = regexp.MustCompile(`^(?:([^@:/\[\]]*)@)?(\[[^\[\]@/]+\]|[^@:/\[\]]+):(.*)$`)
	// withScheme is what git takes for a URL.
	withScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)
	// withPort is a host with a port in brackets.
	withPort = regexp.MustCompile(`^([^:]+):([0-9]+)$`)
)

// usualPorts are those that a URL may leave out.
var usualPorts = map[string]string{"https": "443", "http": "80", "ssh": "22", "git": "9418"}

// Parse reads a URL: with a scheme, in git's short form of ssh, or an absolute path.
func Parse(raw string) (URL, error) {
	switch {
	case raw == "":
		return URL{}, ErrEmpty
	case strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return URL{}, errors.New("it holds a line break or another control character")
	case strings.HasPrefix(raw, "/"):
		return URL{Scheme: "file", Path: raw, Text: raw}, nil
	case withScheme.MatchString(raw):
		return parseURL(raw)
	}
	return parseShort(raw)
}

func parseURL(raw string) (URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return URL{}, ErrMalformed // the parser's error quotes the URL
	}
	_, password := u.User.Password()
	r := URL{
		Scheme: scheme(u.Scheme), User: u.User.Username(), Host: host(u.Hostname()), Port: u.Port(), Path: u.Path, Text: raw,
		HasPassword: password, HasQuery: u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"),
	}
	if r.Scheme == "file" {
		if r.Host != "" && r.Host != "localhost" {
			return URL{}, errors.New("it is file:// with a host: write file:/// and the path")
		}
		r.Host = ""
		return r, nil
	}
	return r.check()
}

// parseShort reads what has no scheme. Where git sees a host, so does this.
func parseShort(raw string) (URL, error) {
	colon := strings.Index(raw, ":")
	if slash := strings.IndexAny(raw, `/\`); colon < 0 || slash >= 0 && slash < colon {
		return URL{}, ErrLocal
	}
	m := scp.FindStringSubmatch(raw)
	switch {
	case m == nil && strings.Contains(raw, "@"):
		return URL{HasPassword: true}, ErrMalformed
	case m == nil || strings.HasPrefix(m[3], ":"):
		return URL{}, errors.New("it is neither a URL nor a host and a path, as user@host:path")
	case len(m[2]) == 1:
		return URL{}, errors.New("it is a local path of Windows: write file:/// and the path")
	}
	r := URL{Scheme: "ssh", User: m[1], Host: strings.Trim(m[2], "[]"), Path: m[3], Text: raw}
	if m[2][0] == '[' {
		if with := withPort.FindStringSubmatch(r.Host); with != nil {
			r.Host, r.Port = with[1], with[2]
		}
	} else if at := strings.Index(m[3], "@"); m[1] == "" && at >= 0 && !strings.Contains(m[3][:at], "/") {
		r.HasPassword = true // user:password@host, which git would take for a host and a path
	}
	r.Host = host(r.Host)
	return r.check()
}

// check refuses what ssh would take for an option, and what names no host.
func (u URL) check() (URL, error) {
	switch {
	case u.Host == "":
		return URL{}, errors.New("it names no host, nor is it an absolute path")
	case strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User, "-"):
		return URL{}, errors.New("its host or user name begins with a dash")
	case strings.Contains(u.Host, ":") && net.ParseIP(u.Host) == nil:
		return URL{}, ErrMalformed
	case strings.ContainsFunc(u.Host, func(r rune) bool { return !inHost(r) }):
		return URL{}, ErrMalformed
	case strings.Contains("."+u.Host+".", ".."): // no host has an empty label: what reads one twice would drop two dots
		return URL{}, ErrMalformed
	}
	return u, nil
}

// inHost reports whether a name or an address of a host has such a rune. Others would reach pages
// and messages.
func inHost(r rune) bool {
	return strings.ContainsRune(".-_:", r) || unicode.In(r, unicode.L, unicode.M, unicode.Nd)
}

func scheme(name string) string {
	switch name = strings.ToLower(name); name {
	case "git+ssh", "ssh+git":
		return "ssh"
	}
	return name
}

// host is a name as it is compared. The dot at the end of a full one says nothing.
func host(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// IsHTTP reports whether git speaks HTTP with the server.
func (u URL) IsHTTP() bool { return u.Scheme == "https" || u.Scheme == "http" }

// Address is the host, with the port where it is not the scheme's own; empty for a
// path of this machine. Two URLs with the same one are on one server.
func (u URL) Address() string {
	name := u.Host
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if u.Port == "" || u.Port == usualPorts[u.Scheme] {
		return name
	}
	return name + ":" + u.Port
}

// Repository names the repository whichever way it is reached: two spellings that
// differ in the scheme, the user, the ending .git or case alone are one, as for Argo CD.
// On this machine case counts.
func (u URL) Repository() string {
	name := u.Address() + "/" + strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
	if u.Scheme == "file" {
		return name
	}
	return strings.ToLower(name)
}

// Address is that of a URL, or an error that says what is wrong with it.
func Address(raw string) (string, error) {
	u, err := Parse(raw)
	if err != nil {
		return "", fmt.Errorf("read URL of the repository: %w", err)
	}
	return u.Address(), nil
}
