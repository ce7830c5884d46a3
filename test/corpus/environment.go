package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// environment is one directory that renders a workload, in a copy of its
// repository.
type environment struct {
	name   string // for people
	root   string // the copy
	dir    string
	layout spec.Layout
	plan   *spec.Plan
	files  map[string]string // every file of the copy, as it has to be before each case
	base   []*unstructured.Unstructured
}

// find copies each tree and tries every directory of it.
func find(ctx context.Context, to string, trees map[string]fs.FS) ([]*environment, error) {
	var out []*environment
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		root := filepath.Join(to, name)
		if err := os.CopyFS(root, trees[name]); err != nil {
			return nil, fmt.Errorf("copy %s: %w", name, err)
		}
		err := fs.WalkDir(os.DirFS(root), ".", func(dir string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			// Parts of an environment that another directory names.
			if base := path.Base(dir); base == "templates" || base == "experiment" || base == "charts" && dir != "charts" {
				if base != "charts" {
					return fs.SkipDir
				}
				return nil
			}
			e := &environment{name: path.Join(name, dir), root: root, dir: dir}
			if e.open(ctx) {
				out = append(out, e)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, e := range out { // once every plan is written
		var err error
		if e.files, err = tree(e.root); err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no environment renders a workload")
	}
	return out, nil
}

// open renders the directory, and says whether it is an environment.
func (e *environment) open(ctx context.Context) bool {
	layout, _, err := render.Inspect(e.request())
	if err != nil {
		return false
	}
	e.layout = layout
	if _, err := os.Stat(e.path("assay.yaml")); err != nil {
		plan := "candidate: {mode: clone}"
		if layout == spec.Helm {
			plan = e.chartPlan(ctx)
		}
		text := "# +argocd:skip-file-rendering\napiVersion: assay.dev/v1alpha1\nkind: Plan\nspec:\n  " + plan + "\n"
		if err := os.WriteFile(e.path("assay.yaml"), []byte(text), 0o600); err != nil {
			return false
		}
	}
	res, err := render.Environment(ctx, e.request())
	if err != nil || !slices.ContainsFunc(res.Baseline, object.IsWorkload) {
		_ = os.Remove(e.path("assay.yaml"))
		return false
	}
	// A Rollout whose strategy names Services cannot run twice.
	if slices.ContainsFunc(res.Baseline, func(o *unstructured.Unstructured) bool { return o.GetKind() == "Rollout" }) {
		if data, err := os.ReadFile(e.path("assay.yaml")); err == nil {
			text := strings.Replace(string(data), "candidate: {mode: clone}", "candidate: {mode: inPlace}", 1)
			_ = os.WriteFile(e.path("assay.yaml"), []byte(text), 0o600)
		}
	}
	e.base, e.plan = res.Baseline, res.Plan
	return true
}

// chartPlan is what `assay init` writes for a chart.
func (e *environment) chartPlan(ctx context.Context) string {
	source := map[string]any{"releaseName": "shop", "namespace": "shop"}
	req := e.request()
	req.AppName, req.Namespace = "shop", "shop"
	if res, err := render.Environment(ctx, req); err == nil {
		if values, err := chartutil.ReadValuesFile(e.path("values.yaml")); err == nil {
			source["imageValues"] = scaffold.ImageValues(values, scaffold.Images(res.Baseline))
		}
	}
	data, err := yaml.Marshal(map[string]any{"helm": source, "candidate": map[string]any{}})
	if err != nil {
		return "helm: {}"
	}
	text := strings.Replace(string(data), "candidate: {}", "candidate: {mode: clone}", 1)
	return strings.TrimSpace(strings.ReplaceAll(text, "\n", "\n  "))
}

func (e *environment) path(name string) string {
	return filepath.Join(e.root, filepath.FromSlash(e.dir), name)
}

func (e *environment) marker() string { return path.Join(e.dir, "candidate.yaml") }

// request asks for the environment as it is on the disk now.
func (e *environment) request() render.Request {
	fsys := envfs.New(os.DirFS(e.root), envfs.Limits{})
	return render.Request{FS: fsys, Dir: e.dir}
}

// tree reads every file under a directory.
func tree(root string) (map[string]string, error) {
	out := map[string]string{}
	fsys := os.DirFS(root)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		out[name] = string(data)
		return err
	})
	return out, err
}
