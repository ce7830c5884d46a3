package main

import (
	"context"
	"fmt"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// live finds the experiment's objects in the cluster.
func (a *app) live(opt decideOptions, namespace func() (string, error)) promote.Objects {
	return func(ctx context.Context, res *render.Result) ([]*unstructured.Unstructured, error) {
		objs, err := a.liveObjects(ctx, opt, res, namespace)
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w; or pass the experiment's objects with --experiment FILE", err)
		}
		return objs, err
	}
}

func (a *app) liveObjects(ctx context.Context, opt decideOptions, res *render.Result, namespace func() (string, error)) ([]*unstructured.Unstructured, error) {
	in, err := namespace()
	if err != nil {
		return nil, err
	}
	c, err := a.openCluster(opt.server)
	if err != nil {
		return nil, err
	}
	return promote.Live(c.List, in)(ctx, res)
}

// destination is the namespace that the environment is deployed to, in the cluster
// that is asked for its experiment. That cluster is the Application's own only if
// both are the same, or if the Application is a file's and the user names it.
func (s *session) destination(opt server) (string, error) {
	_, live := parseAppName(opt.app)
	switch {
	case s.cluster == "":
	case live:
		return "", fmt.Errorf("%s: spec.destination: it deploys to the cluster %s, and not to the one that it is in", s.app, s.cluster)
	case opt.kubeContext == "":
		return "", fmt.Errorf("%s: spec.destination: it deploys to the cluster %s: name its context with --kube-context", s.app, s.cluster)
	}
	var req render.Request
	s.env.fill(&req, s.call)
	return req.Namespace, nil
}

// openCluster follows the rules of kubectl.
func (a *app) openCluster(opt server) (*cluster.Client, error) {
	files := filepath.SplitList(a.variable("KUBECONFIG"))
	if home := a.variable("HOME", "USERPROFILE"); len(files) == 0 && home != "" {
		files = []string{filepath.Join(home, ".kube", "config")}
	}
	return cluster.Open(cluster.Options{Kubeconfig: files, Context: opt.kubeContext, UserAgent: "assay"})
}
