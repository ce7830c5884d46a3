package forge_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/forge"
)

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		url  string
		kind forge.Kind
		web  string
		path string
	}{
		{"https://github.com/acme/shop", forge.GitHub, "https://github.com/acme/shop", "acme/shop"},
		{"https://github.com/acme/shop.git", forge.GitHub, "https://github.com/acme/shop", "acme/shop"},
		{"https://github.com/acme/shop/", forge.GitHub, "https://github.com/acme/shop", "acme/shop"},
		{"https://GitHub.com:443/acme/shop.js.git", forge.GitHub, "https://github.com/acme/shop.js", "acme/shop.js"},
		{"https://user:secret@github.com/acme/shop.git", forge.GitHub, "https://github.com/acme/shop", "acme/shop"},
		{"git@github.com:acme/shop.git", forge.GitHub, "https://github.com/acme/shop", "acme/shop"},
		{"github.com:acme/shop", forge.GitHub, "https://github.com/acme/shop", "acme/shop"},
		{"ssh://git@github.com/acme/shop.git", forge.GitHub, "https://github.com/acme/shop", "acme/shop"},
		{"ssh://git@ssh.github.com:443/acme/shop.git", forge.GitHub, "https://github.com/acme/shop", "acme/shop"},
		{"https://acme.ghe.com/acme/shop", forge.GitHub, "https://acme.ghe.com/acme/shop", "acme/shop"},
		{"https://gitlab.com/acme/team/shop.git", forge.GitLab, "https://gitlab.com/acme/team/shop", "acme/team/shop"},
		{"git@gitlab.com:acme/team/sub/shop.git", forge.GitLab, "https://gitlab.com/acme/team/sub/shop", "acme/team/sub/shop"},
		{"ssh://git@altssh.gitlab.com:443/acme/shop.git", forge.GitLab, "https://gitlab.com/acme/shop", "acme/shop"},
		{"https://gitea.com/acme/shop", forge.Gitea, "https://gitea.com/acme/shop", "acme/shop"},
		{"ssh://git@codeberg.org/acme/shop.git", forge.Forgejo, "https://codeberg.org/acme/shop", "acme/shop"},
		{"ssh://git@git.example.com:2222/acme/shop.git", "", "https://git.example.com/acme/shop", "acme/shop"},
		{"http://127.0.0.1:3000/acme/shop.git", "", "http://127.0.0.1:3000/acme/shop", "acme/shop"},
		{"https://git.example.com/forge/acme/shop", "", "https://git.example.com/forge/acme/shop", "forge/acme/shop"},
	} {
		repo, err := forge.Detect(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if repo.Kind != c.kind || repo.Web() != c.web || repo.Path != c.path {
			t.Errorf("%s is %q, %s, %s; want %q, %s, %s", c.url, repo.Kind, repo.Web(), repo.Path, c.kind, c.web, c.path)
		}
	}
}

func TestDetectRefuses(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"", "local path"},
		{"/srv/git/shop.git", "local path"},
		{"../shop", "local path"},
		{`C:\git\shop`, "local path"},
		{"file:///srv/git/shop.git", "no host"},
		{"ftp://github.com/acme/shop", "scheme ftp"},
		{"https://github.com", "no path like owner/name"},
		{"https://github.com/acme", "owner/name"},
		{"https://github.com/acme/shop/tree/main", "owner/name"},
		{"https://github.com/acme/../shop", "owner/name"},
		{"https://github.com/acme/shop?token=secret", ""},
		{"https://git:secret@github.com:bad/acme/shop", "malformed"},
		{"https://git:secret@github.com/acme/sh op", "owner/name"},
	} {
		_, err := forge.Detect(c.url)
		if c.want == "" {
			continue // what is left out of the result is checked below
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want an error with %q", c.url, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error holds the password: %v", c.url, err)
		}
	}
}

