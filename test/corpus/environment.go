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
	env    string // a chart's: the name of its own value file
	layout spec.Layout
	plan   *spec.Plan
	files  map[string]string // every file of the copy, as it has to be before each case
	base   []*unstructured.Unstructured

	oracles map[string][]*unstructured.Unstructured // a chart's, by the values over it
}

// find copies each tree and tries every directory of it. A chart is one
// environment for each of its value files. What renders no workload is named in
// beside, with the reason.
func find(ctx context.Context, to string, trees map[string]fs.FS) (out []*environment, beside []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		root := filepath.Join(to, name)
		if err := os.CopyFS(root, trees[name]); err != nil {
			return nil, nil, fmt.Errorf("copy %s: %w", name, err)
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
			list, err := variants(environment{name: path.Join(name, dir), root: root, dir: dir})
			if err != nil {
				return err
			}
			for _, e := range list {
				reason, ok := e.open(ctx)
				if ok {
					out = append(out, e)
				} else if reason != "" {
					beside = append(beside, e.name+": "+reason)
				}
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	flat, err := rendered(ctx, filepath.Join(to, "rendered"), out)
	if err != nil {
		return nil, nil, err
	}
	out = append(out, flat...)
	for _, e := range out { // once every plan is written
		if e.files, err = tree(e.root); err != nil {
			return nil, nil, err
		}
	}
	if len(out) == 0 {
		return nil, nil, fmt.Errorf("no environment renders a workload")
	}
	return out, beside, nil
}

// rendered commits what each chart renders as flat files, as many repositories
// have it: the flat environments of the corpus are small.
func rendered(ctx context.Context, root string, envs []*environment) ([]*environment, error) {
	var out []*environment
	for _, from := range envs {
		if from.layout != spec.Helm {
			continue
		}
		e := &environment{name: from.name + ", rendered", root: root, dir: path.Join(from.name, "manifests")}
		data, err := object.MarshalYAML(applied(from.base))
		if err == nil {
			err = os.MkdirAll(e.path(""), 0o750)
		}
		if err == nil {
			err = os.WriteFile(e.path("all.yaml"), data, 0o600)
		}
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", e.name, err)
		}
		reason, ok := e.open(ctx)
		if !ok {
			return nil, fmt.Errorf("render %s: %s", e.name, reason)
		}
		out = append(out, e)
	}
	return out, nil
}

// variants are the directory itself and, for a chart that has no plan, one
// more environment for each further value file. Each has a copy of the tree: two of
// one directory may not change each other.
func variants(e environment) ([]*environment, error) {
	list := []*environment{&e}
	files, err := filepath.Glob(e.path("values-*.yaml"))
	if _, planned := os.Stat(e.path("assay.yaml")); err != nil || planned == nil {
		return list, err
	}
	for _, file := range files {
		v := e
		if v.root, err = os.MkdirTemp(filepath.Dir(e.root), filepath.Base(e.root)+"-"); err == nil {
			err = os.CopyFS(v.root, os.DirFS(e.root))
		}
		if err != nil {
			return nil, fmt.Errorf("copy %s: %w", e.name, err)
		}
		v.env = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "values-"), ".yaml")
		v.name += " (" + v.env + ")"
		list = append(list, &v)
	}
	return list, nil
}

// valueFiles are the chart's own and that of the environment.
func (e *environment) valueFiles() []string {
	if e.env == "" {
		return []string{"values.yaml"}
	}
	return []string{"values.yaml", "values-" + e.env + ".yaml"}
}

// open renders the directory, and says whether it is an environment, and why
// not if it renders anything.
func (e *environment) open(ctx context.Context) (reason string, ok bool) {
	layout, _, err := render.Inspect(e.request())
	if err != nil {
		return err.Error(), false
	}
	e.layout = layout
	planned := e.path(e.planFile())
	if _, err := os.Stat(planned); err != nil {
		plan := "candidate: {mode: clone}"
		if layout == spec.Helm {
			plan = e.chartPlan(ctx)
		}
		text := "# +argocd:skip-file-rendering\napiVersion: assay.dev/v1alpha1\nkind: Plan\nspec:\n  " + plan + "\n"
		if err := os.WriteFile(planned, []byte(text), 0o600); err != nil {
			return err.Error(), false
		}
	}
	res, err := render.Environment(ctx, e.request())
	if err != nil || !slices.ContainsFunc(res.Baseline, object.IsWorkload) {
		_ = os.Remove(planned)
		return without(res, err), false
	}
	// A Rollout whose strategy names Services cannot run twice.
	if slices.ContainsFunc(res.Baseline, func(o *unstructured.Unstructured) bool { return o.GetKind() == "Rollout" }) {
		if data, err := os.ReadFile(planned); err == nil {
			text := strings.Replace(string(data), "candidate: {mode: clone}", "candidate: {mode: inPlace}", 1)
			_ = os.WriteFile(planned, []byte(text), 0o600)
		}
	}
	e.base, e.plan = res.Baseline, res.Plan
	return "", true
}

// without says what is there in the place of a workload.
func without(res *render.Result, err error) string {
	if err != nil {
		return err.Error()
	}
	var kinds []string
	for _, o := range res.Baseline {
		kinds = append(kinds, o.GetKind())
	}
	if len(kinds) == 0 {
		return ""
	}
	return "it renders no workload, but " + strings.Join(slices.Compact(slices.Sorted(slices.Values(kinds))), ", ")
}

// chartPlan is what `assay init` writes for a chart.
func (e *environment) chartPlan(ctx context.Context) string {
	source := map[string]any{"releaseName": "shop", "namespace": "shop"}
	if e.env != "" {
		source["valueFiles"] = e.valueFiles()[1:]
	}
	req := e.request()
	req.AppName, req.Namespace = "shop", "shop"
	if e.env != "" {
		req.Helm = &spec.HelmSource{ValueFiles: e.valueFiles()[1:]}
	}
	if res, err := render.Environment(ctx, req); err == nil {
		if values, err := e.chartValues(); err == nil {
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

// chartValues are those that apply, the environment's over the chart's own.
func (e *environment) chartValues() (chartutil.Values, error) {
	var values chartutil.Values
	for _, name := range e.valueFiles() {
		more, err := chartutil.ReadValuesFile(e.path(name))
		if err != nil {
			return nil, err
		}
		values = chartutil.MergeTables(more, values)
	}
	return values, nil
}

func (e *environment) path(name string) string {
	return filepath.Join(e.root, filepath.FromSlash(e.dir), name)
}

func (e *environment) planFile() string { return own(spec.PlanFile(e.env)) }

func (e *environment) marker() string { return path.Join(e.dir, own(spec.CandidateFile(e.env))) }

func own(name string, err error) string {
	if err != nil {
		panic(err) // the names of value files are names
	}
	return name
}

// request asks for the environment as it is on the disk now.
func (e *environment) request() render.Request {
	fsys := envfs.New(os.DirFS(e.root), envfs.Limits{})
	return render.Request{FS: fsys, Environment: spec.Environment{Dir: e.dir, Name: e.env}}
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
