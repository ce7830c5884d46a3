package helm

import (
	"context"
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// notes is what every chart's NOTES.txt ends with: rendered, and left out.
const notes = "NOTES.txt"

// execute renders every template and returns the texts by template name, less
// the notes. The engine has no client and no DNS: lookups answer empty.
func (r *renderer) execute(ctx context.Context, c *chart.Chart, top chartutil.Values) (map[string]string, error) {
	if err := stopped(ctx, r.dir); err != nil {
		return nil, err
	}
	texts, err := engine.Engine{EnableDNS: false}.Render(c, top)
	if err != nil {
		return nil, templateError(r.dir, r.templates(c), err)
	}
	var size int64
	for name, text := range texts {
		if size += int64(len(text)); size > r.opt.Limits.OutputBytes {
			return nil, fmt.Errorf("%s: the templates render more than %d bytes: make the chart render less, or raise the limit", r.dir, r.opt.Limits.OutputBytes)
		}
		if strings.HasSuffix(name, notes) {
			delete(texts, name)
		}
	}
	return texts, nil
}

// templates maps the engine's name of each template, such as
// podinfo/templates/service.yaml, to its place in the repo.
func (r *renderer) templates(c *chart.Chart) map[string]string {
	places := map[string]string{}
	var add func(c *chart.Chart)
	add = func(c *chart.Chart) {
		for _, t := range c.Templates {
			places[path.Join(c.ChartFullPath(), t.Name)] = r.origin[t]
		}
		for _, child := range c.Dependencies() {
			add(child)
		}
	}
	add(c)
	return places
}
