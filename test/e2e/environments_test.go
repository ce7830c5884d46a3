//go:build e2e

package e2e_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/internal/spec"
)

// tree is what becomes one repository.
type tree struct {
	name         string
	files        fs.FS
	environments []environment
	leftOut      []string
}

// environment is a directory of a tree, and how an Application points to it.
type environment struct {
	name       string // for people
	dir        string
	layout     spec.Layout
	native     v1alpha1.ApplicationSource // Argo CD's own source options
	parameters v1alpha1.ApplicationSourcePluginParameters
	plan       *spec.Plan // what is in the tree
	candidate  string     // the marker's content; empty: made for the first image
	noMarker   string     // why no marker is tried
	refused    string     // what Assay says of a marker there, when it must refuse
	fails      string     // what natively fails with, when it must
}

// trees lists the examples, and the corpus where there is one.
func trees(t *testing.T) []tree {
	t.Helper()
	all := []tree{exampleTree(t)}
	corpus := os.Getenv("ASSAY_CORPUS")
	if corpus == "" {
		all[0].leftOut = []string{"the corpus: ASSAY_CORPUS is not set"}
		return all
	}
	entries, err := os.ReadDir(corpus)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		next := tree{name: entry.Name(), files: os.DirFS(filepath.Join(corpus, entry.Name()))}
		next.environments = discover(t, next)
		next.environments = append(next.environments, sourceOptions(t, next)...)
		found += len(next.environments)
		all = append(all, next)
	}
	if found == 0 {
		t.Fatal("ASSAY_CORPUS holds no environment")
	}
	return all
}

// exampleTree has a plan and a candidate for each environment.
func exampleTree(t *testing.T) tree {
	t.Helper()
	all := tree{name: "examples", files: examples.FS()}
	for _, e := range examples.All() {
		file := path.Join(e.Dir, "assay.yaml")
		plan, err := spec.DecodePlan(file, []byte(read(t, all.files, file)))
		if err != nil || plan == nil {
			t.Fatalf("%s: no plan: %v", file, err)
		}
		all.environments = append(all.environments, environment{
			name: "examples/" + e.Dir, dir: e.Dir, layout: e.Layout,
			native: planSource(t, plan), plan: plan, candidate: read(t, all.files, e.Candidate),
		})
	}
	return all
}

// planSource is the plan's source options as Argo CD's own source has them:
// the fields have the same names.
func planSource(t *testing.T, plan *spec.Plan) v1alpha1.ApplicationSource {
	t.Helper()
	data, err := json.Marshal(map[string]any{
		"helm": plan.Spec.Helm, "kustomize": plan.Spec.Kustomize, "directory": plan.Spec.Directory,
	})
	if err != nil {
		t.Fatal(err)
	}
	var source v1alpha1.ApplicationSource
	if err := json.Unmarshal(data, &source); err != nil {
		t.Fatal(err)
	}
	return source
}

// discover finds environments by Argo CD's rule: a chart, a kustomization, or
// a directory of manifests.
func discover(t *testing.T, in tree) []environment {
	t.Helper()
	var found []environment
	err := fs.WalkDir(in.files, ".", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		layout, ok := detect(t, in.files, dir)
		if !ok {
			return nil
		}
		env := environment{name: path.Join(in.name, dir), dir: dir, layout: layout}
		expect(&env)
		found = append(found, env)
		if layout != spec.Helm {
			return nil
		}
		for _, file := range match(t, in.files, dir, "values-*.yaml") {
			with := env
			with.name += " " + file
			with.native = v1alpha1.ApplicationSource{Helm: &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{file}}}
			with.parameters = v1alpha1.ApplicationSourcePluginParameters{{
				Name: "helm-value-files", OptionalArray: &v1alpha1.OptionalArray{Array: []string{file}},
			}}
			found = append(found, with)
		}
		return fs.SkipDir // the chart's templates are not manifests
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func detect(t *testing.T, files fs.FS, dir string) (spec.Layout, bool) {
	t.Helper()
	switch {
	case len(match(t, files, dir, "Chart.yaml")) > 0:
		return spec.Helm, true
	case len(match(t, files, dir, "[Kk]ustomization*")) > 0:
		return spec.Kustomize, true
	case len(match(t, files, dir, "*.yaml")) > 0:
		return spec.Flat, true
	}
	return "", false
}

// match returns the names of a directory's files that match a pattern.
func match(t *testing.T, files fs.FS, dir, pattern string) []string {
	t.Helper()
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		ok, err := path.Match(pattern, entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		if ok && !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names
}

// expect marks the environments that cannot be rendered, or be given a
// candidate, and says why.
func expect(env *environment) {
	switch env.name {
	case "example-apps/helm-dependency":
		env.fails = "wordpress" // the dependency's name
	case "example-apps/blue-green":
		env.refused = "Rollout"
	}
}

// sourceOptions are further Applications that point to environments of the tree.
func sourceOptions(t *testing.T, in tree) []environment {
	t.Helper()
	data, err := os.ReadFile("testdata/sources.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Environment string                                     `json:"environment"`
		Name        string                                     `json:"name"`
		Native      v1alpha1.ApplicationSource                 `json:"native"`
		Parameters  v1alpha1.ApplicationSourcePluginParameters `json:"parameters"`
	}
	if err := yaml.UnmarshalStrict(data, &all); err != nil {
		t.Fatal(err)
	}
	var found []environment
	for _, s := range all {
		name, dir, _ := strings.Cut(s.Environment, "/")
		if name != in.name {
			continue
		}
		layout := spec.Flat
		switch {
		case s.Native.Helm != nil:
			layout = spec.Helm
		case s.Native.Kustomize != nil:
			layout = spec.Kustomize
		}
		found = append(found, environment{
			name: s.Environment + " " + s.Name, dir: path.Clean(dir), layout: layout, native: s.Native, parameters: s.Parameters,
			noMarker: "with a marker, source options come from the plan",
		})
	}
	return found
}

func read(t *testing.T, files fs.FS, name string) string {
	t.Helper()
	data, err := fs.ReadFile(files, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