func TestAs(t *testing.T) {
	for _, c := range []struct {
		url, api string
		kind     forge.Kind
		web      string
		path     string
	}{
		{"https://git.example.com/acme/shop.git", "", forge.GitHub, "https://git.example.com/acme/shop", "acme/shop"},
		{"https://git.example.com/forge/acme/shop", "", forge.Gitea, "https://git.example.com/forge/acme/shop", "acme/shop"},
		{"https://git.example.com/forge/acme/shop", "", forge.GitLab, "https://git.example.com/forge/acme/shop", "forge/acme/shop"},
		{"https://git.example.com/forge/acme/shop", "https://git.example.com/forge/api/v4", forge.GitLab, "https://git.example.com/forge/acme/shop", "acme/shop"},
		{"https://git.example.com/acme/shop", "https://git.example.com/api/v4", forge.GitLab, "https://git.example.com/acme/shop", "acme/shop"},
	} {
		repo, err := forge.Detect(c.url)
		if err != nil {
			t.Fatal(err)
		}
		repo, err = repo.As(c.kind, c.api)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if repo.Kind != c.kind || repo.Web() != c.web || repo.Path != c.path {
			t.Errorf("%s as %s is %s, %s; want %s, %s", c.url, c.kind, repo.Web(), repo.Path, c.web, c.path)
		}
	}
	repo := forge.Repo{Base: "https://git.example.com", Path: "shop"}
	for _, kind := range []forge.Kind{forge.GitHub, forge.GitLab, "bitbucket", ""} {
		if got, err := repo.As(kind, ""); err == nil {
			t.Errorf("as %q it is %v, want an error", kind, got)
		}
	}
}

func TestPages(t *testing.T) {
	for _, c := range []struct{ url, compare, commit string }{
		{"git@github.com:acme/shop.git", "https://github.com/acme/shop/compare/main...assay/prod/e1%23?expand=1", "https://github.com/acme/shop/commit/abc"},
		{"git@gitlab.com:acme/team/shop.git", "https://gitlab.com/acme/team/shop/-/merge_requests/new?merge_request%5Bsource_branch%5D=assay%2Fprod%2Fe1%23&merge_request%5Btarget_branch%5D=main", "https://gitlab.com/acme/team/shop/-/commit/abc"},
		{"https://codeberg.org/acme/shop", "https://codeberg.org/acme/shop/compare/main...assay/prod/e1%23", "https://codeberg.org/acme/shop/commit/abc"},
		{"https://git.example.com/acme/shop", "https://git.example.com/acme/shop", ""},
	} {
		repo, err := forge.Detect(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := repo.CompareURL("main", "assay/prod/e1#"); got != c.compare {
			t.Errorf("%s: compare at %s, want %s", c.url, got, c.compare)
		}
		if got := repo.CommitURL("abc"); got != c.commit {
			t.Errorf("%s: commit at %s, want %s", c.url, got, c.commit)
		}
	}
}

// FuzzDetect holds that what is detected is a web page of the repository, and
// that it is the same page by every way that git reaches it.
func FuzzDetect(f *testing.F) {
	for _, seed := range []string{
		"https://github.com/acme/shop.git", "git@gitlab.com:a/b/c.git", "ssh://git@git.example.com:2222/a/b",
		"https://user:secret@codeberg.org/a/b", "http://[::1]:3000/a/b", "a:b", "://", "git@host:/abs/path.git", "https://github.com/a/b.git.git", "https://a\"b/c/d", "ssh://::/0", "000..:0",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		repo, err := forge.Detect(raw)
		if err != nil {
			if (repo != forge.Repo{}) {
				t.Fatalf("%q: %v beside an error", raw, repo)
			}
			return
		}
		web, err := url.Parse(repo.Web())
		if err != nil {
			t.Fatalf("%q: the page %q is not a URL: %v", raw, repo.Web(), err)
		}
		if web.User != nil || web.Host == "" || web.RawQuery != "" || web.Fragment != "" || strings.ContainsAny(repo.Web(), " \t\n\"<>") {
			t.Fatalf("%q: the page is %q", raw, repo.Web())
		}
		again, err := forge.Detect(repo.Web() + ".git")
		if err != nil || again != repo {
			t.Fatalf("%q is %v, and its page with .git is %v, %v", raw, repo, again, err)
		}
		if _, err := url.Parse(repo.CompareURL("main", "a b/ü#?%")); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
	})
}
