package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// detect says which layout an environment has, by Argo CD's rule: the source
// options that are given decide, else the files of the directory itself. Among
// those the last by name wins, as in Argo CD's walk, so that a kustomization.yaml
// wins over a Chart.yaml. Source: argo-cd util/app/discovery/discovery.go.
func detect(fsys *envfs.FS, dir string, plan *spec.Plan) (spec.Layout, error) {
	entries, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: no such directory in the repo: name the directory of an environment", dir)
	}
	if err != nil {
		return "", err
	}
	switch { // spec lets a plan have one of them
	case plan.Spec.Helm != nil:
		return spec.Helm, nil
	case plan.Spec.Kustomize != nil:
		return spec.Kustomize, nil
	case plan.Spec.Directory != nil:
		return spec.Flat, nil
	}
	layout := spec.Flat
	for _, e := range entries {
		switch name := e.Name(); {
		case e.IsDir():
		case strings.HasSuffix(name, "Chart.yaml"):
			layout = spec.Helm
		case name == "kustomization.yaml", name == "kustomization.yml", name == "Kustomization":
			layout = spec.Kustomize
		}
	}
	return layout, nil
}

// detectFor is detect for an Application: parameters of a layout choose it, as
// Argo CD's own source options do.
func detectFor(req Request, layout spec.Layout) (spec.Layout, error) {
	var given []spec.Layout
	if req.Helm != nil {
		given = append(given, spec.Helm)
	}
	if req.Kustomize != nil {
		given = append(given, spec.Kustomize)
	}
	if req.Directory != nil {
		given = append(given, spec.Flat)
	}
	switch len(given) {
	case 0:
		return layout, nil
	case 1:
		return given[0], nil
	default:
		return "", fmt.Errorf("%s: the plugin's parameters are of more than one layout: keep those of one of helm, kustomize and directory", req.Dir)
	}
}

// fits refuses source options of a layout that the directory cannot have.
func fits(req Request, f *files) error {
	has := func(names ...string) bool {
		for _, name := range names {
			if _, err := req.FS.Lstat(path.Join(req.Dir, name)); err == nil {
				return true
			}
		}
		return false
	}
	helm, kustomize := has("Chart.yaml"), has("kustomization.yaml", "kustomization.yml", "Kustomization")
	switch {
	case f.plan.Spec.Helm != nil && !helm:
		return fmt.Errorf("%s: spec.helm is for a chart, and there is no Chart.yaml beside it: remove spec.helm", f.planFile)
	case f.plan.Spec.Kustomize != nil && !kustomize:
		return fmt.Errorf("%s: spec.kustomize is for a kustomization, and there is no kustomization.yaml beside it: remove spec.kustomize", f.planFile)
	case req.Helm != nil && !helm:
		return fmt.Errorf("%s: the plugin's parameters for Helm need a Chart.yaml here, and there is none: remove them from the Application", req.Dir)
	case req.Kustomize != nil && !kustomize:
		return fmt.Errorf("%s: the plugin's parameters for Kustomize need a kustomization.yaml here, and there is none: remove them from the Application", req.Dir)
	}
	return nil
}
