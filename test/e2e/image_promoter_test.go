//go:build e2e

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/test/e2e/kube"
	"github.com/assaydev/assay/test/e2e/process"
	"github.com/assaydev/assay/test/e2e/stack"
	"github.com/assaydev/assay/test/image"
)

// account is where a pod finds the token of its service account.
const account = "/var/run/secrets/kubernetes.io/serviceaccount"

// inPromoter reads the Application and the experiment from a real API server, as the
// account of manifests/promoter.
func (p *podTest) inPromoter(t *testing.T) {
	cluster, err := kube.Start(p.ctx, kube.Options{Dir: t.TempDir(), Root: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	l := p.environment(t, "push")
	c := &clusterTest{t: t, ctx: p.ctx, server: cluster}
	c.define()
	objects, err := image.Install(filepath.Join(root, "manifests"), ".", "promoter")
	c.must(err)
	manifests, err := objects.AsYaml()
	c.must(err)
	c.must(cluster.Apply(p.ctx, accounts))
	c.must(cluster.Apply(p.ctx, string(manifests)))
	c.must(cluster.Apply(p.ctx, stack.Project))
	repo := p.server.URL + "/" + l.repo.Path + ".git"
	shop := application("shop", repo, "{namespace: web, server: https://kubernetes.default.svc}")
	c.must(cluster.Apply(p.ctx, shop))
	c.must(cluster.Apply(p.ctx, p.login(repo)))

	dir := t.TempDir()
	pod, container := p.pod(t, dir, "assay-promoter", "promoter", "promoter")
	p.admit(t, &container, cluster)
	run := func(verb, flags string) string {
		t.Helper()
		return p.ok(t, container, "", p.lines["assay-promoter"][verb]+flags)
	}
	run("candidate set", "")
	l.expect(run("describe", ""), "2.0.0")
	l.expect(run("promote", ""), "promoted candidate 2.0.0 (")
	l.onMain("2.0.0", judges)

	run("candidate set", " --tag 3.0.0")
	l.expect(run("reject", ""), "rejected candidate 3.0.0 (")
	l.onMain("2.0.0", judges)

	run("candidate set", " --tag 4.0.0")
	digest := l.digest()
	c.must(cluster.Apply(p.ctx, l.variant("web")))
	c.must(cluster.Apply(p.ctx, boundJob(digest)))
	c.must(cluster.Conclude(p.ctx, passedJob(digest)))
	l.expect(run("conclude", ""), "promoted candidate 4.0.0 (")
	l.onMain("4.0.0", judges)

	daemon := p.daemon(t, pod, container)
	run("candidate set", " --tag 5.0.0")
	digest = l.digest()
	c.must(cluster.Apply(p.ctx, l.variant("web")))
	c.must(cluster.Apply(p.ctx, boundJob(digest)))
	c.must(cluster.Conclude(p.ctx, passedJob(digest)))
	c.must(cluster.Apply(p.ctx, synced(shop, digest)))
	c.must(daemon.Ready("promoter", time.Minute, func(context.Context) error {
		if tip := l.git("log", "-1", "--format=%B", l.tip("main")); !strings.Contains(tip, "Assay-Outcome: promote") {
			return errors.New("main is at: " + tip)
		}
		return nil
	}))
	l.onMain("5.0.0", judges)
	l.expect(l.git("cat-file", "commit", l.tip("main")), "-----BEGIN SSH SIGNATURE-----")
}

// login is what Argo CD knows of the repository and its server.
func (p *podTest) login(repo string) string {
	certificate := strings.ReplaceAll(strings.TrimSpace(string(p.server.CA)), "\n", "\n    ")
	return fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-tls-certs-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
data:
  127.0.0.1: |
    %s
---
apiVersion: v1
kind: Secret
metadata: {name: envs, namespace: argocd, labels: {argocd.argoproj.io/secret-type: assay-repository}}
stringData: {url: %q, token: %q, forge: gitea, forgeAPI: %q}
`, certificate, repo, p.token, p.server.URL+"/api/v1")
}

// synced is an Application that has synced the Job of a candidate.
func synced(app, digest string) string {
	return app + fmt.Sprintf("status: {resources: [{group: batch, version: v1, kind: Job, namespace: web, name: judge-e%s, status: Synced}]}\n", strings.TrimPrefix(digest, "v2:")[:9])
}

// daemon starts the promoter as its Deployment does, on addresses of loopback, and waits
// until it is ready.
func (p *podTest) daemon(t *testing.T, pod image.Pod, c image.Container) *process.Group {
	t.Helper()
	keys := c.Mounts[0].From
	for name, data := range map[string][]byte{"signing-key": p.key, "notify-secret": []byte("a-secret-of-this-test")} {
		if err := os.WriteFile(filepath.Join(keys, name), data, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	free, err := process.FreeAddresses(3)
	if err != nil {
		t.Fatal(err)
	}
	words := append(append([]string{}, pod.Command...), pod.Args...)
	for i, word := range words {
		words[i] = strings.ReplaceAll(word, "$(NAMESPACE)", "argocd")
	}
	words = append(words, "--health-address="+free[0], "--metrics-address="+free[1], "--notify-address="+free[2])
	program, args := c.Command(words...)
	group := process.NewGroup(p.ctx, t.TempDir())
	t.Cleanup(group.Stop)
	if err := group.Start(process.Command{Name: "promoter", Path: program, Args: args, Env: c.Environment(), Dir: "/"}); err != nil {
		t.Fatal(err)
	}
	err = group.Ready("promoter", time.Minute, func(ctx context.Context) error { return ready(ctx, "http://"+free[0]+"/readyz") })
	if err != nil {
		t.Fatal(err)
	}
	return group
}

// ready asks as the kubelet does.
func ready(ctx context.Context, probe string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, probe, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", probe, res.Status)
	}
	return nil
}

// admit gives a container the service account, as the kubelet does.
func (p *podTest) admit(t *testing.T, c *image.Container, cluster *kube.Server) {
	t.Helper()
	token, err := cluster.Account(p.ctx, "argocd", "assay-promoter")
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(cluster.CA)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string]string{"token": token, "ca.crt": string(ca), "namespace": "argocd"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	at, err := url.Parse(cluster.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.Mounts = append(c.Mounts, image.Mount{From: dir, At: account, ReadOnly: true})
	c.Env = append(c.Env, "KUBERNETES_SERVICE_HOST="+at.Hostname(), "KUBERNETES_SERVICE_PORT="+at.Port())
}
