//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// runs is a check that an Application is synced and healthy with this baseline alone.
func (l *loop) runs(name, tag string) func() error {
	return l.all(l.settled(name), l.image(name, "web", tag))
}

// settled is a check that an Application is synced and healthy, and has nothing of an experiment.
func (l *loop) settled(name string) func() error {
	return func() error {
		app, err := l.Cluster.Get(l.ctx, "argoproj.io/v1alpha1", "Application", "argocd", name)
		if err != nil || app == nil {
			return because(err, "the Application %s is not there", name)
		}
		sync, _, _ := unstructured.NestedString(app.Object, "status", "sync", "status")
		health, _, _ := unstructured.NestedString(app.Object, "status", "health", "status")
		conditions, _, _ := unstructured.NestedSlice(app.Object, "status", "conditions")
		operation, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "message")
		if sync != "Synced" || health != "Healthy" {
			return fmt.Errorf("%s is %s and %s: %s %v", name, sync, health, operation, conditions)
		}
		for _, kind := range [][2]string{{argoproj, "AnalysisRun"}, {argoproj, "Experiment"}, {argoproj, "Rollout"}, {"batch/v1", "Job"}, {"apps/v1", "Deployment"}} {
			list, err := l.Cluster.List(l.ctx, kind[0], kind[1], name, "assay.dev/experiment")
			if err != nil || len(list) > 0 {
				return because(err, "%d of kind %s belong to an experiment", len(list), kind[1])
			}
		}
		return nil
	}
}

// image is a check that a Deployment runs a version.
func (l *loop) image(namespace, name, tag string) func() error {
	return l.imageOf("apps/v1", "Deployment", namespace, name, tag)
}

// imageOf is a check that a workload runs a version.
func (l *loop) imageOf(apiVersion, kind, namespace, name, tag string) func() error {
	return func() error {
		o, err := l.Cluster.Get(l.ctx, apiVersion, kind, namespace, name)
		if err != nil || o == nil {
			return because(err, "%s %s is not there", kind, name)
		}
		containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
		first, _ := containers[0].(map[string]any)
		if want := "example.com/shop/web:" + tag; first["image"] != want {
			return fmt.Errorf("%s runs %v, want %s", name, first["image"], want)
		}
		return nil
	}
}

// concluded waits until main has this baseline and no candidate, and Argo CD nothing else.
func (l *loop) concluded(tag string) {
	l.t.Helper()
	l.until("main has "+tag+" and no candidate", func() error {
		if marker := l.Repo.File(onShop + "/candidate.yaml"); marker != "" {
			return errors.New("there is a candidate")
		}
		if got := l.Repo.File(onShop + "/web.yaml"); got != webManifest(tag) {
			return fmt.Errorf("main has %s", got)
		}
		return nil
	})
	tip, err := l.Repo.Sync()
	l.must(err)
	l.commits = append(l.commits, state{tip, tag, ""})
	l.until("the cluster runs "+tag+" alone", l.runs(shop, tag))
}

// outcome waits until the annotation on the Application tells of one.
func (l *loop) outcome(parts ...string) {
	l.t.Helper()
	l.outcomeOf(shop, parts...)
}

// outcomeOf is outcome of another Application.
func (l *loop) outcomeOf(name string, parts ...string) {
	l.t.Helper()
	l.until("the Application "+name+" tells of "+strings.Join(parts, ", "), func() error {
		app, err := l.Cluster.Get(l.ctx, argoproj, "Application", "argocd", name)
		if err != nil || app == nil {
			return because(err, "the Application is not there")
		}
		text := app.GetAnnotations()["assay.dev/outcome"]
		for _, part := range parts {
			if !strings.Contains(text, part) {
				return fmt.Errorf("it tells of %s", text)
			}
		}
		return nil
	})
}

// gone is a check that an Application is not there any more.
func (l *loop) gone(name string) func() error {
	return func() error {
		if app, err := l.Cluster.Get(l.ctx, "argoproj.io/v1alpha1", "Application", "argocd", name); err != nil || app != nil {
			return because(err, "it is there")
		}
		return nil
	}
}

// weights is a check of how the live VirtualService routes.
func (l *loop) weights(stable, candidate int64) func() error {
	return func() error {
		o, err := l.Cluster.Get(l.ctx, "networking.istio.io/v1beta1", "VirtualService", shop, "storefront")
		if err != nil || o == nil {
			return because(err, "the VirtualService is not there")
		}
		http, _, _ := unstructured.NestedSlice(o.Object, "spec", "http")
		var got []int64
		for _, item := range http {
			route, _ := item.(map[string]any)["route"].([]any)
			for _, r := range route {
				weight, _ := r.(map[string]any)["weight"].(int64)
				got = append(got, weight)
			}
		}
		if !slices.Equal(got, []int64{stable, candidate}) {
			return fmt.Errorf("the weights are %v", got)
		}
		return nil
	}
}

// quiet watches an experiment that runs: nothing is out of sync, and nothing flaps, whatever happens
// to other Applications meanwhile.
func (l *loop) quiet(tag string, meanwhile func()) {
	l.t.Helper()
	judge := strings.NewReplacer("count: 2", "count: 130", l.Metric.URL, l.Metric.Good).Replace(l.environment(byPull)["experiment/judge.yaml"])
	l.put(onShop, "Judge for longer", map[string]string{"experiment/judge.yaml": judge})
	id := l.set("--tag", tag)
	l.tested(id, tag)
	l.until("it is synced", l.status("Synced"))
	seen := make(chan []string, 1)
	go func() { seen <- l.flaps() }()
	meanwhile()
	if states := <-seen; len(states) > 0 {
		l.t.Errorf("while an experiment ran: %v", states)
	}
	l.merge(l.pull(id))
	l.concluded(tag)
}

// flaps are the ways in which the Application was not synced, of the time that it is watched.
func (l *loop) flaps() (states []string) {
	end := time.After(watched)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := l.status("Synced")(); err != nil && !slices.Contains(states, err.Error()) {
			states = append(states, err.Error())
		}
		select {
		case <-tick.C:
		case <-end:
			return states
		case <-l.ctx.Done():
			return nil
		}
	}
}

// revision is a check that Argo CD has compared the cluster with the tip of main.
func (l *loop) revision() func() error {
	tip, err := l.Repo.Sync()
	l.must(err)
	return func() error {
		app, err := l.Cluster.Get(l.ctx, "argoproj.io/v1alpha1", "Application", "argocd", shop)
		if err != nil || app == nil {
			return because(err, "the Application is not there")
		}
		if got, _, _ := unstructured.NestedString(app.Object, "status", "sync", "revision"); got != tip {
			return fmt.Errorf("it is at %s", got)
		}
		return nil
	}
}

// all is a check that all of these pass at once.
func (l *loop) all(checks ...func() error) func() error {
	return func() error {
		for _, check := range checks {
			if err := check(); err != nil {
				return err
			}
		}
		return nil
	}
}

// status is a check of an Application's sync status.
func (l *loop) status(want string) func() error { return l.statusOf(shop, want) }

// statusOf is status of another Application.
func (l *loop) statusOf(name, want string) func() error {
	return func() error {
		app, err := l.Cluster.Get(l.ctx, argoproj, "Application", "argocd", name)
		if err != nil || app == nil {
			return because(err, "the Application is not there")
		}
		if got, _, _ := unstructured.NestedString(app.Object, "status", "sync", "status"); got != want {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	}
}
