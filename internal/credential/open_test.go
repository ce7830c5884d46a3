package credential

import (
	"bytes"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/assaydev/assay/internal/git"
)

func TestOpenRefusals(t *testing.T) {
	key := newEd25519(t)
	private, public := openSSH(t, key)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("a passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	locked := pem.EncodeToMemory(block)
	known := []byte(knownhosts.Line([]string{"git.example.test"}, public) + "\n")
	_, app := newGitHub(t)
	const sshURL, httpsURL = "git@git.example.test:acme/shop.git", "https://git.example.test/acme/shop.git"

	tests := []struct {
		name string
		o    Options
		want string
	}{
		{"no URL", Options{}, "it is empty"},
		{"password in the URL", Options{URL: "https://alice:hunter22hunter22@git.example.test/r"}, "it holds a password"},
		{"password that does not parse", Options{URL: "https://alice:hunter22%zz@git.example.test/r"}, "malformed"},
		{"empty password in the URL", Options{URL: "https://alice:@git.example.test/r"}, "it holds a password"},
		{"password for SSH", Options{URL: "ssh://git:hunter22hunter22@git.example.test/r"}, "it holds a password"},
		{"password in the scp form", Options{URL: "git:hunter22hunter22@git.example.test:r"}, "it holds a password"},
		{"token as user name", Options{URL: "https://ghp_hunter22hunter22@github.com/acme/shop"}, "neither a token nor a password"},
		{"token in the query", Options{URL: httpsURL + "?private_token=hunter22hunter22"}, "query or a fragment"},
		{"helper of git's", Options{URL: "ext::sh -c id"}, "neither a URL nor"},
		{"helper of git's without a space", Options{URL: "ext::id"}, "give https://"},
		{"helper in a URL", Options{URL: "ext::ssh://git.example.test/r"}, "neither a URL nor"},
		{"git's own protocol", Options{URL: "git://git.example.test/r"}, `does not speak "git"`},
		{"relative path", Options{URL: "../r.git"}, "is not absolute: give https://"},
		{"option as host", Options{URL: "ssh://-oProxyCommand=id/r"}, "begins with a dash"},
		{"option as host in the scp form", Options{URL: "-oProxyCommand=id:r"}, "begins with a dash"},
		{"no host", Options{URL: "https:///r"}, "names no host"},
		{"host of a file", Options{URL: "file://elsewhere/r"}, "file:// with a host"},
		{"no repository", Options{URL: "https://github.com/"}, "names no repository"},

		{"two logins", Options{URL: httpsURL, Token: secret, Password: secret}, "more than one of"},
		{"app and token", Options{URL: httpsURL, Token: secret, App: &app}, "more than one of"},
		{"two SSH logins", Options{URL: sshURL, SSHKey: private, SSHAgent: "/run/agent", KnownHosts: known}, "both an SSH key and an SSH agent"},
		{"password alone", Options{URL: httpsURL, Password: secret}, "no user name"},
		{"user name alone", Options{URL: httpsURL, Username: "alice"}, "neither a token nor a password"},
		{"bearer alone", Options{URL: httpsURL, Bearer: true}, "a bearer needs a token"},
		{"plain text", Options{URL: "http://git.example.test/r", Token: secret}, "in plain text"},
		{"short secret", Options{URL: httpsURL, Token: "abcdefg"}, "shorter than 8 characters"},
		{"two lines", Options{URL: httpsURL, Token: "hunter22\nhunter22"}, "a line break or another control character"},
		{"not UTF-8", Options{URL: httpsURL, Token: "hunter22\xff"}, "not UTF-8"},
		{"control character in the user name", Options{URL: httpsURL, Username: "a\nhost=b", Token: secret}, "a control character"},

		{"SSH key for HTTPS", Options{URL: httpsURL, SSHKey: private}, "use an ssh:// URL"},
		{"no SSH key", Options{URL: sshURL, KnownHosts: known}, "neither a private key nor an SSH agent"},
		{"locked SSH key", Options{URL: sshURL, KnownHosts: known, SSHKey: locked}, "it has a passphrase"},
		{"public SSH key", Options{URL: sshURL, KnownHosts: known, SSHKey: ssh.MarshalAuthorizedKey(public)}, "it is the public half"},
		{"half an SSH key", Options{URL: sshURL, KnownHosts: known, SSHKey: private[:len(private)/2]}, "not a private key that OpenSSH writes"},
		{"no known_hosts", Options{URL: sshURL, SSHKey: private}, "check known_hosts: it has no key of git.example.test: get them with `ssh-keyscan git.example.test`"},
		{"unknown host", Options{URL: "ssh://git@other.example.test:2222/r", SSHKey: private, KnownHosts: known}, "no key of [other.example.test]:2222: get them with `ssh-keyscan -p 2222 other.example.test`"},
		{"broken known_hosts", Options{URL: sshURL, SSHKey: private, KnownHosts: append(known, "git.example.test ssh-rsa AAAA\n"...)}, "known_hosts:2:"},
		{"a word in known_hosts", Options{URL: sshURL, SSHKey: private, KnownHosts: append(known, "\n# note\ngit.example.test\n"...)}, "known_hosts:4: it has no key: correct the line"},
		{"broken revocation", Options{URL: sshURL, SSHKey: private, KnownHosts: append([]byte("@revoked * ssh-ed25519 AAAA\n"), known...)}, "known_hosts:1:"},
		{"quote in the user name", Options{URL: `ssh://git.example.test/r`, Username: `a"b`, SSHKey: private, KnownHosts: known}, "a quote"},

		{"CA is a key", Options{URL: httpsURL, CA: private}, "there is a OPENSSH PRIVATE KEY among them"},
		{"CA is not PEM", Options{URL: httpsURL, CA: []byte("hello")}, "they are not PEM"},
		{"CA is damaged", Options{URL: httpsURL, CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})}, "one is damaged"},
		{"proxy's scheme", Options{URL: httpsURL, Proxy: "ftp://proxy.test"}, `does not speak "ftp"`},
		{"proxy does not parse", Options{URL: httpsURL, Proxy: "http://alice:hunter22%zz@proxy.test"}, "URL of the proxy: it is not well formed"},
		{"proxy without a host", Options{URL: httpsURL, Proxy: "http://:3128"}, "names no host"},

		{"app without an ID", Options{URL: httpsURL, App: &App{Key: app.Key}}, "it has no ID"},
		{"app's key", Options{URL: httpsURL, App: &App{ID: "1", Key: private}}, "not an RSA key in PEM"},
		{"app and a deep path", Options{URL: "https://gitlab.com/a/b/c", App: &app}, "owner/name"},
		{"app over plain text", Options{URL: httpsURL, App: &App{ID: "1", Key: app.Key, API: "http://api.example.test"}}, "in plain text"},
		{"app's API", Options{URL: httpsURL, App: &App{ID: "1", Key: app.Key, API: "https://x:hunter22hunter22@api.example.test"}}, "without a login in it"},

		{"author without an address", Options{URL: httpsURL, Author: git.Identity{Name: "Ann"}}, "read author: it needs a name and an address"},
		{"committer with a bracket", Options{URL: httpsURL, Committer: git.Identity{Name: "Ann <", Email: "a@example.test"}}, "read committer: its name or address holds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.TempDir = os.TempDir()
			c, err := Open(t.Context(), tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if c != nil {
				t.Error("there are credentials beside the error")
			}
			for _, s := range []string{secret, "hunter22", os.TempDir()} {
				lacks(t, "the error", err.Error(), s)
			}
		})
	}
}

