//go:build e2e

// Package e2e_test holds Assay against real Argo CD: every environment of
// examples/ and of the corpus, rendered by the repo-server itself and by the
// repo-server through the plugin.
//
//  1. Each version of Argo CD runs with the helm and kustomize it ships with,
//     and with the plugin under the stock argocd-cmp-server.
//     Beside it, it runs with `assayd cmp` in that server's place.
//  2. Each environment is committed to a Git repository, and rendered both
//     ways without a marker: the objects must be equal (law 1). All that the plugin
//     renders must be the same under both servers of plugins.
//  3. A marker is committed, and rendered through the plugin: the experiment's
//     objects are added, and nothing else changes.
//  4. Environments that must fail are rendered: one short message each.
//  5. A table shows every environment, and what was left out and why.
package e2e_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/test/e2e/argocd"
)

const root = "../.."

// release is a version of Argo CD, and the programs that it renders with: its own,
// or those of a later version that cannot be built here. The repo-server runs what
// it finds on its PATH.
type release struct {
	name      string
	argocd    string
	helm      string
	kustomize string
	engine    string // of the plugin, where its plugin.yaml names one

	// layouts are those that these programs render. The others are what another
	// release with the same programs has rendered, which as names.
	layouts []spec.Layout
	as      map[spec.Layout]string

	// From v3.2 on, Argo CD leaves out files that ask for it in a comment.
	// Before, the directory source must exclude them.
	skipsFiles bool
}

func releases() []release {
	return []release{
		{name: "v2.14.21", argocd: "argocd-v2", helm: "helm-3.16.3", kustomize: "kustomize-5.4.3"},
		{name: "v3.2.11", argocd: "argocd-v3", helm: "helm-3.18.4", kustomize: "kustomize-5.7.1", skipsFiles: true},
		{
			name: "v3.2.11 as 3.4", argocd: "argocd-v3", helm: "helm-3.19.5", kustomize: "kustomize-5.8.1", skipsFiles: true,
			layouts: []spec.Layout{spec.Helm, spec.Kustomize}, as: map[spec.Layout]string{spec.Flat: "v3.2.11"},
		},
		{
			name: "v3.2.11 as 3.5", argocd: "argocd-v3", helm: "helm-4.2.4", kustomize: "kustomize-5.8.1", skipsFiles: true, engine: "v4",
			layouts: []spec.Layout{spec.Helm}, as: map[spec.Layout]string{spec.Flat: "v3.2.11", spec.Kustomize: "v3.2.11 as 3.4"},
		},
	}
}

func TestArgoCD(t *testing.T) {
	// An interrupt ends what runs, and the cleanups stop the processes.
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop) // not deferred: the parallel subtests outlive this function

	assay := buildCLI(t).binary
	daemon := filepath.Join(t.TempDir(), "assayd")
	command(t, "./build", daemon)
	trees := trees(t)
	rows := &report{}
	for _, tree := range trees {
		rows.leaveOut("", tree.leftOut...)
	}
	t.Cleanup(func() { rows.print(t) })

	for _, r := range releases() {
		paths := strings.Fields(command(t, "test/components/build", r.argocd, r.helm, r.kustomize))
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			opt := argocd.Options{
				ArgoCD: paths[0], Helm: paths[1], Kustomize: paths[2],
				Plugin: assay, PluginName: "assay", PluginYAML: pluginYAML(t, r.engine),
			}
			s := &suite{release: r, rows: rows, assay: assay, server: start(ctx, t, opt), inProcess: start(ctx, t, served(t, opt, daemon))}
			for _, tree := range trees {
				s.tree(t, tree)
			}
			if len(r.layouts) > 0 {
				return // messages and parameters do not depend on what is on the PATH
			}
			t.Run("bad", s.bad)
			t.Run("parameters", s.parameters)
		})
	}
}

// suite is what runs against one version of Argo CD.
type suite struct {
	release release
	server  *argocd.Server
	assay   string

	inProcess *argocd.Server // with `assayd cmp` at the plugin's socket
	rows      *report
}

// pluginYAML is the plugin's configuration, with an engine as manifests/ gives it.
func pluginYAML(t *testing.T, engine string) string {
	t.Helper()
	file := filepath.Join(root, "plugin.yaml")
	if engine == "" {
		return file
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const args = "args: ["
	if bytes.Count(data, []byte(args)) != 1 {
		t.Fatalf("plugin.yaml has not one line with %q", args)
	}
	data = bytes.Replace(data, []byte(args), []byte(args+"--helm="+engine+", "), 1)
	file = filepath.Join(t.TempDir(), "plugin.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// runDir is a directory of a test's own with a short name, since those of sockets are
// bounded.
func runDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "assay-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// start starts Argo CD in a run directory of its own.
func start(ctx context.Context, t *testing.T, opt argocd.Options) *argocd.Server {
	t.Helper()
	if opt.Dir == "" {
		opt.Dir = runDir(t)
	}
	server, err := argocd.Start(ctx, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

// command runs a program at the top of the repository and returns its output.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = root
	var out, messages bytes.Buffer
	c.Stdout, c.Stderr = &out, &messages
	if err := c.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, messages.String())
	}
	return out.String()
}
