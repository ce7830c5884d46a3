package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/gitserver"
	"github.com/assaydev/assay/test/kubefake"
)

// The kinds that are served.
var (
	secrets      = kubefake.Kind{Version: "v1", Kind: "Secret", Resource: "secrets"}
	configMaps   = kubefake.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps"}
	events       = kubefake.Kind{Version: "v1", Kind: "Event", Resource: "events"}
	applications = kubefake.Kind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application", Resource: "applications"}
	projects     = kubefake.Kind{Group: "argoproj.io", Version: "v1alpha1", Kind: "AppProject", Resource: "appprojects"}
	definitions  = kubefake.Kind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition", Resource: "customresourcedefinitions", Cluster: true}
	jobs         = kubefake.Kind{Group: "batch", Version: "v1", Kind: "Job", Resource: "jobs"}
	deployments  = kubefake.Kind{Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments"}
	testRuns     = kubefake.Kind{Group: "k6.io", Version: "v1alpha1", Kind: "TestRun", Resource: "testruns"}
)

// world is Git, Argo CD's API server, and those of other clusters.
type world struct {
	n          size
	kubeconfig string
	git        *gitserver.Server
	repo       *gitserver.Repo
	hub        *kubefake.Server
	spokes     []*kubefake.Server
	tests      []test

	mu     sync.Mutex
	opened map[string]map[string]int // by what was asked, and cluster
}

// watched are the resources that the promoter watches in other clusters.
var watched = []string{definitions.Resource, jobs.Resource, testRuns.Resource}

// test is an experiment that runs, and what Argo CD applied for it.
type test struct {
	app     int
	digest  digest.Digest
	applied []*unstructured.Unstructured
}

func newWorld(dir string, n size) (*world, error) {
	w := &world{n: n, hub: kubefake.Start(), kubeconfig: filepath.Join(dir, "kubeconfig"), opened: map[string]map[string]int{}}
	w.hub.Serve(secrets, configMaps, events, applications, projects, definitions, jobs)
	for range 3 {
		s := kubefake.Start()
		s.Serve(definitions, jobs, deployments) // variants are compared with what Git renders
		s.Fault(w.note)
		w.spokes = append(w.spokes, s)
	}
	err := w.environments(filepath.Join(dir, "tree"))
	for i := range n.clusters {
		if err == nil {
			err = w.secret(i)
		}
	}
	if err == nil {
		err = w.hub.Put(projects, object("default", map[string]any{"spec": map[string]any{"sourceRepos": []string{"*"}, "destinations": []any{map[string]any{"server": "*", "namespace": "*"}}}}))
	}
	for i := range n.apps {
		if err == nil {
			err = w.application(i, "")
		}
	}
	for _, t := range w.tests {
		if err == nil {
			err = w.apply(t, map[string]any{"active": 1})
		}
	}
	if err == nil {
		err = os.WriteFile(w.kubeconfig, fmt.Appendf(nil, "{apiVersion: v1, kind: Config, current-context: a, clusters: [{name: a, cluster: {server: %q, certificate-authority-data: %s}}], users: [{name: a, user: {token: t}}], contexts: [{name: a, context: {cluster: a, user: a}}]}",
			w.hub.URL, base64.StdEncoding.EncodeToString(w.hub.CA())), 0o600)
	}
	return w, err
}

func (w *world) stop() {
	for _, s := range append(w.spokes, w.hub) {
		s.Stop()
	}
	_ = w.git.Close()
}

// object is one of Argo CD's namespace.
func object(name string, fields map[string]any) map[string]any {
	fields["metadata"] = map[string]any{"name": name, "namespace": "argocd"}
	return fields
}

// spoke is the server that stands for a cluster.
func (w *world) spoke(cluster int) *kubefake.Server { return w.spokes[cluster%len(w.spokes)] }

// secret is the Secret of a cluster.
func (w *world) secret(cluster int) error {
	s := w.spoke(cluster)
	o := object(fmt.Sprintf("cluster-%d", cluster), map[string]any{"data": map[string][]byte{
		"name": fmt.Appendf(nil, "c%d", cluster), "server": fmt.Appendf(nil, "%s/clusters/c%d", s.URL, cluster),
		"config": fmt.Appendf(nil, `{"bearerToken":"t","tlsClientConfig":{"caData":%q}}`, base64.StdEncoding.EncodeToString(s.CA())),
	}})
	o["metadata"] = map[string]any{"name": fmt.Sprintf("cluster-%d", cluster), "namespace": "argocd", "labels": map[string]any{"argocd.argoproj.io/secret-type": "cluster"}}
	return w.hub.Put(secrets, o)
}

// environments commits those of all Applications; the first ones have a candidate.
func (w *world) environments(tree string) (err error) {
	files := map[string]string{}
	for i := range w.n.apps {
		dir := directory(i)
		files[dir+"/web.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: \"example.com/web:1.0.0\"}]}\n"
		files[dir+"/assay.yaml"] = "apiVersion: assay.dev/v1alpha1\nkind: Plan\nmetadata: {name: shop}\nspec: {promotion: {method: push}}\n"
		files[dir+"/experiment/check.yaml"] = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: check}\nspec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: check, image: \"example.com/check:1\"}]}}}\n"
		if i < w.n.running {
			files[dir+"/candidate.yaml"] = "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata: {name: two}\nspec: {images: [{name: example.com/web, newTag: 2.0.0}]}\n"
		}
	}
	if w.git, err = gitserver.Start(gitserver.Options{Quick: true}); err != nil {
		return err
	}
	if w.repo, err = w.git.Create("envs"); err != nil {
		return err
	}
	if _, err = w.repo.Commit("main", "start", gitserver.Files(files)...); err != nil {
		return err
	}
	for name, text := range files {
		at := filepath.Join(tree, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(text), 0o600)); err != nil {
			return err
		}
	}
	fs, err := envfs.OpenDir(tree, envfs.Limits{})
	if err != nil {
		return err
	}
	defer func() { _ = fs.Close() }()
	for i := range w.n.running {
		res, err := render.Environment(context.Background(), render.Request{FS: fs, Environment: spec.Environment{Dir: directory(i)}, Namespace: namespace(i)})
		if err != nil {
			return err
		}
		w.tests = append(w.tests, test{i, res.Digest, slices.Concat(res.Variant, res.Injected)})
	}
	return nil
}

