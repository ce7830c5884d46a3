package forge

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/assaydev/assay/internal/repourl"
)

// Repo is a repository's place on a forge.
type Repo struct {
	Kind Kind   // empty where the host does not tell
	Base string // the forge's web address, without a slash at its end
	Path string // owner/name; on GitLab the groups, subgroups and the name
}

// Detect reads the URL by which git reaches a repository: https, http, ssh or
// git, or the short form git@host:owner/name. The forge is known for
// github.com, gitlab.com, gitea.com, codeberg.org and *.ghe.com; for other hosts
// Kind is empty, and Repo.As takes the operator's word. Credentials in the URL
// reach neither the result nor the error.
func Detect(repoURL string) (Repo, error) {
	host, dir, err := split(strings.TrimSpace(repoURL))
	if err != nil {
		return Repo{}, fmt.Errorf("find forge of the repository: %w", err)
	}
	name := strings.TrimSuffix(strings.Trim(dir, "/"), ".git")
	if !repoPath.MatchString(name) || path.Clean(name) != name {
		return Repo{}, errors.New("find forge of the repository: its URL has no path like owner/name")
	}
	repo := Repo{Base: host, Path: name}
	kind := known(repo.host())
	if kind == "" {
		return repo, nil
	}
	return repo.As(kind, "")
}

// As is the repository on a forge of this kind. The API's URL, where one is
// given, tells which part of the path belongs to the forge itself, for a
// forge that is served below a path.
func (r Repo) As(kind Kind, api string) (Repo, error) {
	r.Kind = kind
	if err := r.check(); err != nil {
		return Repo{}, err
	}
	parts := strings.Split(r.Path, "/")
	below := len(parts) - 2 // owner/name: what comes before is the forge's
	if kind == GitLab {
		below = prefixed(parts, api)
	}
	if below < 0 || len(parts)-below < 2 || below > 0 && known(r.host()) != "" {
		return Repo{}, fmt.Errorf("%s is not a repository on %s: its URL must end in owner/name", r.Path, kind.name())
	}
	if below > 0 {
		r.Base += "/" + strings.Join(parts[:below], "/")
		r.Path = strings.Join(parts[below:], "/")
	}
	return r, nil
}

func (r Repo) check() error {
	switch r.Kind {
	case GitHub, GitLab, Gitea, Forgejo:
		return nil
	case "":
		return fmt.Errorf("the host of %s does not tell the kind of forge: name it, %s, %s, %s or %s", r.Web(), GitHub, GitLab, Gitea, Forgejo)
	default:
		return fmt.Errorf("unknown kind of forge %q: use %s, %s, %s or %s", r.Kind, GitHub, GitLab, Gitea, Forgejo)
	}
}

func (r Repo) host() string {
	_, host, _ := strings.Cut(r.Base, "://")
	return host
}

// Web is the repository's page for people.
func (r Repo) Web() string { return r.Base + "/" + r.Path }

// CompareURL is the page on which a person can open the pull request by hand.
// For an unknown forge it is the repository's page.
func (r Repo) CompareURL(base, head string) string {
	switch r.Kind {
	case GitHub:
		return r.Web() + "/compare/" + escape(base) + "..." + escape(head) + "?expand=1"
	case GitLab:
		query := url.Values{"merge_request[source_branch]": {head}, "merge_request[target_branch]": {base}}
		return r.Web() + "/-/merge_requests/new?" + query.Encode()
	case Gitea, Forgejo:
		return r.Web() + "/compare/" + escape(base) + "..." + escape(head)
	default:
		return r.Web()
	}
}

// CommitURL is the page of a commit; empty for an unknown forge.
func (r Repo) CommitURL(commit string) string {
	switch r.Kind {
	case GitLab:
		return r.Web() + "/-/commit/" + escape(commit)
	case GitHub, Gitea, Forgejo:
		return r.Web() + "/commit/" + escape(commit)
	default:
		return ""
	}
}

// api is the root of the forge's API, with a slash at its end.
func (r Repo) api() string {
	switch r.Kind {
	case GitHub:
		if known(r.host()) == GitHub {
			return "https://api." + r.host() + "/"
		}
		return r.Base + "/api/v3/"
	case GitLab:
		return r.Base + "/api/v4/"
	default:
		return r.Base + "/api/v1/"
	}
}

func (k Kind) name() string {
	switch k {
	case GitHub:
		return "GitHub"
	case GitLab:
		return "GitLab"
	case Gitea:
		return "Gitea"
	case Forgejo:
		return "Forgejo"
	default:
		return "an unknown forge"
	}
}

// What the forges allow in the names of owners, groups and repositories.
var repoPath = regexp.MustCompile(`^[A-Za-z0-9_.~-]+(/[A-Za-z0-9_.~-]+)*$`)

// split takes a URL apart into the forge's web address and the path on it.
func split(raw string) (base, dir string, err error) {
	u, err := repourl.Parse(raw)
	switch {
	case errors.Is(err, repourl.ErrEmpty), errors.Is(err, repourl.ErrLocal):
		return "", "", errors.New("it is a local path, and on no forge")
	case err != nil:
		return "", "", fmt.Errorf("its URL cannot be read: %w", err)
	}
	switch u.Scheme {
	case "file":
		return "", "", errors.New("it is a local path and names no host, so it is on no forge")
	case "https", "http":
		return webAddress(u.Scheme, u.Address()), u.Path, nil
	case "ssh", "git":
		// The port is ssh's, and not that of the web pages.
		u.Port = ""
		return webAddress("https", u.Address()), u.Path, nil
	default:
		return "", "", fmt.Errorf("its URL has the scheme %s: use https or ssh", u.Scheme)
	}
}

// webAddress is where a host has its web pages.
func webAddress(scheme, host string) string {
	switch host {
	case "ssh.github.com": // ssh through port 443
		host = "github.com"
	case "altssh.gitlab.com":
		host = "gitlab.com"
	}
	return scheme + "://" + host
}

func known(host string) Kind {
	switch {
	case host == "github.com", strings.HasSuffix(host, ".ghe.com"):
		return GitHub
	case host == "gitlab.com":
		return GitLab
	case host == "gitea.com":
		return Gitea
	case host == "codeberg.org":
		return Forgejo
	default:
		return ""
	}
}

// prefixed counts the leading parts that the API's URL has too.
func prefixed(parts []string, api string) int {
	u, err := url.Parse(api)
	if err != nil {
		return 0
	}
	below, _, _ := strings.Cut(strings.Trim(u.Path, "/"), "api/")
	below = strings.Trim(below, "/")
	if below == "" || !strings.HasPrefix(strings.Join(parts, "/"), below+"/") {
		return 0
	}
	return strings.Count(below, "/") + 1
}

// escape keeps the slashes of a branch's name.
func escape(branch string) string {
	parts := strings.Split(branch, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}
