package repourl

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for raw, want := range map[string]string{ // scheme user address path
		"https://git.example.com/a/b.git":         "https||git.example.com|/a/b.git",
		"https://GIT.example.com.:443/a":          "https||git.example.com|/a",
		"HTTP://u@git.example.com:8080/a":         "http|u|git.example.com:8080|/a",
		"ssh://git@git.example.com:22/a":          "ssh|git|git.example.com|/a",
		"ssh://git@git.example.com:2222/a":        "ssh|git|git.example.com:2222|/a",
		"git+ssh://git.example.com/a":             "ssh||git.example.com|/a",
		"ssh://git@[::1]:2222/a":                  "ssh|git|[::1]:2222|/a",
		"git.example.com:a/b":                     "ssh||git.example.com|a/b",
		"git.example.com:/a/b":                    "ssh||git.example.com|/a/b",
		"git@git.example.com:a":                   "ssh|git|git.example.com|a",
		"git@git.example.com:~user/a":             "ssh|git|git.example.com|~user/a",
		"git@[::1]:a":                             "ssh|git|[::1]|a",
		"[::1]:a":                                 "ssh||[::1]|a",
		"[git.example.com:2222]:a":                "ssh||git.example.com:2222|a",
		"git@[git.example.com]:a":                 "ssh|git|git.example.com|a",
		"host:a:b":                                "ssh||host|a:b",
		"/srv/a.git":                              "file|||/srv/a.git",
		"/srv/a:b@c":                              "file|||/srv/a:b@c",
		"file:///srv/a.git":                       "file|||/srv/a.git",
		"file://localhost/srv":                    "file|||/srv",
		"git://git.example.com/a":                 "git||git.example.com|/a",
		"ftp://git.example.com/a":                 "ftp||git.example.com|/a",
		"https://git.example.com/a@evil.example/": "https||git.example.com|/a@evil.example/",
	} {
		u, err := Parse(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if got := strings.Join([]string{u.Scheme, u.User, u.Address(), u.Path}, "|"); got != want || u.Text != raw {
			t.Errorf("%s is %s, want %s", raw, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for raw, want := range map[string]string{
		"": "empty", "../x": "local path", "x": "local path", "./a:b": "local path", `C:\git\shop`: "Windows", "C:/git/shop": "Windows", `..\a:b`: "local path",
		"ext::sh -c id": "neither", "foo::git@host:a": "neither", "host::a": "neither", "-oProxyCommand=x:a": "dash", "-x@host:a": "dash", "ssh://-oProxyCommand=x/a": "dash",
		"ssh://-x@host/a": "dash", "ssh://%2dx@host/a": "dash", "https:///a": "no host", "https://a:b:c/d": "malformed", `https://good.example\@evil.example/`: "malformed",
		"file://evil.example/a": "with a host", "a\nb:c": "line break", "https://good.example%2f@evil.example/%zz": "malformed", "user:secret@host:a": "password",
		"[a@b:1]:c": "malformed", "https://a\"b/c/d": "malformed", "https://a<b/c": "malformed", "a'b:c/d": "malformed", "https://a;b/c": "malformed", "ssh://::/0": "malformed", "[:]:a": "malformed", "https://a\u202eb/c": "malformed",
		"a..:b": "malformed", "https://a..b/c": "malformed", "ssh://.a/b": "malformed", "https://./a": "no host", "https://a../b": "malformed",
	} {
		u, err := Parse(raw)
		switch {
		case err == nil && want == "password" && u.HasPassword:
		case err == nil:
			t.Errorf("%q is %+v", raw, u)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%q: %v, want %q", raw, err, want)
		case strings.Contains(err.Error(), "secret"):
			t.Errorf("%q: the error holds the password", raw)
		}
	}
}

// TestOneServer: what names another server never has the same address.
func TestOneServer(t *testing.T) {
	same := [][]string{
		{"https://git.example.com/a", "https://git.example.com:443/b", "ssh://git@git.example.com/a", "git@git.example.com:a", "git.example.com:a", "GIT.EXAMPLE.COM:a", "git.example.com.:a"},
		{"https://git.example.com:8443/a"},
		{"evil.example:a", "x@evil.example:a", "https://u:p@evil.example/", "https://git.example.com@evil.example/"},
		{"ssh://git@git.example.com:2222/a", "[git.example.com:2222]:a"},
		{"/srv/a", "file:///srv/a"},
		{"https://git.example.com.evil.example/"},
	}
	for i, group := range same {
		for j, other := range same {
			for _, a := range group {
				for _, b := range other {
					x, err := Address(a)
					if err != nil {
						t.Fatalf("%s: %v", a, err)
					}
					y, err := Address(b)
					if err != nil {
						t.Fatalf("%s: %v", b, err)
					}
					if (x == y) != (i == j) {
						t.Errorf("%s is at %q, %s at %q", a, x, b, y)
					}
				}
			}
		}
	}
}

// FuzzParse holds that a URL which is taken has one host, and that no error tells
// what it holds.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"https://u:p@h:1/p?q#f", "git@h:p", "[::1]:p", "[h:1]:p", "/p", "file:///p", "C:/p", "ext::x", "ssh://-x@h/", "a:b@c:d", "https://a\\@b/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := Parse(raw)
		if err != nil {
			return
		}
		if u.Scheme == "" || u.Text != raw || (u.Host == "") != (u.Scheme == "file") || strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User, "-") {
			t.Errorf("%q is %+v", raw, u)
		}
		if again, err := Parse("ssh://" + u.Address() + "/p"); u.Port == "" && u.Host != "" && (err != nil || again.Host != u.Host) {
			t.Errorf("%q is on %q, and that on %+v, %v", raw, u.Host, again, err)
		}
	})
}

func TestRepository(t *testing.T) {
	same := []string{"https://Git.example.com/a/b.git", "https://me@git.example.com:443/a/b/", "git@git.example.com:a/b.git", "https://git.example.com/A/B", "ssh://git@git.example.com/a/b"}
	for _, raw := range append(same, "https://git.example.com/a/c", "https://git.example.com:8443/a/b") {
		u, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got, is := u.Repository() == "git.example.com/a/b", slices.Contains(same, raw); got != is {
			t.Errorf("%s is %s", raw, u.Repository())
		}
	}
}
