package helm

import (
	"context"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// Source is a file that a chart is loaded from.
type Source struct {
	Path string // the real one
	Part bool   // of what Helm renders; other files change an object only if a template reads them
}

// Sources lists the files of the chart in dir, those of the charts beside it that
// it depends on, and the files that values come from. With the error for value files
// that cannot be found come the files of the charts.
func Sources(ctx context.Context, fsys *envfs.FS, dir string, src spec.HelmSource, opt Options) ([]Source, error) {
	r, err := newRenderer(fsys, dir, src, opt)
	if err != nil {
		return nil, err
	}
	values, missing := ValueFiles(fsys, dir, src, opt)
	parts := map[string]bool{}
	add := func(name string, part bool) {
		if at, err := fsys.Locate(name); err == nil {
			parts[at] = parts[at] || part
		}
	}
	for _, name := range values {
		add(name, true)
	}
	for i, p := range src.FileParameters {
		if name, err := r.locate(option("fileParameters", i), p.Path); err == nil {
			add(name, false)
		}
	}
	for _, root := range append([]string{dir}, r.beside()...) {
		files, err := r.readChart(ctx, root)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			add(f.path, isPart(f.name))
		}
	}
	out := make([]Source, 0, len(parts))
	for name, part := range parts {
		out = append(out, Source{name, part})
	}
	slices.SortFunc(out, func(a, b Source) int { return strings.Compare(a.Path, b.Path) })
	return out, missing
}

// Templates lists the templates of the chart in dir, and of the charts in it.
func Templates(ctx context.Context, fsys *envfs.FS, dir string, src spec.HelmSource, opt Options) ([]string, error) {
	r := &renderer{fsys: fsys, dir: dir, src: src, opt: opt}
	files, err := r.readChart(ctx, dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range files {
		if isPart(f.name) && strings.Contains("/"+f.name, "/templates/") && envfs.Within(f.path, dir) {
			out = append(out, f.path)
		}
	}
	return out, nil
}

// isPart reports whether Helm renders from the file of a chart whatever its
// templates say. Provenance files, and what lies in charts/ under a name that begins
// with _ or a dot, it passes over (split).
func isPart(name string) bool {
	switch name {
	case "Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock", "values.yaml":
		return true
	}
	first, rest, _ := strings.Cut(name, "/")
	switch first {
	case "templates", "crds":
		return rest != ""
	case "charts":
		if strings.HasPrefix(rest, "_") || strings.HasPrefix(rest, ".") || path.Ext(name) == ".prov" {
			return false
		}
		_, rest, below := strings.Cut(rest, "/")
		return !below || isPart(rest)
	}
	return false
}

// beside are the directories of the charts in the repo that the chart names as
// dependencies.
func (r *renderer) beside() []string {
	data, err := r.fsys.ReadFile(path.Join(r.dir, "Chart.yaml"))
	if err != nil {
		return nil
	}
	var chart struct {
		Dependencies []struct {
			Repository string `json:"repository"`
		} `json:"dependencies"`
	}
	if yaml.Unmarshal(data, &chart) != nil {
		return nil
	}
	var out []string
	for _, dep := range chart.Dependencies {
		rel, local := strings.CutPrefix(dep.Repository, "file://")
		if !local || path.IsAbs(rel) {
			continue
		}
		if dir := path.Join(r.dir, rel); dir != r.dir && !strings.HasPrefix(dir, "../") {
			if info, err := r.fsys.Stat(dir); err == nil && info.IsDir() {
				out = append(out, dir)
			}
		}
	}
	return out
}
