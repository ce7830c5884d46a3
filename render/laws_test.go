package render_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

const label = "assay.dev/experiment"

// tree is a repo in memory, with one environment.
type tree struct {
	name  string
	files map[string]string
	dir   string
}

// trees are the examples and, where they are at hand, real environments, each
// with a marker for the first image that it renders.
func trees(t *testing.T) []tree {
	t.Helper()
	var list []tree
	for _, e := range examples.All() {
		files := readAll(t, examples.FS())
		files[path.Join(e.Dir, "candidate.yaml")] = files[e.Candidate]
		list = append(list, tree{"examples/" + e.Dir, files, e.Dir})
	}
	corpus := os.Getenv("ASSAY_CORPUS")
	if corpus == "" {
		t.Log("ASSAY_CORPUS is not set: the laws are checked on the examples alone")
		return list
	}
	files := readAll(t, os.DirFS(corpus))
	for dir, change := range map[string]string{
		"podinfo/kustomize":                "images: [{name: podinfo, newTag: 9.9.9}]",
		"podinfo/charts/podinfo":           "values: {image: {tag: 9.9.9}}",
		"example-apps/guestbook":           "images: [{name: gb-frontend, newTag: v9}]",
		"example-apps/kustomize-guestbook": "images: [{name: gb-frontend, newTag: v9}]",
		"example-apps/helm-guestbook":      "values: {image: {tag: '9.9'}}",
		"example-apps/blue-green":          "values: {replicaCount: 2}",
		"example-apps/pre-post-sync":       "images: [{name: gb-frontend, newTag: v9}]",
	} {
		repo := maps.Clone(files)
		repo[path.Join(dir, "candidate.yaml")] = marker(change)
		repo[path.Join(dir, "assay.yaml")] = plan("")
		if _, helm := files[path.Join(dir, "Chart.yaml")]; helm {
			repo[path.Join(dir, "assay.yaml")] = plan("helm: {releaseName: r, namespace: default}")
		}
		if dir == "example-apps/blue-green" {
			repo[path.Join(dir, "assay.yaml")] = plan("candidate: {mode: inPlace}\n  helm: {releaseName: r, namespace: default}")
		}
		list = append(list, tree{"corpus/" + dir, repo, dir})
	}
	return list
}

func marker(change string) string {
	return "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata: {name: next}\nspec:\n  " + change + "\n"
}

func plan(body string) string {
	if body == "" {
		body = "queue: preempt"
	}
	return "# +argocd:skip-file-rendering\napiVersion: assay.dev/v1alpha1\nkind: Plan\nspec:\n  " + body + "\n"
}

