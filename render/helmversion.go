package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// mostNamed is how many differences one message names.
const mostNamed = 5

// sameHelm refuses a version of Helm that is not the plan's and renders other
// objects, without the change or with it: what is tested is what the plan's
// version renders, and Argo CD would get something else.
func (r *run) sameHelm(ctx context.Context, edited *envfs.FS, app *stages) error {
	asked, planned := app.source.helm.Version, r.git.helm.Version
	if asked == planned {
		return nil
	}
	source := app.source
	source.helm.Version = planned
	other := &stages{source: source}
	var err error
	if other.baseline, _, err = source.render(ctx, r.tree, r.hide); err != nil {
		return fmt.Errorf("%w (with Helm %s, the plan's; with %s it renders)", err, planned, asked)
	}
	if err := r.candidate(ctx, edited, other); err != nil {
		return fmt.Errorf("%w (with Helm %s, the plan's; with %s it renders)", err, planned, asked)
	}
	unstable := slices.Concat(app.unstable, other.unstable)
	found := append(differences(other.baseline, app.baseline, unstable), differences(other.candidate, app.candidate, unstable)...)
	if len(found) == 0 {
		return nil
	}
	named, err := places(found)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: Helm %s, which is asked for, renders otherwise than Helm %s, which the plan says: %s; add `version: %s` under spec.helm of %s",
		r.files.markerFile, asked, planned, named, asked, r.files.planFile)
}

// differences are those between two renders, less what differs at every render,
// and Helm's test hooks, which Argo CD never applies.
func differences(a, b []*unstructured.Unstructured, unstable []object.Key) []object.Difference {
	return slices.DeleteFunc(object.Diff(object.Applied(a), object.Applied(b)), func(d object.Difference) bool {
		return slices.Contains(unstable, d.Key)
	})
}

// places names what differs: the object, and the first field of it.
func places(found []object.Difference) (string, error) {
	var out []string
	for _, d := range found {
		name := d.Key.String()
		switch {
		case d.Before == nil:
			name += " is new"
		case d.After == nil:
			name += " is gone"
		default:
			var fields []string
			if err := leaves("", d.Before.Object, d.After.Object, &fields); err != nil {
				return "", fmt.Errorf("compare %s: %w", d.Key, err)
			}
			slices.Sort(fields)
			if len(fields) > 0 {
				field, _, _ := strings.Cut(strings.TrimPrefix(fields[0], "."), " ")
				name += " in " + field
			}
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if more := len(out) - mostNamed; more > 0 {
		out = append(out[:mostNamed], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, ", "), nil
}

// HelmDiff compares the baselines that two versions of Helm render from an
// environment. That one of them fails where the other renders is a difference,
// too: the errors are by version.
type HelmDiff struct {
	Differences []object.Difference
	Errors      [2]error
}

// CompareHelm renders an environment of a chart with two versions of Helm.
func CompareHelm(ctx context.Context, req Request, from, to string) (HelmDiff, error) {
	var out HelmDiff
	var rendered [2][]*unstructured.Unstructured
	var unstable []object.Key
	for i, version := range []string{from, to} {
		req.HelmVersion = version
		r, err := open(req)
		if err != nil {
			return HelmDiff{}, err
		}
		if r.app.layout != spec.Helm {
			return HelmDiff{}, ErrNotChart
		}
		var again []*unstructured.Unstructured
		if rendered[i], _, out.Errors[i] = r.app.render(ctx, r.tree, r.hide); out.Errors[i] == nil {
			again, _, out.Errors[i] = r.app.render(ctx, r.tree, r.hide)
		}
		if ctx.Err() != nil {
			return HelmDiff{}, out.Errors[i]
		}
		for _, d := range object.Diff(rendered[i], again) {
			unstable = append(unstable, d.Key)
		}
	}
	if out.Errors == [2]error{} {
		out.Differences = differences(rendered[0], rendered[1], unstable)
	}
	return out, nil
}

// ErrNotChart is that of an environment that Helm does not render.
var ErrNotChart = errors.New("it is not a Helm chart")

// FindCharts lists what CompareHelm is for at and below a directory: environments
// that have a plan or a marker, and charts, whoever renders them. The charts inside
// a chart are a part of it.
func FindCharts(fsys *envfs.FS, dir string) ([]spec.Environment, error) {
	found, err := Find(fsys, dir)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, env := range found {
		known[env.Dir] = true
	}
	err = fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if err := skip(fsys, dir, name); err != nil {
			return err
		}
		info, err := fsys.Stat(path.Join(name, "Chart.yaml"))
		if err != nil || !info.Mode().IsRegular() {
			return nil //nolint:nilerr // what cannot be read is not a chart
		}
		if !known[name] {
			found = append(found, spec.Environment{Dir: name})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(env spec.Environment) bool { return insideChart(fsys, dir, env.Dir) })
	slices.SortFunc(found, spec.Environment.Compare)
	return found, nil
}

// insideChart reports whether a directory is below charts/ of a chart.
func insideChart(fsys *envfs.FS, top, dir string) bool {
	for at := path.Dir(dir); dir != top && at != path.Dir(at); at = path.Dir(at) {
		if path.Base(at) != "charts" {
			continue
		}
		if info, err := fsys.Stat(path.Join(path.Dir(at), "Chart.yaml")); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}
