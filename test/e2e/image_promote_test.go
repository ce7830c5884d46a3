//go:build e2e

package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/test/e2e/gitea"
	"github.com/assaydev/assay/test/envrepo"
	"github.com/assaydev/assay/test/image"
	"github.com/assaydev/assay/test/openssh"
)

const (
	documentedRepo  = "--repo https://git.example.com/acme/envs"
	documentedToken = "--token-file /etc/assay/git/token"
	documentedKey   = "--ssh-key /etc/assay/git/ssh-privatekey --known-hosts /etc/assay/git/known_hosts"
	documentedCA    = "--ca-file /etc/assay/git/ca.crt"
	judges          = "shop/prod/experiment"
	anyUser         = 1234 // without an entry in /etc/passwd
)

// promotes runs the commands that docs/install.md has for kubectl exec, in the pods
// that it names, against a real Gitea.
func (i *imageTest) promotes(t *testing.T) {
	server, err := gitea.Start(i.ctx, gitea.Options{Dir: t.TempDir(), Root: root, Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	p := &podTest{imageTest: i, server: server, lines: documented(t)}
	if p.token, err = server.NewToken(i.ctx, "assay", "write:repository", "write:issue"); err != nil {
		t.Fatal(err)
	}
	var public string
	p.key, public = openssh.NewKey(t, filepath.Join(t.TempDir(), "key"))
	if err := server.AddKey(i.ctx, "image", public); err != nil {
		t.Fatal(err)
	}
	t.Run("sidecar", p.inSidecar)
	t.Run("promoter", p.inPromoter)
}

// podTest is a Gitea, and what is documented to be run in a pod.
type podTest struct {
	*imageTest
	server *gitea.Server
	token  string
	key    []byte                       // private, of SSH
	lines  map[string]map[string]string // assay's command lines, by Deployment and verb
}

// documented are the commands that docs/install.md runs in each Deployment.
func documented(t *testing.T) map[string]map[string]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs/install.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, flags := range []string{documentedKey, documentedCA} {
		if !strings.Contains(string(page), flags) {
			t.Errorf("docs/install.md does not say %s", flags)
		}
	}
	lines := map[string]map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)deploy/([\w-]+)(?: -c assay)? --(?: \\\n)? +(assay (candidate set|\w+) .*)$`).FindAllStringSubmatch(string(page), -1) {
		if lines[m[1]] == nil {
			lines[m[1]] = map[string]string{}
		}
		lines[m[1]][m[3]] = m[2]
	}
	if len(lines) != 2 || len(lines["argocd-repo-server"]) != 4 || len(lines["assay-promoter"]) != 5 {
		t.Fatalf("docs/install.md runs %v", lines)
	}
	return lines
}

// secret fills a volume as the kubelet does.
func (p *podTest) secret(t *testing.T, dir string) {
	t.Helper()
	for name, data := range map[string][]byte{
		"token": []byte(p.token), "ssh-privatekey": p.key, "known_hosts": []byte(p.server.KnownHosts), "ca.crt": p.server.CA,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o444); err != nil {
			t.Fatal(err)
		}
	}
}

// inSidecar reaches the server by each protocol, as Argo CD's user and as another.
func (p *podTest) inSidecar(t *testing.T) {
	dir := t.TempDir()
	_, container := p.sidecar(t, dir, "git-credentials")
	p.secret(t, filepath.Join(dir, "assay-git"))
	other := container
	other.UID, other.GID = anyUser, 0
	https := strings.Join([]string{documentedToken, documentedCA, p.forge()}, " ")
	t.Run("https", func(t *testing.T) { p.loop(t, container, p.server.URL, "pull-request, merge: auto", https) })
	t.Run("https as another user", func(t *testing.T) { p.anyUser(t, other, https) })
	t.Run("ssh", func(t *testing.T) { p.loop(t, container, "ssh://git@"+p.server.SSH, "push", documentedKey) })
	t.Run("signatures", func(t *testing.T) { p.signs(t, container, other, https) })
	t.Run("ssh as another user", func(t *testing.T) { p.noUser(t, other) })
}

func (p *podTest) forge() string { return "--forge gitea --forge-api " + p.server.URL + "/api/v1" }

// loop sets, promotes, rejects and concludes in an environment of its own.
func (p *podTest) loop(t *testing.T, c image.Container, server, method, login string) {
	l := p.environment(t, method)
	repo := server + "/" + l.repo.Path + ".git"
	run := func(stdin, verb, flags string) string {
		t.Helper()
		return p.ok(t, c, stdin, p.inRepo(verb, repo, login)+flags)
	}
	run("", "candidate set", "")
	l.expect(run("", "promote", ""), "promoted candidate 2.0.0 (")
	l.onMain("2.0.0", judges)

	run("", "candidate set", " --tag 3.0.0")
	l.expect(run("", "reject", ""), "rejected candidate 3.0.0 (")
	l.onMain("2.0.0", judges)

	run("", "candidate set", " --tag 4.0.0")
	l.expect(run(boundJob(l.digest())+jobPassed, "conclude", ""), "promoted candidate 4.0.0 (")
	l.onMain("4.0.0", judges)
}

// anyUser promotes as a user without an entry in /etc/passwd.
func (p *podTest) anyUser(t *testing.T, c image.Container, login string) {
	l := p.environment(t, "push")
	repo := p.server.URL + "/" + l.repo.Path + ".git"
	p.ok(t, c, "", p.inRepo("candidate set", repo, login))
	l.expect(p.ok(t, c, "", p.inRepo("promote", repo, login)), "promoted candidate 2.0.0 (")
	l.onMain("2.0.0", judges)
}

// signs signs with a key of ssh's, and with one that gpg of the image has made. ssh-keygen
// refuses the same users as ssh.
func (p *podTest) signs(t *testing.T, c, other image.Container, login string) {
	l := p.environment(t, "push")
	line := p.inRepo("candidate set", p.server.URL+"/"+l.repo.Path+".git", login)
	const ssh = " --sign ssh --signing-key /etc/assay/git/ssh-privatekey"
	before := l.tip("main")
	if code, _, messages := p.exec(t, other, "", "sh", "-c", line+ssh); code != 1 || !strings.Contains(messages, git.HintUser) || l.tip("main") != before {
		t.Errorf("exit code %d: %s", code, messages)
	}
	p.ok(t, c, "", line+ssh)
	l.expect(l.git("cat-file", "commit", l.tip("main")), "-----BEGIN SSH SIGNATURE-----")
	p.ok(t, c, "", `umask 077 && mkdir /tmp/gpg && export GNUPGHOME=/tmp/gpg && gpg --batch --quiet --passphrase '' --quick-gen-key 'A <a@example.com>' &&
		gpg --batch --armor --export-secret-keys >/tmp/key && gpgconf --kill all`)
	p.ok(t, c, "", line+" --tag 3.0.0 --sign openpgp --signing-key /tmp/key")
	l.expect(l.git("cat-file", "commit", l.tip("main")), "-----BEGIN PGP SIGNATURE-----")
}

// noUser tries ssh as a user that it refuses.
func (p *podTest) noUser(t *testing.T, c image.Container) {
	l := p.environment(t, "push")
	before := l.tip("main")
	code, out, messages := p.exec(t, c, "", "sh", "-c", p.inRepo("candidate set", "ssh://git@"+p.server.SSH+"/"+l.repo.Path+".git", documentedKey))
	if code != 1 || out != "" || l.tip("main") != before {
		t.Errorf("exit code %d: %s", code, out)
	}
	l.expect(messages, "ssh does not start: No user exists for uid 1234: "+git.HintUser+", or use an https:// URL")
}

// environment is a new one on the server, whose promotions get to the branch by a method.
func (p *podTest) environment(t *testing.T, method string) *loopTest {
	t.Helper()
	name := strings.ToLower(regexp.MustCompile(`[\W_]+`).ReplaceAllString(t.Name(), "-"))
	l := &loopTest{pullTest: newPullTest(p.ctx, t, p.server, p.token, name)}
	l.commit("shop/prod/web.yaml", webManifest("1.0.0"))
	l.commit("shop/prod/experiment/judge.yaml", judgeJob)
	l.commit("shop/prod/assay.yaml", "# +argocd:skip-file-rendering\napiVersion: assay.dev/v1alpha1\nkind: Plan\nmetadata: {name: shop}\nspec: {promotion: {method: "+method+"}}\n")
	return l
}

// digest is that of the candidate that the last commit puts under test.
func (l *loopTest) digest() string {
	l.t.Helper()
	found := regexp.MustCompile(`(?m)^Assay-Digest: (v2:[0-9a-f]{64})$`).FindStringSubmatch(l.git("log", "-1", "--format=%B", l.tip("main")))
	if found == nil {
		l.t.Fatal("the candidate's commit has no digest")
	}
	return found[1]
}

// variant are the candidate's objects as a sync applies them to a namespace.
func (l *loopTest) variant(namespace string) string {
	l.t.Helper()
	dir := filepath.Join(l.t.TempDir(), "tree")
	l.git("worktree", "add", "-q", "--detach", dir, l.tip("main"))
	defer l.git("worktree", "remove", dir)
	req, res := envrepo.Rendered(l.t, dir, "shop/prod")
	defer func() { _ = req.FS.Close() }()
	for _, o := range res.Variant {
		o.SetNamespace(namespace)
	}
	text, err := object.MarshalYAML(res.Variant)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(text)
}

// inRepo is the sidecar's documented command with another repository and login.
func (p *podTest) inRepo(verb, repo, flags string) string {
	return strings.NewReplacer(documentedRepo, "--repo "+repo, documentedToken, flags, "--namespace shop", "--namespace web").Replace(p.lines["argocd-repo-server"][verb])
}

// ok runs a command line that must succeed.
func (p *podTest) ok(t *testing.T, c image.Container, stdin, line string) string {
	t.Helper()
	code, out, messages := p.exec(t, c, stdin, "sh", "-c", line)
	if code != 0 {
		t.Fatalf("%s: exit code %d: %s", line, code, messages)
	}
	if strings.Contains(out+messages, p.token) {
		t.Error("the output holds the token")
	}
	return out
}