func TestURLs(t *testing.T) {
	private, public := openSSH(t, newEd25519(t))
	known := bytes.Join([][]byte{
		[]byte(knownhosts.Line([]string{"git.example.test"}, public)),
		[]byte(knownhosts.Line([]string{"[::1]:2222"}, public)),
		[]byte("@cert-authority *.corp.test " + string(ssh.MarshalAuthorizedKey(public))),
		[]byte(knownhosts.HashHostname("hashed.test") + " " + string(ssh.MarshalAuthorizedKey(public))),
	}, []byte("\n"))
	for given, want := range map[string]string{
		"https://org@dev.azure.com/org/p/_git/r":   "https://dev.azure.com/org/p/_git/r",
		"HTTPS://git.example.test:8443/a/b.git":    "https://git.example.test:8443/a/b.git",
		"http://127.0.0.1:3000/a/b.git":            "http://127.0.0.1:3000/a/b.git",
		"http://[::1]:3000/a/b.git":                "http://[::1]:3000/a/b.git",
		"git@git.example.test:acme/shop.git":       "git@git.example.test:acme/shop.git",
		"git.example.test:acme/shop.git":           "git.example.test:acme/shop.git",
		"ssh://git@git.example.test/acme/shop.git": "ssh://git@git.example.test/acme/shop.git",
		"ssh://git.example.test:2222/~/shop.git":   "ssh://git.example.test:2222/~/shop.git",
		"ssh://git@[::1]:2222/acme/shop.git":       "ssh://git@[::1]:2222/acme/shop.git",
		"ssh://git@git.corp.test/acme/shop.git":    "ssh://git@git.corp.test/acme/shop.git",
		"ssh://git@hashed.test/acme/shop.git":      "ssh://git@hashed.test/acme/shop.git",
		"file:///srv/git/shop.git":                 "file:///srv/git/shop.git",
		"/srv/git/shop.git":                        "/srv/git/shop.git",
	} {
		o := Options{URL: given, Token: secret, KnownHosts: known}
		if r, err := parseRemote(given); err == nil && r.scheme == "ssh" {
			o.SSHKey = private
		}
		if got := open(t, o).URL(); got != want {
			t.Errorf("%s: git gets %s, want %s", given, got, want)
		}
	}
}

func TestTokenUsers(t *testing.T) {
	for url, want := range map[string]string{
		"https://github.com/acme/shop":           "x-access-token",
		"https://gitlab.com/acme/shop":           "oauth2",
		"https://gitlab.example.test/a/b/c":      "oauth2",
		"https://bitbucket.org/acme/shop":        "x-token-auth",
		"https://bot@gitlab.example.test/a/b/c":  "bot",
		"https://org@dev.azure.com/org/p/_git/r": "org",
	} {
		g, err := open(t, Options{URL: url, Token: secret}).Access(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(g.Env, "\n"), usernameVar+"="+want+"\n") {
			t.Errorf("%s: %q, want the user %s", url, g.Env, want)
		}
	}
}

func TestTokens(t *testing.T) {
	for want, o := range map[string]Options{
		secret:        {URL: "https://git.example.test/r", Token: secret},
		"a-password":  {URL: "https://git.example.test/r", Username: "alice", Password: "a-password"},
		"for-the-api": {URL: "file:///srv/r.git", Token: "for-the-api"},
	} {
		if got := token(t, open(t, o)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got, err := open(t, Options{URL: "https://git.example.test/r"}).Token(t.Context()); !errors.Is(err, ErrNoToken) {
		t.Errorf("without a login: %q, %v", got, err)
	}
}
