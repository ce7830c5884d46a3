package render

import (
	"context"
	"path"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/lfs"
	"github.com/assaydev/assay/internal/span"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/experiment"
	"github.com/assaydev/assay/render/kustomize"
)

// Environment renders one environment. It returns when ctx ends, whatever a
// template is doing. On error the result is nil: there is no partial output.
func Environment(ctx context.Context, req Request) (*Result, error) {
	return bounded(ctx, req, "render", func() (*Result, error) {
		result, err := environment(ctx, req)
		if err != nil && ctx.Err() == nil {
			err = lfs.Explain(req.FS, req.Dir, err)
		}
		return result, err
	})
}

func environment(ctx context.Context, req Request) (*Result, error) {
	r, err := open(req)
	if err != nil {
		return nil, err
	}
	res := &Result{Layout: r.app.layout, Namespace: r.app.destination(r.req.Namespace), Plan: r.files.plan, Marker: r.files.marker, Waiting: r.files.waiting}
	baseline, err := r.make(ctx, r.app, r.tree)
	if err != nil {
		return nil, err
	}
	res.Baseline, res.Warnings = baseline.objs, baseline.warnings
	res.Warnings = append(append(res.Warnings, r.besides()...), r.files.unnamed(r.tree, req.Dir, req.Name)...)
	if res.Marker != nil {
		within, end := span.Start(ctx, "inject")
		err := r.test(within, res, baseline)
		if end(err); err != nil {
			return nil, err
		}
	}
	res.Draws = r.draws.Load()
	return res, nil
}

// run is one render of one environment.
type run struct {
	req   Request
	files *files
	app   source    // as Argo CD asks for it
	git   source    // as Git alone says it
	tree  *envfs.FS // the repo less the marker
	hide  func(name string) bool

	common *kustomize.Converted // what is the same with and without the change; nil without a marker
	draws  atomic.Bool          // a tree that was made may render otherwise the next time
}

// open reads Assay's own files and decides how the environment is rendered.
func open(req Request) (*run, error) {
	f, err := readFiles(req.FS, req.Dir, req.Name)
	if err != nil {
		return nil, err
	}
	layout, err := detect(req.FS, req.Dir, f.plan)
	if err != nil {
		return nil, err
	}
	asked, err := detectFor(req, layout)
	if err != nil {
		return nil, err
	}
	if err := fits(req, f); err != nil {
		return nil, err
	}
	r := &run{req: req, files: f, tree: req.FS, app: appSource(req, asked, f.plan), git: gitSource(req, layout, f.plan)}
	if f.marker != nil {
		r.tree, r.common = req.FS.With(map[string][]byte{f.markerFile: nil}), new(kustomize.Converted)
	}
	r.hide = r.hidden()
	return r, nil
}

// hidden says which files are Assay's own and never manifests: plans and
// markers of every environment in the directory, and experiment resources
// where there is a plan. It does not depend on the marker.
func (r *run) hidden() func(string) bool {
	return func(name string) bool {
		return r.files.planned && experiment.Owns(r.req.Dir, r.files.plan.Spec.Experiment, name) || isOwn(r.tree, name)
	}
}

// besides warns of experiment resources that lie among the manifests: a
// pattern of the plan may have taken more than was meant.
func (r *run) besides() []string {
	if r.app.layout != spec.Flat || !r.files.planned {
		return nil
	}
	entries, err := r.tree.ReadDir(r.req.Dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		name := path.Join(r.req.Dir, e.Name())
		if !e.IsDir() && !isOwn(r.tree, name) && experiment.Owns(r.req.Dir, r.files.plan.Spec.Experiment, name) {
			out = append(out, name+" is an experiment resource by spec.experiment.resources of the plan, and so not a manifest")
		}
	}
	return out
}

// Output is what Argo CD gets: the baseline, then the variant, then what was
// injected. Objects under routing carry the ID while a marker exists. While the candidate
// waits, it is the baseline alone.
func (r *Result) Output() []*unstructured.Unstructured {
	if r.Marker == nil || r.Waits() {
		return r.Baseline
	}
	return r.Tested()
}

// Waits reports whether the marker says that its candidate is not tested yet. It takes nothing
// to say so: that withholds, and permits nothing.
func (r *Result) Waits() bool { return r.Marker != nil && r.Marker.Spec.Waiting }

// Tested is what Argo CD gets while the candidate does not wait; nil without a marker.
func (r *Result) Tested() []*unstructured.Unstructured {
	if r.Marker == nil {
		return nil
	}
	out := make([]*unstructured.Unstructured, 0, len(r.kept)+len(r.Variant)+len(r.Injected))
	return append(append(append(out, r.kept...), r.Variant...), r.Injected...)
}

// Inspect says which layout an environment has, and its plan with defaults,
// without rendering anything.
func Inspect(req Request) (spec.Layout, *spec.Plan, error) {
	f, err := readFiles(req.FS, req.Dir, req.Name)
	if err != nil {
		return "", nil, err
	}
	layout, err := detect(req.FS, req.Dir, f.plan)
	if err == nil {
		layout, err = detectFor(req, layout)
	}
	return layout, f.plan, err
}

// Plan reads the environment's plan alone, with its defaults.
func Plan(req Request) (*spec.Plan, error) {
	f, err := readFiles(req.FS, req.Dir, req.Name)
	if err != nil {
		return nil, err
	}
	return f.plan, nil
}
