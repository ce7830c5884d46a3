package credential

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestScrub(t *testing.T) {
	c := open(t, Options{URL: "https://git.example.test/r", Token: secret, Proxy: "http://alice:proxy-password@proxy.test"})
	for text, want := range map[string]string{
		"fatal: repository not found":                          "fatal: repository not found",
		"remote: " + secret + " is wrong":                      "remote: *** is wrong",
		"https://bob:other@host.test/r and ssh://git@h.test/r": "https://***@host.test/r and ssh://git@h.test/r",
		"ssh://git:other@h.test/r":                             "ssh://***@h.test/r",
		"proxy-password at http://alice@proxy.test":            "*** at http://***@proxy.test",
		"mail bob@example.test":                                "mail bob@example.test",
		"a token eyJhbGciOi.eyJpc3Mi.c2ln here":                "a token *** here",
	} {
		if got := c.Scrub(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// forms are the ways in which programs print a secret.
func forms(secret string) map[string]string {
	quoted := fmt.Sprintf("%q", secret)
	jsonText, _ := json.Marshal(secret)
	list := map[string]string{
		"plain":         secret,
		"query":         url.QueryEscape(secret),
		"path":          url.PathEscape(secret),
		"lower percent": strings.ReplaceAll(secret, "/", "%2f"),
		"userinfo":      url.UserPassword("u", secret).String(),
		"quoted":        quoted[1 : len(quoted)-1],
		"JSON":          string(jsonText[1 : len(jsonText)-1]),
		"HTML":          html.EscapeString(secret),
	}
	for _, before := range []string{"", "a", "ab", "x-access-token:"} {
		for name, encoding := range map[string]*base64.Encoding{
			"std": base64.StdEncoding, "raw": base64.RawStdEncoding, "URL": base64.URLEncoding, "raw URL": base64.RawURLEncoding,
		} {
			list["base64 "+name+" after "+before] = encoding.EncodeToString([]byte(before + secret))
		}
		list["escaped base64 after "+before] = url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(before + secret)))
	}
	return list
}

// FuzzSecret: whatever the secret, no error, no scrubbed text and no setting that
// could be on a command line holds it.
func FuzzSecret(f *testing.F) {
	for _, s := range []string{secret, "hunter22", "********", "***@***@", "known_hosts", `a"b\c'd<e>&f g`, "pässwörd-é😀", "öé\U00032600-7", "bell\a\v\x7f-8", "password", "%2F%2F%2F+++", "\\\\\\\\\\\\\\\\", "short", "with\nbreak", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", "http://a:b@c"} {
		f.Add(s, "text around ")
	}
	f.Add("\r", "0") // line ends alone are not a secret
	f.Add("aaaaaaaa", "aaaaaa")
	f.Add("********", "*****") // the mask and its neighbours make the secret anew
	f.Fuzz(func(t *testing.T, s, around string) {
		s = strings.TrimRight(s, "\r\n")
		for _, o := range []Options{
			{URL: "https://git.example.test/r", Token: s},
			{URL: "https://git.example.test/r", Username: "alice", Password: s},
			{URL: "https://git.example.test/r", Proxy: (&url.URL{Scheme: "http", User: url.UserPassword("alice", s), Host: "proxy.test"}).String()},
			{URL: "http://git.example.test/r", Token: s},
			{URL: "https://alice:" + url.QueryEscape(s) + "@git.example.test/r"},
			{URL: "ssh://git@git.example.test/r", SSHKey: []byte(s)},
			{URL: "https://git.example.test/r", App: &App{ID: "1", Key: []byte(s)}},
			{URL: "/srv/r.git", Signing: Signing{Format: "ssh", Key: []byte(s)}},
		} {
			checkSecrecy(t, o, s, around)
		}
	})
}

func checkSecrecy(t *testing.T, o Options, s, around string) {
	o.TempDir = os.TempDir()
	c, err := Open(t.Context(), o)
	if err != nil {
		// What is shorter is refused, and is in any text by chance.
		if len(s) >= minSecret && strings.Contains(err.Error(), s) {
			t.Errorf("the error holds %q: %v", s, err)
		}
		return
	}
	defer func() { _ = c.Close() }()
	if s != "" && utf8.ValidString(around) {
		for name, form := range forms(s) {
			for _, text := range []string{form, around + form + around, around + s + form} {
				if clean := c.Scrub(text); strings.Contains(clean, s) || strings.Contains(clean, form) {
					t.Errorf("%s: %q became %q, which holds %q", name, text, clean, form)
				}
			}
		}
	}
	if s != "" && o.Token == s && o.Proxy == "" {
		sameSettings(t, c, o)
	}
}

// sameSettings holds the configuration against that of another token: there is
// nothing of either in it.
func sameSettings(t *testing.T, c *Credentials, o Options) {
	got, err := settings(t, c)
	if err != nil {
		t.Fatal(err)
	}
	o.Token = "another-token"
	other, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	want, err := settings(t, other)
	if err != nil {
		t.Fatal(err)
	}
	if c.login.secret != "" && !reflect.DeepEqual(got.Config, want.Config) {
		t.Errorf("the token is in git's configuration:\n%q\n%q", got.Config, want.Config)
	}
}

// TestNoArgumentHoldsTheSecret looks at every process of the machine while git
// waits for the server, and at every command that git says it runs.
func TestNoArgumentHoldsTheSecret(t *testing.T) {
	root, commit := bareRepo(t, "r.git")
	for _, o := range []Options{{Token: secret}, {Token: secret, Bearer: true}} {
		allow := basic("x-access-token", secret)
		if o.Bearer {
			allow = bearer(secret)
		}
		looked := 0
		server := httptest.NewServer(&backend{root: root, allow: func(r *http.Request) bool {
			if allow(r) {
				looked += processes(t)
			}
			return allow(r)
		}})
		defer server.Close()
		o.URL = server.URL + "/r.git"
		c := open(t, o)
		g, err := settings(t, c)
		if err != nil {
			t.Fatal(err)
		}
		g.Env = append(g.Env, "GIT_TRACE=1", "GIT_CURL_VERBOSE=1")
		out, err := gitWith(t, g, root, "ls-remote", c.URL(), "main")
		if err != nil || !strings.Contains(out, commit) || !strings.Contains(out, "trace: run_command:") {
			t.Fatalf("ls-remote: %v\n%s", err, out)
		}
		for line := range strings.Lines(out) {
			if strings.Contains(line, "trace: ") {
				lacks(t, "git's trace", line, secret)
			}
		}
		if looked == 0 && filepath.Separator == '/' {
			if _, err := os.Stat("/proc/self/cmdline"); err == nil {
				t.Error("looked at no process of git's")
			}
		}
	}
}

// processes counts those of git's over HTTP, and fails the test when the
// arguments of any process hold the secret.
func processes(t *testing.T) (count int) {
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range names {
		arguments, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		lacks(t, name, string(arguments), secret)
		if strings.Contains(string(arguments), "remote-http") {
			count++
		}
	}
	return count
}
