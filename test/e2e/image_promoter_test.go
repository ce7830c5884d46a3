//go:build e2e

package e2e_test

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/assaydev/assay/test/e2e/kube"
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
	c.must(cluster.Apply(p.ctx, application("shop", p.server.URL+"/"+l.repo.Path+".git", "{namespace: web, server: https://kubernetes.default.svc}")))

	dir := t.TempDir()
	_, container := p.pod(t, dir, "assay-promoter", "promoter", "promoter")
	p.secret(t, filepath.Join(dir, "keys"))
	p.admit(t, &container, cluster)
	run := func(verb, flags string) string {
		t.Helper()
		return p.ok(t, container, "", p.lines["assay-promoter"][verb]+" --ca-file /etc/assay/ca.crt "+p.forge()+flags)
	}
	run("candidate set", "")
	l.expect(run("promote", ""), "promoted candidate 2.0.0 (")
	l.onMain("2.0.0", judges)

	run("candidate set", " --tag 3.0.0")
	l.expect(run("reject", ""), "rejected candidate 3.0.0 (")
	l.onMain("2.0.0", judges)

	run("candidate set", " --tag 4.0.0")
	digest := l.digest()
	c.must(cluster.Apply(p.ctx, boundJob(digest)))
	c.must(cluster.Conclude(p.ctx, passedJob(digest)))
	l.expect(run("conclude", ""), "promoted candidate 4.0.0 (")
	l.onMain("4.0.0", judges)
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
