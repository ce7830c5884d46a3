package render

import (
	"context"
	"io/fs"
	"path"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/memory"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// HelmDiff is what two versions of Helm make of an environment's baseline. Where
// both render it, Errors is empty; Differences are the first's and the second's.
type HelmDiff struct {
	Differences []object.Difference
	Errors      [2]error
}

// CompareHelm renders an environment without its candidate with two versions of
// Helm. What differs between two renders of one version is left out. The error is
// one of the environment's own files, or of ctx.
func CompareHelm(ctx context.Context, req Request, versions [2]string) (HelmDiff, error) {
	defer memory.Enter(ctx, req.String())()
	var out HelmDiff
	var rendered [2][]*unstructured.Unstructured
	var unstable []object.Key
	for i, version := range versions {
		req.HelmVersion = version
		r, err := open(req)
		if err != nil {
			return HelmDiff{}, err
		}
		var again []*unstructured.Unstructured
		if rendered[i], err = r.app.render(ctx, r.tree, r.hide); err == nil {
			again, err = r.app.render(ctx, r.tree, r.hide)
		}
		if ctx.Err() != nil {
			return HelmDiff{}, err
		}
		out.Errors[i] = err
		for _, d := range object.Diff(rendered[i], again) {
			unstable = append(unstable, d.Key)
		}
	}
	if out.Errors == [2]error{} {
		out.Differences = differences(rendered[0], rendered[1], unstable)
	}
	return out, nil
}

// FindCharts lists the charts at and below a directory, by path and name of the
// environment, whoever renders them. Library charts, and those that are a part of
// another, render nothing by themselves.
func FindCharts(fsys *envfs.FS, dir string) ([]spec.Environment, error) {
	environments, err := Find(fsys, dir)
	if err != nil {
		return nil, err
	}
	var found []spec.Environment
	err = fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if err := skip(fsys, dir, name); err != nil {
			return err
		}
		if !isApplication(fsys, name) {
			return nil
		}
		named := false
		for _, env := range environments {
			if env.Dir == name {
				found, named = append(found, env), true
			}
		}
		if !named {
			found = append(found, spec.Environment{Dir: name})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(env spec.Environment) bool { return isSubchart(fsys, dir, env.Dir) })
	slices.SortFunc(found, spec.Environment.Compare)
	return found, nil
}

// isApplication reports whether a directory is a chart that renders something.
func isApplication(fsys *envfs.FS, dir string) bool {
	data, err := fsys.ReadFile(path.Join(dir, "Chart.yaml"))
	if err != nil {
		return false
	}
	var chart struct {
		Type string `json:"type"`
	}
	return yaml.Unmarshal(data, &chart) != nil || chart.Type != "library"
}

// isSubchart reports whether a directory is below charts/ of a chart.
func isSubchart(fsys *envfs.FS, top, dir string) bool {
	for at := dir; at != top; {
		at = path.Dir(at)
		if path.Base(at) != "charts" {
			continue
		}
		if info, err := fsys.Stat(path.Join(path.Dir(at), "Chart.yaml")); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}