func readAll(t *testing.T, fsys fs.FS) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		out[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (tr tree) fs() *envfs.FS {
	m := fstest.MapFS{}
	for name, data := range tr.files {
		m[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
	}
	return envfs.New(m, envfs.Limits{})
}

func (tr tree) request() render.Request {
	return render.Request{FS: tr.fs(), Environment: spec.Environment{Dir: tr.dir}}
}

// without is the tree less its marker.
func (tr tree) without() tree {
	files := maps.Clone(tr.files)
	delete(files, path.Join(tr.dir, "candidate.yaml"))
	return tree{tr.name, files, tr.dir}
}

func mustRender(t *testing.T, req render.Request) *render.Result {
	t.Helper()
	res, err := render.Environment(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// stable leaves out what Argo CD never applies: test hooks, which charts
// render anew each time.
func stable(objs []*unstructured.Unstructured) []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, o := range objs {
		if !object.IsHelmTest(o) {
			out = append(out, o)
		}
	}
	return out
}

func equalObjects(t *testing.T, law string, want, got []*unstructured.Unstructured) {
	t.Helper()
	if len(want) == 0 {
		t.Fatalf("%s: nothing to compare", law)
	}
	for _, d := range object.Diff(stable(want), stable(got)) {
		t.Errorf("%s: %s differs", law, d.Key)
	}
}

// TestLaws checks what a marker may do to the output: add, and nothing else.
func TestLaws(t *testing.T) {
	for _, tr := range trees(t) {
		t.Run(tr.name, func(t *testing.T) {
			plain := mustRender(t, tr.without().request())
			res := mustRender(t, tr.request())

			equalObjects(t, "law 1, no marker: output = baseline", plain.Baseline, plain.Output())
			equalObjects(t, "law 3, less the marker: the same baseline", plain.Baseline, res.Baseline)
			for _, o := range plain.Output() {
				if o.GetLabels()[label] != "" {
					t.Errorf("law 1: %s carries %s without a marker", object.KeyOf(o), label)
				}
			}

			promoted := tr.without()
			for name, data := range res.Edited {
				if _, ok := promoted.files[name]; !ok || !strings.HasPrefix(name, tr.dir+"/") {
					t.Errorf("law 4: the change writes %s, which is not a file of the environment", name)
				}
				promoted.files[name] = string(data)
			}
			equalObjects(t, "law 2, promoted: baseline = candidate", res.Candidate, mustRender(t, promoted.request()).Baseline)

			checkLaw5(t, res)
			checkAdded(t, res)

			again := mustRender(t, tr.request())
			first, err := object.MarshalYAML(stable(res.Output()))
			if err != nil {
				t.Fatal(err)
			}
			second, err := object.MarshalYAML(stable(again.Output()))
			if err != nil {
				t.Fatal(err)
			}
			if string(first) != string(second) {
				t.Error("law 7: two renders of one tree differ")
			}
		})
	}
}

// checkLaw5 holds the law from the outside: each object that differs is a
// workload whose variant runs the candidate's images, is in the variant under
// another name, stands in for the baseline's, or is told of.
func checkLaw5(t *testing.T, res *render.Result) {
	t.Helper()
	differences := object.Diff(stable(res.Baseline), stable(res.Candidate))
	if len(differences) == 0 {
		t.Error("law 5: the candidate does not differ")
	}
	for _, d := range differences {
		if !covered(res, d) {
			t.Errorf("law 5: %s differs and nothing covers it", d.Key)
		}
	}
}

func covered(res *render.Result, d object.Difference) bool {
	if strings.Contains(strings.Join(res.Untested, "\n"), d.Key.Name) {
		return true
	}
	if d.After == nil {
		return false
	}
	for _, o := range append(res.Output()[:len(res.Baseline):len(res.Baseline)], res.Variant...) {
		if o.GetKind() != d.Key.Kind || !strings.HasPrefix(o.GetName(), d.Key.Name) {
			continue
		}
		if images := fmt.Sprint(object.Images(o)); images == fmt.Sprint(object.Images(d.After)) && images != "[]" {
			return true
		}
	}
	return false
}

// TestTransparent renders each tree with and without Assay's own files, the
// plan's source options given as the Application would: law 1.
func TestTransparent(t *testing.T) {
	for _, tr := range trees(t) {
		t.Run(tr.name, func(t *testing.T) {
			with := mustRender(t, tr.without().request())
			bare := tr.without()
			for name := range bare.files {
				if name == path.Join(tr.dir, "assay.yaml") || strings.HasPrefix(name, path.Join(tr.dir, "experiment")+"/") {
					delete(bare.files, name)
				}
			}
			req := bare.request()
			req.Helm, req.Kustomize, req.Directory = with.Plan.Spec.Helm, with.Plan.Spec.Kustomize, with.Plan.Spec.Directory
			equalObjects(t, "law 1", mustRender(t, req).Output(), with.Output())
		})
	}
}

// checkAdded says that the output holds the baseline, with routing labelled,
// and objects of the experiment that all carry its ID.
func checkAdded(t *testing.T, res *render.Result) {
	t.Helper()
	if res.Plan.Spec.Candidate.Mode == "inPlace" {
		return
	}
	out := res.Output()
	if len(out) != len(res.Baseline)+len(res.Variant)+len(res.Injected) || len(res.Variant) == 0 {
		t.Fatalf("output has %d objects, baseline %d, variant %d, injected %d", len(out), len(res.Baseline), len(res.Variant), len(res.Injected))
	}
	for i, o := range out {
		id := o.GetLabels()[label]
		if i >= len(res.Baseline) {
			if id != res.ID {
				t.Errorf("%s carries %q, not the ID %s", object.KeyOf(o), id, res.ID)
			}
			continue
		}
		o = o.DeepCopy()
		if id != "" {
			labels := o.GetLabels()
			if delete(labels, label); len(labels) == 0 {
				labels = nil
			}
			o.SetLabels(labels)
			if !routed(res.Plan, o) {
				t.Errorf("%s of the baseline carries the ID and is not under routing", object.KeyOf(o))
			}
		}
		if !object.Equal(o.Object, res.Baseline[i].Object) {
			t.Errorf("%s of the baseline is changed in the output", object.KeyOf(o))
		}
	}
}

func routed(plan *spec.Plan, o *unstructured.Unstructured) bool {
	for _, r := range plan.Spec.Routing {
		if r.Kind == o.GetKind() && r.Name == o.GetName() {
			return true
		}
	}
	return false
}
