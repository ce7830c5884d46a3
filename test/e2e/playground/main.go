// Command playground runs the whole loop on this machine for a person: Gitea, a cluster with
// Argo Rollouts, Argo CD with the plugin, the promoter, and the three examples. It prints the
// addresses and the commands to try, and stops everything on an interrupt.
//
//  1. It runs itself again in a network of its own, where all of that listens on loopback.
//  2. The stack starts, and each example becomes an Application.
//  3. It waits for the interrupt.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/test/e2e/process"
	"github.com/assaydev/assay/test/e2e/stack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "playground:", err)
		os.Exit(1)
	}
}

// components are what runs.
func components() []string {
	return []string{
		"argo-rollouts", "argocd-v3", "etcd", "gitea", "helm-3.18.4", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kustomize-5.7.1", "kwok",
	}
}

func run(ctx context.Context) error {
	if !stack.Isolated() {
		return isolated(ctx)
	}
	dir, err := os.MkdirTemp("", "play")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin := filepath.Join(dir, "bin")
	for _, name := range []string{"assay", "assayd"} {
		if _, err := process.Run(ctx, "", nil, "./build", filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	at := filepath.Join(dir, "s")
	if err := os.Mkdir(at, 0o700); err != nil {
		return err
	}
	fmt.Println("starting Gitea, a cluster, Argo CD and the promoter ...")
	s, err := stack.Start(ctx, stack.Options{
		Dir: at, Root: ".", ArgoCD: "argocd-v3", Helm: "helm-3.18.4", Kustomize: "kustomize-5.7.1", Assay: filepath.Join(bin, "assay"), Assayd: filepath.Join(bin, "assayd"),
	})
	if err != nil {
		return err
	}
	defer s.Stop()
	if err := fill(ctx, s); err != nil {
		return err
	}
	if _, err := s.StartPromoter(stack.Shared...); err != nil {
		return err
	}
	if err := tell(s, bin); err != nil {
		return err
	}
	<-ctx.Done()
	fmt.Println("\nstopping everything")
	return nil
}

// isolated runs this program again in a network of its own. What needs another is built first.
func isolated(ctx context.Context) error {
	fmt.Println("building what is not in the cache yet; that takes long the first time ...")
	if _, err := process.Run(ctx, "", nil, "test/components/build", components()...); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c, err := stack.Isolate(self)
	if err != nil {
		return err
	}
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	err = c.Run() // the interrupt reaches it, too
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && ctx.Err() != nil {
		return nil
	}
	return err
}

// fill commits the examples, each for a namespace of its own, and makes their Applications.
func fill(ctx context.Context, s *stack.Stack) error {
	if err := s.Engines(); err != nil {
		return err
	}
	files := map[string]string{}
	for _, top := range []string{"flat", "helm", "kustomize"} {
		err := fs.WalkDir(examples.FS(), top, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(examples.FS(), name)
			files[name] = strings.NewReplacer("namespace: shop\n", "namespace: "+top+"\n", "target: shop/storefront", "target: "+top+"/storefront").Replace(string(data))
			return err
		})
		if err != nil {
			return err
		}
	}
	if _, err := s.Repo.Commit("Add the examples", files); err != nil {
		return err
	}
	for _, e := range examples.All() {
		top, _, _ := strings.Cut(e.Dir, "/")
		if err := s.Cluster.Apply(ctx, fmt.Sprintf(application, top, top, s.Repo.URL, e.Dir)); err != nil {
			return err
		}
	}
	return nil
}

const application = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s, namespace: argocd}
spec:
  project: default
  destination: {server: "https://kubernetes.default.svc", namespace: %s}
  source: {repoURL: %q, path: %s, targetRevision: main, plugin: {name: assay}}
  syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true, ApplyOutOfSyncOnly=true]}
`

// tell prints where everything is, and what to try.
func tell(s *stack.Stack, bin string) error {
	config, err := s.Cluster.Kubeconfig("you", s.Cluster.Admin, "argocd")
	if err != nil {
		return err
	}
	clone := s.Repo.Dir
	fmt.Printf(`
The playground has a network of its own. A shell in it:

  nsenter --net=/proc/%d/ns/net env PATH=%s:"$PATH" KUBECONFIG=%s bash

There:

  Gitea        %s (user assay, password assay-of-gold)
  repository   %s, and a clone in %s
  Kubernetes   %s

  assay status --app kustomize --argocd-credentials --allow-http
  assay candidate set --app kustomize --argocd-credentials --allow-http --image storefront:1.5.0
  assay describe --app kustomize --argocd-credentials --allow-http --watch
  assay promote --app kustomize --argocd-credentials --allow-http --reason "looks good"
  assay history --app kustomize --argocd-credentials --allow-http

The other Applications are %s. Nothing serves metrics, and no pod is run for real: experiments stay
on hold, and Jobs succeed. An interrupt (Ctrl-C) stops everything.
`, os.Getpid(), bin, config, s.Git.URL, s.Repo.URL, clone, s.Cluster.URL, "flat and helm")
	return nil
}
