package kustomize

import (
	"net/url"
	"path/filepath"
	"strings"
)

// remoteFile reports whether krusty reads a file of this name by HTTP. It is
// the very test of its loader, which asks before it looks for a local file.
func remoteFile(value string) bool {
	u, err := url.Parse(value)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// remoteRepo reports whether krusty may clone a directory of this name. It
// holds for every name that krusty's own parser accepts, and for some more:
// the parser needs a known scheme, a user or GitHub's host, and then a host
// that a slash or colon ends. A local directory of such a name does not help,
// since krusty does not look; "./" before it is.
// Source: sigs.k8s.io/kustomize/api internal/git/repospec.go.
func remoteRepo(value string) bool {
	if filepath.IsAbs(value) {
		return false
	}
	lower := strings.ToLower(value)
	lower = strings.TrimPrefix(lower, "git::")
	for _, scheme := range []string{"ssh://", "https://", "http://", "file://"} {
		if strings.HasPrefix(lower, scheme) {
			return true
		}
	}
	rest := lower
	if name, host, ok := strings.Cut(lower, "@"); ok && isUser(name) {
		rest = host
		if strings.ContainsAny(rest, "/:") {
			return true
		}
	}
	return strings.HasPrefix(rest, "github.com/") || strings.HasPrefix(rest, "github.com:")
}

// isUser reports whether git takes name for a user before a host.
func isUser(name string) bool {
	for i, c := range name {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}

// display is a value as messages may show it: no password, token or query,
// and no more than a line.
func display(value string) string {
	value, _, _ = strings.Cut(value, "?")
	value, _, _ = strings.Cut(value, "\n")
	if i := strings.Index(value, "://"); i >= 0 {
		host, rest, slash := strings.Cut(value[i+3:], "/")
		if at := strings.LastIndex(host, "@"); at >= 0 {
			host = host[at+1:]
		}
		value = value[:i+3] + host
		if slash {
			value += "/" + rest
		}
	}
	if len(value) > 120 {
		value = strings.ToValidUTF8(value[:120], "") + "..."
	}
	return value
}
