package render

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/flat"
	"github.com/assaydev/assay/render/helm"
	"github.com/assaydev/assay/render/kustomize"
)

// source is a layout with every option that its rendering depends on. Two
// equal sources render the same tree to the same objects.
type source struct {
	layout    spec.Layout
	dir       string
	helm      spec.HelmSource
	kustomize spec.KustomizeSource
	directory spec.DirectorySource

	appName, namespace, kubeVersion string
	apiVersions                     []string
	env                             map[string]string
	limits                          Limits
}

// gitSource is what Git and the plan alone say: the ID is computed from it, so
// that it is the same in Argo CD and on a laptop.
func gitSource(req Request, layout spec.Layout, plan *spec.Plan) source {
	s := source{layout: layout, dir: req.Dir, limits: req.Limits}
	s.helm = deref(plan.Spec.Helm)
	s.kustomize = deref(plan.Spec.Kustomize)
	s.directory = deref(plan.Spec.Directory)
	return s.forLayout()
}

// appSource adds what Argo CD says of the Application and its parameters.
func appSource(req Request, layout spec.Layout, plan *spec.Plan) source {
	s := gitSource(req, layout, plan)
	s.helm = overlayHelm(s.helm, req.Helm)
	s.helm.Version = cmp.Or(req.HelmVersion, s.helm.Version)
	s.kustomize = overlay(s.kustomize, req.Kustomize)
	s.directory = overlay(s.directory, req.Directory)
	s.appName, s.namespace = req.AppName, req.Namespace
	s.kubeVersion, s.apiVersions = req.KubeVersion, req.APIVersions
	s.env = req.Env
	return s.forLayout()
}

// forLayout drops the options that this layout does not read, so that equal
// renders have equal sources.
func (s source) forLayout() source {
	if s.layout != spec.Helm {
		s.helm, s.kubeVersion, s.apiVersions, s.appName, s.namespace = spec.HelmSource{}, "", nil, "", ""
	} else {
		s = s.forChart()
	}
	if s.layout != spec.Kustomize {
		s.kustomize = spec.KustomizeSource{}
	}
	if s.layout != spec.Flat {
		s.directory = spec.DirectorySource{}
	}
	if !s.namesVariables() {
		s.env = nil
	}
	return s
}

// forChart drops what the chart's own options decide instead.
func (s source) forChart() source {
	s.helm.Version = cmp.Or(s.helm.Version, helm.Version3)
	if !s.namesVariables() { // which may be the Application's name and namespace
		if s.helm.ReleaseName != "" {
			s.appName = ""
		}
		if s.helm.Namespace != "" {
			s.namespace = ""
		}
	}
	if len(s.helm.APIVersions) > 0 || len(s.apiVersions) == 0 {
		s.apiVersions = nil
	}
	s.kubeVersion = cmp.Or(s.helm.KubeVersion, s.kubeVersion, DefaultKubeVersion)
	if v, err := helm.KubeVersion(s.kubeVersion); err == nil {
		s.kubeVersion = v
	}
	return s
}

// namesVariables reports whether any option may hold a $NAME. What cannot be
// written as JSON is taken to.
func (s source) namesVariables() bool {
	if s.layout == spec.Flat {
		return false
	}
	options, err := json.Marshal([]any{s.helm, s.kustomize})
	return err != nil || bytes.Contains(options, []byte("$"))
}

// destination is the namespace of objects that name none, as far as it is known.
func (s source) destination(namespace string) string {
	return cmp.Or(namespace, s.helm.Namespace, s.kustomize.Namespace)
}

func (s source) equal(t source) bool { return reflect.DeepEqual(s, t) }

// render is Baseline of the tree in fsys, which has no marker.
func (s source) render(ctx context.Context, fsys *envfs.FS, hide func(string) bool) ([]*unstructured.Unstructured, error) {
	made, err := s.make(ctx, fsys, hide, nil)
	return made.objs, err
}

// made is what a tree renders to. Nobody changes the objects.
type made struct {
	objs     []*unstructured.Unstructured
	warnings []string
	draws    bool // the tree may render otherwise the next time
}

// make also takes objects that renders of trees much alike have in common; it may be
// nil.
func (s source) make(ctx context.Context, fsys *envfs.FS, hide func(string) bool, common *kustomize.Converted) (m made, err error) {
	switch s.layout {
	case spec.Helm:
		opt, draws := s.helmOptions(fsys), false
		opt.Draws = &draws
		if m.objs, m.warnings, err = helm.Render(ctx, fsys, s.dir, s.helm, opt); err == nil {
			m.draws = draws
		}
	case spec.Kustomize:
		m.objs, m.warnings, err = kustomize.Render(ctx, fsys, s.dir, s.kustomize, kustomize.Options{Env: s.env, Limits: s.manifestLimits(), Converted: common})
	default:
		var names []string
		if names, err = flat.Files(ctx, fsys, s.dir, s.directory, hide); err == nil {
			m.objs, err = flat.Render(ctx, fsys, names, s.manifestLimits())
		}
	}
	return m, err
}

func (s source) manifestLimits() manifest.Limits {
	return manifest.Limits{Documents: s.limits.Documents, Depth: s.limits.Depth}
}

// helmOptions hide markers from the chart's .Files: a candidate must not
// change the baseline by being there.
func (s source) helmOptions(fsys *envfs.FS) helm.Options {
	return helm.Options{
		AppName: s.appName, Namespace: s.namespace, KubeVersion: s.kubeVersion, APIVersions: s.apiVersions, Env: s.env,
		Hide:   func(name string) bool { return isMarker(fsys, name) },
		Limits: helm.Limits{Documents: s.limits.Documents, Depth: s.limits.Depth, OutputBytes: s.limits.OutputBytes},
	}
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// overlay returns base with every field that over sets.
func overlay[T any](base T, over *T) T {
	if over == nil {
		return base
	}
	from, to := reflect.ValueOf(over).Elem(), reflect.ValueOf(&base).Elem()
	for i := range from.NumField() {
		if !from.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
	return base
}

// overlayHelm lays parameters over the plan's options. Single values are laid
// over by name, and values win over the plan's in either form.
func overlayHelm(base spec.HelmSource, over *spec.HelmSource) spec.HelmSource {
	if over == nil {
		return base
	}
	parameters, files := base.Parameters, base.FileParameters
	if over.Values != "" {
		base.ValuesObject = nil
	}
	base = overlay(base, over)
	base.Parameters = byName(parameters, over.Parameters, func(p spec.HelmParameter) string { return p.Name })
	base.FileParameters = byName(files, over.FileParameters, func(p spec.HelmFileParameter) string { return p.Name })
	return base
}

// byName is base without what over names, then over.
func byName[T any](base, over []T, name func(T) string) []T {
	out := slices.DeleteFunc(slices.Clone(base), func(b T) bool {
		return slices.ContainsFunc(over, func(o T) bool { return name(o) == name(b) })
	})
	return append(out, over...)
}
