package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// live finds the experiment's objects in the cluster, and tells the time there.
func (a *app) live(opt serverFlags, namespace func() (string, error)) (promote.Objects, func() time.Time) {
	now := time.Now
	return func(ctx context.Context, res *render.Result) ([]*unstructured.Unstructured, error) {
		in, err := namespace()
		if err != nil {
			return nil, unlessSaved(ctx, err)
		}
		c, err := a.openCluster(opt)
		if err != nil {
			return nil, unlessSaved(ctx, err)
		}
		now = c.Now
		objs, err := promote.Live(c.List, in)(ctx, res)
		return objs, unlessSaved(ctx, err)
	}, func() time.Time { return now() }
}

// unlessSaved says what helps where the cluster does not tell.
func unlessSaved(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w; or pass the experiment's objects with --experiment FILE", err)
}

// destination is the namespace that an Application is deployed to, in the cluster
// that is asked for its experiment. That cluster is the Application's own only if
// both are the same, or if the Application is a file's and the user names it.
func (opt serverFlags) destination(title, cluster, namespace string) (string, error) {
	_, live := application.ParseName(opt.app)
	switch {
	case cluster == "":
	case live:
		return "", fmt.Errorf("%s: spec.destination: it deploys to the cluster %s, and not to the one that it is in", title, cluster)
	case opt.kubeContext == "":
		return "", fmt.Errorf("%s: spec.destination: it deploys to the cluster %s: name its context with --context", title, cluster)
	}
	return namespace, nil
}

// openCluster follows the rules of kubectl.
func (a *app) openCluster(opt serverFlags) (*cluster.Client, error) {
	files, err := a.kubeconfigs(opt)
	if err != nil {
		return nil, err
	}
	return cluster.Open(cluster.Options{Kubeconfig: files, Context: opt.kubeContext, UserAgent: "assay"})
}

// kubeconfigs are the files of the kubeconfig.
func (a *app) kubeconfigs(opt serverFlags) ([]string, error) {
	if opt.kubeconfig != "" {
		if _, err := os.Stat(opt.kubeconfig); err != nil {
			return nil, fmt.Errorf("--kubeconfig: %s cannot be read", opt.kubeconfig)
		}
		return []string{opt.kubeconfig}, nil
	}
	files := filepath.SplitList(a.variable("KUBECONFIG"))
	if home := a.variable("HOME", "USERPROFILE"); len(files) == 0 && home != "" {
		files = []string{filepath.Join(home, ".kube", "config")}
	}
	return files, nil
}
