package helm

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"

	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

// addMissing adds the dependencies that charts/ lacks and that are elsewhere in
// the repo, as `helm dependency build` would pack them. Any other is an error,
// as under helm template, even where a condition turns it off.
func (r *renderer) addMissing(ctx context.Context, c chart) error {
	var missing []dependency
	for _, dep := range c.about().dependencies {
		if !has(c, dep.name) {
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
			return fmt.Errorf("load dependency %q of %s: %w", dep.name, r.chartFile(), err)
		}
		name, version := child.about().name, child.about().version
		if name != dep.name {
			return fmt.Errorf("%s: dependency %q: the chart at %s is named %q: make the names equal", r.chartFile(), dep.name, dir, name)
		}
		if !chartutil.IsCompatibleRange(dep.version, version) {
			return fmt.Errorf("%s: dependency %q: wants version %q, and the chart at %s has %q: change one of them", r.chartFile(), dep.name, dep.version, dir, version)
		}
		c.add(child)
	}
	return nil
}

func has(c chart, name string) bool {
	for _, child := range c.subcharts() {
		if child.about().name == name {
			return true
		}
	}
	return false
}

func (r *renderer) chartFile() string { return path.Join(r.dir, "Chart.yaml") }

// localChart returns the directory that a file:// dependency names.
func (r *renderer) localChart(dep dependency) (string, error) {
	rel, local := strings.CutPrefix(dep.repository, "file://")
	if !local {
		return "", fmt.Errorf("%s: dependency %q (repository %q, version %q) is not in charts/, and nothing is fetched while rendering: run `helm dependency build %s` and commit charts/",
			r.chartFile(), dep.name, withoutUser(dep.repository), dep.version, r.dir)
	}
	dir := path.Join(r.dir, rel)
	if path.IsAbs(rel) || !fs.ValidPath(dir) {
		return "", fmt.Errorf("%s: dependency %q: repository %q is outside the repo: commit the chart to charts/", r.chartFile(), dep.name, dep.repository)
	}
	if dir == r.dir {
		return "", fmt.Errorf("%s: dependency %q: repository %q is the chart itself", r.chartFile(), dep.name, dep.repository)
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
func (r *renderer) warnUnvendored(c chart) {
	for _, child := range c.subcharts() {
		for _, dep := range child.about().dependencies {
			if !has(child, dep.name) {
				r.warn("%s: subchart %q lacks its dependency %q, and Helm leaves it out: run `helm dependency build` for the subchart first", r.chartFile(), child.fullPath(), dep.name)
			}
		}
		r.warnUnvendored(child)
	}
}
