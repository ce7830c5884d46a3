//go:build e2e

package e2e_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaydev/assay/test/e2e/argocd"
	"github.com/assaydev/assay/test/e2e/process"
)

// renders has argocd-cmp-server serve the plugin in the image, started as the sidecar
// is: every example is what Argo CD itself renders, and with a marker the experiment
// is added.
func (i *imageTest) renders(t *testing.T) {
	for _, r := range []release{
		{name: "manifests", helm: "helm-3.18.4", kustomize: "kustomize-5.7.1", skipsFiles: true},
		{name: "helm-v4", helm: "helm-4.2.4", kustomize: "kustomize-5.8.1", skipsFiles: true, engine: "v4"},
	} {
		t.Run(r.name, func(t *testing.T) {
			var components []string
			if r.engine != "" {
				components = append(components, r.name)
			}
			paths := strings.Fields(command(t, "test/components/build", "argocd-v3", r.helm, r.kustomize))
			dir := runDir(t)
			// The volume of the sockets is the folder where the repo-server looks for them.
			pod, container := i.sidecar(t, dir, components...)
			copyServer(t, paths[0], filepath.Join(dir, "var-files"))
			program, args := container.Command(append(pod.Command, pod.Args...)...)
			s := &suite{release: r, rows: &report{}, assay: i.assay, server: start(i.ctx, t, argocd.Options{
				Dir: dir, ArgoCD: paths[0], Helm: paths[1], Kustomize: paths[2], Plugin: i.assay, PluginName: "assay", PluginYAML: pluginYAML(t, r.engine),
				PluginServer: &process.Command{Name: "cmp-server", Path: program, Args: args, Env: container.Environment(), Dir: dir},
			})}
			s.tree(t, exampleTree(t))
		})
	}
}

// copyServer does what the init container of Argo CD's own Deployment does.
func copyServer(t *testing.T, binary, dir string) {
	t.Helper()
	in, err := os.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Join(dir, "argocd"), os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/var/run/argocd/argocd", filepath.Join(dir, "argocd-cmp-server")); err != nil {
		t.Fatal(err)
	}
}
