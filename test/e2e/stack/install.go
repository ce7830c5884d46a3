package stack

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/assaydev/assay/test/e2e/process"
)

// base is what an installation of Argo CD has beside its servers.
const base = `
apiVersion: v1
kind: Namespace
metadata: {name: argocd}
---
apiVersion: v1
kind: Namespace
metadata: {name: argo-rollouts}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
data: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-rbac-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-tls-certs-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-ssh-known-hosts-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
---
apiVersion: v1
kind: Secret
metadata: {name: argocd-secret, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
stringData: {server.secretkey: not-a-secret-here}
`

// Project is the AppProject that argocd-server, which does not run, would make.
const Project = `
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: argocd}
spec:
  sourceRepos: ["*"]
  destinations: [{server: "*", namespace: "*"}]
  clusterResourceWhitelist: [{group: "*", kind: "*"}]
`

// install applies definitions, Argo CD's settings, the promoter's manifests, and the login for
// the repository.
func (s *Stack) install() error {
	if err := s.Cluster.Apply(s.ctx, base); err != nil {
		return err
	}
	argoCD := cmp.Or(s.opt.ArgoCD, "argocd-v3")
	for component, module := range map[string]string{argoCD: argoCDModule(argoCD), "argo-rollouts": "github.com/argoproj/argo-rollouts"} {
		if err := s.applyDefinitions(component, module); err != nil {
			return err
		}
	}
	manifests, err := promoterManifests(s.opt.Root)
	if err != nil {
		return err
	}
	for _, text := range []string{Project, manifests, s.login()} {
		if err := s.Cluster.Apply(s.ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func argoCDModule(component string) string {
	return "github.com/argoproj/argo-cd/" + strings.TrimPrefix(component, "argocd-")
}

// applyDefinitions applies the CustomResourceDefinitions that a component's module brings.
func (s *Stack) applyDefinitions(component, module string) error {
	dir, err := process.Run(s.ctx, filepath.Join(s.opt.Root, "test/components", component), nil, "go", "list", "-mod=mod", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "manifests/crds/*-crd.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("definitions of %s: %d files, %w", module, len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := s.Cluster.Apply(s.ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	return nil
}

// promoterManifests builds manifests/promoter as people do, in the namespace argocd.
func promoterManifests(root string) (string, error) {
	fsys := filesys.MakeFsInMemory()
	names, err := filepath.Glob(filepath.Join(root, "manifests/promoter/*.yaml"))
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		if err := fsys.WriteFile("/promoter/"+filepath.Base(name), text); err != nil {
			return "", err
		}
	}
	if err := fsys.WriteFile("/install/kustomization.yaml", []byte("namespace: argocd\ncomponents: [../promoter]\n")); err != nil {
		return "", err
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fsys, "/install")
	if err != nil {
		return "", err
	}
	text, err := built.AsYaml()
	return string(text), err
}

// login is the Secret for the repository, as docs/install.md has it.
func (s *Stack) login() string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata:
  name: envs-write
  namespace: argocd
  labels: {argocd.argoproj.io/secret-type: assay-repository}
stringData: {url: %q, username: assay, token: %q, forge: gitea, forgeAPI: %q}
`, s.Repo.URL, s.Repo.Token, s.Git.URL+"/api/v1")
}

// startRollouts starts the controller of Argo Rollouts.
func (s *Stack) startRollouts() error {
	built, err := s.components("argo-rollouts")
	if err != nil {
		return err
	}
	free, err := process.FreeAddresses(2)
	if err != nil {
		return err
	}
	return s.Cluster.Start(process.Command{
		Name: "argo-rollouts", Path: built[0], Dir: s.opt.Dir, Env: process.Environment(s.opt.Dir),
		Args: []string{"--kubeconfig", s.admin, "--leader-elect=false", "--metricsPort", port(free[0]), "--healthzPort", port(free[1])},
	})
}

// components builds some, and returns their binaries in order.
func (s *Stack) components(names ...string) ([]string, error) {
	root, err := filepath.Abs(s.opt.Root)
	if err != nil {
		return nil, err
	}
	built, err := process.Run(s.ctx, root, nil, filepath.Join(root, "test/components/build"), names...)
	return strings.Split(built, "\n"), err
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
