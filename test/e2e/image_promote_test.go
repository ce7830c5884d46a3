//go:build e2e

package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assaydev/assay/test/e2e/gitea"
	"github.com/assaydev/assay/test/image"
	"github.com/assaydev/assay/test/openssh"
)

const (
	documentedRepo  = "--repo https://git.example.com/acme/envs"
	documentedToken = "--token-file /etc/assay/git/token"
	documentedKey   = "--ssh-key /etc/assay/git/ssh-privatekey --known-hosts /etc/assay/git/known_hosts"
	documentedCA    = "--ca-file /etc/assay/git/ca.crt"
	anyUser         = 1234 // without an entry in /etc/passwd
)

// promotes runs the commands that docs/install.md has for kubectl exec, in the sidecar
// with a Git credential, against a real Gitea.
func (i *imageTest) promotes(t *testing.T) {
	server, err := gitea.Start(i.ctx, gitea.Options{Dir: t.TempDir(), Root: root, Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	token, err := server.NewToken(i.ctx, "assay", "write:repository", "write:issue")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, container := i.sidecar(t, dir, "git-credentials")
	secret := filepath.Join(dir, "assay-git")
	_, public := openssh.NewKey(t, filepath.Join(secret, "ssh-privatekey"))
	if err := server.AddKey(i.ctx, "image", public); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"token": token, "known_hosts": server.KnownHosts, "ca.crt": string(server.CA)} {
		if err := os.WriteFile(filepath.Join(secret, name), []byte(data), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(secret, "ssh-privatekey"), 0o444); err != nil {
		t.Fatal(err)
	}
	other := container
	other.UID, other.GID = anyUser, 0
	p := &podTest{imageTest: i, server: server, token: token, lines: documented(t)}
	https := documentedToken + " " + documentedCA + " --forge gitea --forge-api " + server.URL + "/api/v1"
	t.Run("https", func(t *testing.T) { p.loop(t, container, server.URL, "pull-request, merge: auto", https) })
	t.Run("https as another user", func(t *testing.T) { p.loop(t, other, server.URL, "push", https) })
	t.Run("ssh", func(t *testing.T) { p.loop(t, container, "ssh://git@"+server.SSH, "push", documentedKey) })
	t.Run("ssh as another user", func(t *testing.T) { p.noUser(t, other) })
}

// podTest is a Gitea, and what is documented to be run in a pod.
type podTest struct {
	*imageTest
	server *gitea.Server
	token  string
	lines  map[string]string // assay's command lines, by their verb
}

// documented are the commands that docs/install.md runs in the sidecar.
func documented(t *testing.T) map[string]string {
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
	lines := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)deploy/argocd-repo-server -c assay -- \\\n +(assay (candidate set|\w+) .*)$`).FindAllStringSubmatch(string(page), -1) {
		lines[m[2]] = m[1]
		if !strings.Contains(m[1], documentedRepo) || !strings.Contains(m[1], documentedToken) {
			t.Errorf("docs/install.md: %s has another repository or token", m[1])
		}
	}
	if len(lines) != 4 {
		t.Fatalf("docs/install.md runs %v in the sidecar", lines)
	}
	return lines
}

// loop sets, promotes, rejects and concludes in an environment of its own.
func (p *podTest) loop(t *testing.T, c image.Container, server, method, login string) {
	l := p.environment(t, method)
	run := func(stdin, verb string, more ...string) string {
		t.Helper()
		code, out, messages := p.run(t, c, stdin, verb, server+"/"+l.repo.Path+".git", strings.Join(append([]string{login}, more...), " "))
		if code != 0 {
			t.Fatalf("assay %s: exit code %d: %s", verb, code, messages)
		}
		return out
	}
	run("", "candidate set")
	l.expect(run("", "promote"), "promoted candidate 2.0.0 (")
	l.onMain("2.0.0")

	run("", "candidate set", "--tag 3.0.0")
	l.expect(run("", "reject", "--sign ssh --signing-key /etc/assay/git/ssh-privatekey"), "rejected candidate 3.0.0 (")
	l.onMain("2.0.0")
	l.expect(l.git("cat-file", "commit", l.tip("main")), "-----BEGIN SSH SIGNATURE-----")

	run("", "candidate set", "--tag 4.0.0")
	digest := regexp.MustCompile(`(?m)^Assay-Digest: (v2:[0-9a-f]{64})$`).FindStringSubmatch(l.git("log", "-1", "--format=%B", l.tip("main")))
	if digest == nil {
		t.Fatal("the candidate's commit has no digest")
	}
	l.expect(run(boundJob(digest[1])+jobPassed, "conclude"), "promoted candidate 4.0.0 (")
	l.onMain("4.0.0")
}

// noUser tries ssh as a user that it refuses.
func (p *podTest) noUser(t *testing.T, c image.Container) {
	l := p.environment(t, "push")
	before := l.tip("main")
	code, out, messages := p.run(t, c, "", "candidate set", "ssh://git@"+p.server.SSH+"/"+l.repo.Path+".git", documentedKey)
	if code != 1 || out != "" || l.tip("main") != before {
		t.Errorf("exit code %d: %s", code, out)
	}
	l.expect(messages, "ssh does not start: No user exists for uid 1234", "run as a user that has one, or use an https:// URL")
}

// environment is a new one on the server, whose promotions get to the branch by a method.
func (p *podTest) environment(t *testing.T, method string) *loopTest {
	t.Helper()
	name := strings.ToLower(regexp.MustCompile(`\W+`).ReplaceAllString(t.Name(), "-"))
	l := &loopTest{pullTest: newPullTest(p.ctx, t, p.server, p.token, name)}
	l.commit("shop/prod/web.yaml", webManifest("1.0.0"))
	l.commit("shop/prod/assay.yaml", "apiVersion: assay.dev/v1alpha1\nkind: Plan\nmetadata: {name: shop}\nspec: {promotion: {method: "+method+"}}\n")
	l.commit("shop/prod/experiment/judge.yaml", judgeJob)
	return l
}

// run runs a documented command with another repository and login.
func (p *podTest) run(t *testing.T, c image.Container, stdin, verb, repo, flags string) (code int, stdout, stderr string) {
	t.Helper()
	line := strings.NewReplacer(documentedRepo, "--repo "+repo, documentedToken, flags).Replace(p.lines[verb])
	return p.exec(t, c, stdin, "sh", "-c", line)
}
