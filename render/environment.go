package render

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/experiment"
)

// Environment renders one environment. It returns when ctx ends, whatever a
// template is doing. On error the result is nil: there is no partial output.
func Environment(ctx context.Context, req Request) (*Result, error) {
	type outcome struct {
		result *Result
		err    error
	}
	done := make(chan outcome, 1)
	// Neither Helm's engine nor krusty can be interrupted: the caller gets its
	// answer in time, and the abandoned render ends with its limits.
	go func() {
		var o outcome
		defer func() {
			if p := recover(); p != nil {
				o = outcome{err: fmt.Errorf("render %s: a library gave up on what is there: %v", req.Dir, p)}
			}
			done <- o
		}()
		o.result, o.err = environment(ctx, req)
	}()
	select {
	case o := <-done:
		if o.err != nil && ctx.Err() == nil {
			return nil, o.err
		}
		if ctx.Err() == nil {
			return o.result, nil
		}
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, fmt.Errorf("render %s: deadline passed; raise the caller's timeout, or make the environment smaller", req.Dir)
	}
	return nil, fmt.Errorf("render %s: interrupted", req.Dir)
}

func environment(ctx context.Context, req Request) (*Result, error) {
	r, err := open(req)
	if err != nil {
		return nil, err
	}
	res := &Result{Layout: r.layout, Plan: r.files.plan, Marker: r.files.marker, Waiting: r.files.waiting}
	if res.Baseline, res.Warnings, err = r.app.render(ctx, r.tree, r.hide); err != nil {
		return nil, err
	}
	if res.Marker != nil {
		if err := r.test(ctx, res); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// run is one render of one environment.
type run struct {
	req    Request
	files  *files
	layout spec.Layout
	app    source    // as Argo CD asks for it
	git    source    // as Git alone says it
	tree   *envfs.FS // the repo less the marker
	hide   func(name string) bool
}

// open reads Assay's own files and settles how the environment is rendered.
func open(req Request) (*run, error) {
	f, err := readFiles(req.FS, req.Dir, req.Name)
	if err != nil {
		return nil, err
	}
	layout, err := detect(req.FS, req.Dir, f.plan)
	if err != nil {
		return nil, err
	}
	r := &run{req: req, files: f, layout: layout, tree: req.FS}
	if f.marker != nil {
		r.tree = req.FS.With(map[string][]byte{f.markerFile: nil})
	}
	r.app, r.git = appSource(req, layout, f.plan), gitSource(req, layout, f.plan)
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

// Output is what Argo CD gets: the baseline, then the variant, then what was
// injected. Objects under routing carry the ID while a marker exists.
func (r *Result) Output() []*unstructured.Unstructured {
	if r.Marker == nil {
		return r.Baseline
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
	return layout, f.plan, err
}
