package render

import (
	"errors"
	"fmt"
	"io/fs"
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
