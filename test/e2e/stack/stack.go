// Package stack runs the whole loop as processes on loopback: Gitea, a cluster with Argo
// Rollouts, Argo CD with the plugin, Assay's promoter, and a server whose metric is what
// somebody sets.
//
//  1. Isolated gives the process a network of its own: some of the components listen on all
//     addresses (isolated.go).
//  2. Start starts all of it, and installs what a person would (install.go).
//  3. Repo is the environments' repository on Gitea (repo.go), Promoter the daemon under the
//     account of manifests/promoter (promoter.go), Metric what experiments measure
//     (metric.go).
//  4. Stack.Until waits on a condition, and Stop ends everything.
package stack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/assaydev/assay/test/e2e/argocd"
	"github.com/assaydev/assay/test/e2e/gitea"
	"github.com/assaydev/assay/test/e2e/kube"
	"github.com/assaydev/assay/test/e2e/process"
)

// Options say what to run.
type Options struct {
	Dir  string // an empty directory; its path is short, for it holds sockets
	Root string // the top of Assay's repository

	// Components of test/components: a version of Argo CD, with what it renders with.
	// Without one neither Argo CD nor controllers run, and somebody writes what they would.
	ArgoCD, Helm, Kustomize string

	Assay, Assayd string // binaries
}

// Stack is all that runs.
type Stack struct {
	Git     *gitea.Server
	Cluster *kube.Server
	Metric  *Metric
	Repo    *Repo

	opt     Options
	argo    *argocd.Server
	ctx     context.Context
	admin   string                    // kubeconfig
	daemons map[string]*process.Group // promoters, by name
}

// Start starts it. Stop must be called when the error is nil.
func Start(ctx context.Context, opt Options) (*Stack, error) {
	s := &Stack{opt: opt, ctx: ctx, Metric: newMetric()}
	if err := s.start(); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start stack: %w", err)
	}
	return s, nil
}

func (s *Stack) start() (err error) {
	dir := func(name string) string { return filepath.Join(s.opt.Dir, name) }
	for _, name := range []string{"git", "clone"} {
		if err := os.Mkdir(dir(name), 0o700); err != nil {
			return err
		}
	}
	if s.Git, err = gitea.Start(s.ctx, gitea.Options{Dir: dir("git"), Root: s.opt.Root}); err != nil {
		return err
	}
	if s.Repo, err = newRepo(s.ctx, s.Git, dir("clone")); err != nil {
		return err
	}
	return s.Rebuild()
}

// Rebuild replaces the cluster by an empty one: nothing of it is kept but what Git has.
func (s *Stack) Rebuild() (err error) {
	s.stopCluster()
	at, err := os.MkdirTemp(s.opt.Dir, "c")
	if err != nil {
		return err
	}
	for _, name := range []string{"kube", "argocd"} {
		if err := os.Mkdir(filepath.Join(at, name), 0o700); err != nil {
			return err
		}
	}
	if s.Cluster, err = kube.Start(s.ctx, kube.Options{Dir: filepath.Join(at, "kube"), Root: s.opt.Root}); err != nil {
		return err
	}
	if s.admin, err = s.Cluster.Kubeconfig("admin", s.Cluster.Admin, ""); err != nil {
		return err
	}
	if err := s.install(); err != nil || s.opt.ArgoCD == "" {
		return err
	}
	if err := s.Cluster.Control(s.ctx, s.opt.Root); err != nil {
		return err
	}
	if err := s.startRollouts(); err != nil {
		return err
	}
	return s.startArgoCD(filepath.Join(at, "argocd"))
}

func (s *Stack) startArgoCD(dir string) error {
	built, err := s.components(s.opt.ArgoCD, s.opt.Helm, s.opt.Kustomize)
	if err != nil {
		return err
	}
	s.argo, err = argocd.Start(s.ctx, argocd.Options{
		Dir: dir, ArgoCD: built[0], Helm: built[1], Kustomize: built[2], Plugin: s.opt.Assay, PluginName: "assay",
		PluginYAML: filepath.Join(s.opt.Root, "plugin.yaml"), Kubeconfig: s.admin,
	})
	return err
}

// Stop ends everything.
func (s *Stack) Stop() {
	s.stopCluster()
	if s.Git != nil {
		s.Git.Stop()
	}
	s.Metric.close()
}

func (s *Stack) stopCluster() {
	s.StopPromoter()
	if s.argo != nil {
		s.argo.Stop()
	}
	if s.Cluster != nil {
		s.Cluster.Stop()
	}
	s.argo, s.Cluster = nil, nil
}

// every is how often conditions are looked at.
const every = 100 * time.Millisecond

// Until waits until check has no error, and fails with the last one once the limit is over, or
// with the cause where a process of the stack dies.
func (s *Stack) Until(limit time.Duration, what string, check func() error) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		if died := s.Died(); died != nil {
			return fmt.Errorf("wait until %s: %w", what, died)
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-deadline.C:
			return fmt.Errorf("wait until %s: %w", what, err)
		}
	}
}

// Died says which process of the stack has ended that should run; nil while all of them do.
func (s *Stack) Died() error {
	running := []context.Context{s.Cluster.Done()}
	if s.argo != nil {
		running = append(running, s.argo.Done())
	}
	for _, daemon := range s.daemons {
		running = append(running, daemon.Context())
	}
	for _, ctx := range running {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}