func directory(app int) string { return fmt.Sprintf("envs/e%04d", app) }
func namespace(app int) string { return fmt.Sprintf("ns-%d", app) }

// application is one with a long status. The revision is that of its last sync.
func (w *world) application(i int, revision string) error {
	judge := "check"
	if i < len(w.tests) {
		judge = "check-" + w.tests[i].digest.ID()
	}
	resources := []any{map[string]any{"group": "batch", "version": "v1", "kind": "Job", "namespace": namespace(i), "name": judge, "status": "Synced"}}
	for n := range w.n.status * 1024 / 150 {
		resources = append(resources, map[string]any{"group": "apps", "version": "v1", "kind": "Deployment", "namespace": namespace(i), "name": fmt.Sprintf("workload-number-%04d", n), "status": "Synced", "health": map[string]any{"status": "Healthy"}})
	}
	return w.hub.Put(applications, object(fmt.Sprintf("app-%04d", i), map[string]any{
		"spec": map[string]any{
			"project": "default", "destination": map[string]any{"name": fmt.Sprintf("c%d", i%w.n.clusters), "namespace": namespace(i)},
			"source":     map[string]any{"repoURL": w.repo.Dir, "path": directory(i), "targetRevision": "main", "plugin": map[string]any{"name": "assay"}},
			"syncPolicy": map[string]any{"automated": map[string]any{"prune": true}},
		},
		"status": map[string]any{"resources": resources, "sync": map[string]any{"status": "Synced", "revision": revision}, "health": map[string]any{"status": "Healthy"}},
	}))
}

// apply puts the objects of an experiment into its cluster, and the status of the Job that judges.
func (w *world) apply(t test, status map[string]any) error {
	for _, o := range t.applied {
		o = o.DeepCopy()
		o.SetNamespace(namespace(t.app))
		o.SetCreationTimestamp(metav1.Now())
		kind := deployments
		if o.GetKind() == jobs.Kind {
			kind, o.Object["status"] = jobs, status
		}
		if err := w.spoke(t.app%w.n.clusters).Put(kind, o.Object); err != nil {
			return err
		}
	}
	return nil
}

// conclude has all experiments succeed.
func (w *world) conclude() error {
	for _, t := range w.tests {
		now := time.Now().UTC().Format(time.RFC3339)
		if err := w.apply(t, map[string]any{"succeeded": 1, "startTime": now, "completionTime": now, "conditions": []any{map[string]any{"type": "Complete", "status": "True", "lastTransitionTime": now}}}); err != nil {
			return err
		}
	}
	return nil
}

