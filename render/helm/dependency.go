package helm

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

// addMissing adds the dependencies that charts/ lacks and that are elsewhere in
// the repo, as `helm dependency build` would pack them. Any other is an error,
// as under helm template, even where a condition turns it off.
func (r *renderer) addMissing(ctx context.Context, c *chart.Chart) error {
	var missing []*chart.Dependency
	for _, dep := range c.Metadata.Dependencies {
		if !has(c, dep.Name) {
			missing = append(missing, dep)
		}
	}
	added := map[string]bool{}
	for _, dep := range missing {
		dir, err := r.localChart(dep)
		if err != nil {
			return err
		}
		if added[dir] {
			continue // the same chart under two aliases
		}
		added[dir] = true
		child, err := r.loadDir(ctx, dir)
		if err != nil {
			return fmt.Errorf("load dependency %q of %s: %w", dep.Name, r.chartFile(), err)
		}
		if child.Name() != dep.Name {
			return fmt.Errorf("%s: dependency %q: the chart at %s is named %q: make the names equal", r.chartFile(), dep.Name, dir, child.Name())
		}
		if !chartutil.IsCompatibleRange(dep.Version, child.Metadata.Version) {
			return fmt.Errorf("%s: dependency %q: wants version %q, and the chart at %s has %q: change one of them", r.chartFile(), dep.Name, dep.Version, dir, child.Metadata.Version)
		}
		c.AddDependency(child)
	}
	return nil
}

func has(c *chart.Chart, name string) bool {
	for _, child := range c.Dependencies() {
		if child.Name() == name {
			return true
		}
	}
	return false
}

func (r *renderer) chartFile() string { return path.Join(r.dir, "Chart.yaml") }

// localChart returns the directory that a file:// dependency names.
func (r *renderer) localChart(dep *chart.Dependency) (string, error) {
	rel, local := strings.CutPrefix(dep.Repository, "file://")
	if !local {
		return "", fmt.Errorf("%s: dependency %q (repository %q, version %q) is not in charts/, and nothing is fetched while rendering: run `helm dependency build %s` and commit charts/",
			r.chartFile(), dep.Name, withoutUser(dep.Repository), dep.Version, r.dir)
	}
	dir := path.Join(r.dir, rel)
	if path.IsAbs(rel) || !fs.ValidPath(dir) {
		return "", fmt.Errorf("%s: dependency %q: repository %q is outside the repo: commit the chart to charts/", r.chartFile(), dep.Name, dep.Repository)
	}
	if dir == r.dir {
		return "", fmt.Errorf("%s: dependency %q: repository %q is the chart itself", r.chartFile(), dep.Name, dep.Repository)
	}
	return dir, nil
}

// withoutUser removes a user and password from a URL.
func withoutUser(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.User == nil {
		return raw
	}
	u.User = nil
	return u.String()
}

// warnUnvendored names the dependencies of subcharts that are nowhere to be
// found. Helm checks those of the top chart alone, and `helm dependency build`
// adds no others: such a chart is silently left out.
func (r *renderer) warnUnvendored(c *chart.Chart) {
	for _, child := range c.Dependencies() {
		for _, dep := range child.Metadata.Dependencies {
			if !has(child, dep.Name) {
				r.warn("%s: subchart %q lacks its dependency %q, and Helm leaves it out: run `helm dependency build` for the subchart first", r.chartFile(), child.ChartFullPath(), dep.Name)
			}
		}
		r.warnUnvendored(child)
	}
}
