package helm

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
)

// load reads the chart in the environment's directory and checks that it can
// be installed.
func (r *renderer) load(ctx context.Context) (chart, error) {
	c, err := r.loadDir(ctx, r.dir)
	if err != nil {
		return nil, err
	}
	about := c.about()
	if !r.sdk.supports(about.apiVersion) {
		return nil, fmt.Errorf("%s: apiVersion %q is not one that Helm renders: set it to v2", r.chartFile(), excerpt.Cut(about.apiVersion, 40))
	}
	if about.kind == "library" {
		return nil, fmt.Errorf("%s: is a library chart, which renders nothing: point to the chart that uses it", path.Join(r.dir, "Chart.yaml"))
	}
	if about.deprecated {
		r.warn("%s: the chart is deprecated", path.Join(r.dir, "Chart.yaml"))
	}
	if err := r.addMissing(ctx, c); err != nil {
		return nil, err
	}
	r.warnUnvendored(c)
	return c, nil
}

func (r *renderer) warn(format string, args ...any) {
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

func (r *renderer) loadDir(ctx context.Context, dir string) (chart, error) {
	files, err := r.readChart(ctx, dir)
	if err != nil {
		return nil, err
	}
	return r.build(ctx, dir, files)
}

// build makes a chart of its files, with the subcharts under charts/. where is
// the chart's place in the repo. The SDK would add the subcharts in random
// order and unpack archives without a common bound, so it is given one chart at
// a time, without its subcharts.
func (r *renderer) build(ctx context.Context, where string, files []file) (chart, error) {
	if err := stopped(ctx, r.dir); err != nil {
		return nil, err
	}
	if strings.Count(where, "/charts/") > maxDepth {
		return nil, fmt.Errorf("%s: charts are nested deeper than %d: does an archive hold itself?", r.dir, maxDepth)
	}
	own, subcharts := split(files)
	c, err := r.buildOne(where, own)
	if err != nil {
		return nil, err
	}
	for _, sub := range subcharts {
		child, err := r.buildSub(ctx, where, sub)
		if err != nil {
			return nil, err
		}
		c.add(child)
	}
	return c, nil
}

// subchart is one entry of a charts/ directory.
type subchart struct {
	name  string // of the directory or the archive
	files []file // named relative to charts/
}

// split parts a chart's own files from those under charts/, as Helm does:
// provenance files are the chart's own, and entries that start with _ or . are
// no subcharts. Subcharts come in the order of their names.
func split(files []file) (own []file, subs []subchart) {
	at := map[string]int{}
	for _, f := range files {
		rest, below := strings.CutPrefix(f.name, "charts/")
		if !below || path.Ext(f.name) == ".prov" {
			own = append(own, f)
			continue
		}
		name, _, _ := strings.Cut(rest, "/")
		if strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") {
			continue
		}
		i, seen := at[name]
		if !seen {
			i, at[name] = len(subs), len(subs)
			subs = append(subs, subchart{name: name})
		}
		f.name = rest
		subs[i].files = append(subs[i].files, f)
	}
	slices.SortFunc(subs, func(a, b subchart) int { return strings.Compare(a.name, b.name) })
	return own, subs
}

func (r *renderer) buildOne(where string, files []file) (chart, error) {
	paths := make(map[string]string, len(files))
	for _, f := range files {
		paths[f.name] = f.path
		if slices.Contains([]string{"Chart.yaml", "requirements.yaml", "Chart.lock", "requirements.lock"}, f.name) {
			if err := r.checkAliases(f.data); err != nil {
				return nil, fmt.Errorf("%s: %w", f.path, err)
			}
		}
		if f.name == "values.yaml" {
			if _, err := r.documents(f.path, f.data); err != nil {
				return nil, err
			}
		}
	}
	c, err := r.sdk.load(files)
	if err != nil {
		return nil, loadError(where, files, err)
	}
	for _, f := range c.files() {
		r.origin[f.id] = paths[f.name]
	}
	return c, nil
}

func (r *renderer) buildSub(ctx context.Context, parent string, sub subchart) (chart, error) {
	where := path.Join(parent, "charts", sub.name)
	if path.Ext(sub.name) == ".tgz" {
		archive := sub.files[0]
		if archive.name != sub.name {
			return nil, fmt.Errorf("%s: is a directory, and Helm takes it for a packed chart: rename it", where)
		}
		files, err := r.unpack(where, archive.data)
		if err != nil {
			return nil, err
		}
		return r.build(ctx, where, files)
	}
	var files []file
	for _, f := range sub.files {
		if _, rest, ok := strings.Cut(f.name, "/"); ok {
			f.name = rest
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: is not a chart, and Helm loads everything in charts/ as one: move it away, or list it in .helmignore", where)
	}
	return r.build(ctx, where, files)
}