// idle counts what is asked for while nothing changes.
func (w *world) idle(ctx context.Context, d time.Duration) (map[string]int, error) {
	if err := pause(ctx, 10*time.Second); err != nil { // what follows the last look
		return nil, err
	}
	w.requests()
	err := pause(ctx, d)
	return w.requests(), err
}

func (w *world) requests() map[string]int {
	all := map[string]int{}
	for _, s := range append(w.spokes, w.hub) {
		for what, n := range s.Requests() {
			all[what] += n
		}
	}
	return all
}

// note counts the lists and watches of whole kinds. A read of one experiment is a list, too, in its namespace.
func (w *world) note(_ http.ResponseWriter, r *http.Request) (answered bool) {
	resource := path.Base(r.URL.Path)
	if strings.Contains(r.URL.Path, "/namespaces/") || !slices.Contains(watched, resource) {
		return false
	}
	verb := "list "
	if r.URL.Query().Get("watch") != "" {
		verb = "watch "
	}
	cluster, _, _ := strings.Cut(strings.TrimPrefix(r.RequestURI, "/clusters/"), "/")
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opened[verb+resource] == nil {
		w.opened[verb+resource] = map[string]int{}
	}
	w.opened[verb+resource][cluster]++
	return false
}

// most is how often each kind was listed and watched in the cluster where that was most.
func (w *world) most() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	most := map[string]int{}
	for what, times := range w.opened {
		most[what] = slices.Max(slices.Collect(maps.Values(times)))
	}
	return most
}

// outcomes counts the promotions on main by their digest.
func (w *world) outcomes() map[string]int {
	log, err := w.repo.Git("log", "main", "--format=%(trailers:key=Assay-Outcome,valueonly,separator=%x20) %(trailers:key=Assay-Digest,valueonly,separator=%x20)")
	if err != nil {
		return nil
	}
	found := map[string]int{}
	for line := range strings.Lines(log) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "promote "); ok {
			found[id]++
		}
	}
	return found
}

func (w *world) promoted() int { return len(w.outcomes()) }

func (w *world) count() (lost, twice int) {
	found := w.outcomes()
	for _, t := range w.tests {
		switch n := found[string(t.digest)]; {
		case n == 0:
			lost++
		case n > 1:
			twice++
		}
	}
	return lost, twice
}

// comeAndGo adds and removes clusters that an Application deploys to.
func (w *world) comeAndGo(ctx context.Context, p *promoter, rounds int) error {
	at := w.n.clusters
	s := w.spoke(at)
	app := object("comes-and-goes", map[string]any{"spec": map[string]any{
		"project": "default", "destination": map[string]any{"name": fmt.Sprintf("c%d", at), "namespace": "ns"},
		"source": map[string]any{"repoURL": w.repo.Dir, "path": directory(0), "targetRevision": "main", "plugin": map[string]any{"name": "assay"}},
	}})
	if err := w.hub.Put(applications, app); err != nil {
		return err
	}
	watched := s.Watches()
	for range rounds {
		if err := w.secret(at); err != nil {
			return err
		}
		if err := p.soon(ctx, func() bool { return s.Watches() > watched+1 }); err != nil {
			return err
		}
		w.hub.Delete(secrets, "argocd", fmt.Sprintf("cluster-%d", at))
		if err := p.soon(ctx, func() bool { return s.Watches() <= watched }); err != nil {
			return err
		}
	}
	w.hub.Delete(applications, "argocd", "comes-and-goes")
	return nil
}

// define adds and removes the definition of a kind, in all clusters of one server.
func (w *world) define(ctx context.Context, p *promoter, rounds int) error {
	s := w.spokes[0]
	for range rounds {
		s.Serve(testRuns)
		if err := s.Put(definitions, map[string]any{"metadata": map[string]any{"name": "testruns.k6.io"}}); err != nil {
			return err
		}
		if err := p.soon(ctx, func() bool { return s.WatchesOf(testRuns.Resource) > 0 }); err != nil {
			return err
		}
		s.Withdraw(testRuns)
		s.Delete(definitions, "", "testruns.k6.io")
		if err := p.soon(ctx, func() bool { return s.WatchesOf(testRuns.Resource) == 0 }); err != nil {
			return err
		}
	}
	return nil
}
