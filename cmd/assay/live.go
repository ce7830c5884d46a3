package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/object/drift"
	"github.com/assaydev/assay/internal/reposecret"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// live is what a cluster says of what is under test in an environment.
type live struct {
	objects promote.Objects // of the experiment
	drift   promote.Drift   // from what Git renders
	now     func() time.Time
}

// live asks the cluster that the flags name.
func (a *app) live(opt serverFlags, s *site) live {
	now := time.Now
	open := func() (*cluster.Client, string, error) {
		in, err := s.namespace()
		if err != nil {
			return nil, "", err
		}
		c, err := a.openCluster(opt)
		if err != nil {
			return nil, "", err
		}
		now = c.Now
		return c, in, nil
	}
	return live{
		objects: func(ctx context.Context, res *render.Result) ([]*unstructured.Unstructured, error) {
			c, in, err := open()
			if err != nil {
				return nil, unlessSaved(ctx, err)
			}
			objs, err := promote.Live(c.List, in)(ctx, res)
			return objs, unlessSaved(ctx, err)
		},
		drift: func(ctx context.Context, res *render.Result) ([]drift.Difference, error) {
			c, in, err := open()
			if err != nil {
				return nil, err
			}
			return a.drift(opt, s, c, in, a.notef)(ctx, res)
		},
		now: func() time.Time { return now() },
	}
}

// drift compares with what a cluster has. What could not be read of the rules is noted.
func (a *app) drift(opt serverFlags, s *site, c *cluster.Client, namespace string, note func(format string, args ...any)) promote.Drift {
	return promote.LiveDrift(c.List, c.OpenAPI, namespace, a.ignored(opt, s, c, note))
}

// ignored are the rules of the Application that --app names, and those of its Argo CD where that is in the
// same cluster and lets them be read. What they would ignore is compared otherwise.
func (a *app) ignored(opt serverFlags, s *site, c *cluster.Client, note func(format string, args ...any)) promote.Ignored {
	return func(ctx context.Context) ([]drift.Ignore, error) {
		declared := s.app.place.Ignored
		if opt.app == "" && !opt.asArgoCD {
			return declared, nil
		}
		name, isLive := application.ParseName(opt.app)
		if !isLive {
			name = application.Name{}
		}
		settings, err := settings(ctx, c, name.Or(c.Namespace).Namespace, opt.asArgoCD)
		if err != nil {
			note("what Argo CD's settings say is not compared is not known: %v", err)
			return declared, nil
		}
		everywhere, err := application.ReadIgnored(settings)
		return slices.Concat(declared, everywhere), err
	}
}

// settings are those of the Argo CD in a namespace; empty without any. An account that has Argo CD's
// credentials may list its ConfigMaps, and others may get the one.
func settings(ctx context.Context, c *cluster.Client, namespace string, listed bool) (map[string]string, error) {
	var found []*unstructured.Unstructured
	var err error
	if listed {
		found, err = c.ListAll(ctx, application.SettingsResource(), namespace, reposecret.PartLabel+"="+reposecret.Part)
	} else {
		var one *unstructured.Unstructured
		one, err = c.Get(ctx, application.SettingsResource(), namespace, application.Settings)
		if errors.Is(err, cluster.ErrNotFound) {
			return nil, nil
		}
		found = append(found, one)
	}
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(found, func(o *unstructured.Unstructured) bool { return o.GetName() == application.Settings })
	if i < 0 {
		return nil, nil
	}
	data, _, _ := unstructured.NestedStringMap(found[i].Object, "data")
	return data, nil
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
