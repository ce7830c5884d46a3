package helm

import (
	"context"
	"fmt"
	"path"
	"strings"
)

// notes is what every chart's NOTES.txt ends with: rendered, and left out.
const notes = "NOTES.txt"

// execute renders every template and returns the texts by template name, less
// the notes. The engine has no client and no DNS: lookups answer empty.
func (r *renderer) execute(ctx context.Context, c chart, top map[string]any) (map[string]string, error) {
	if err := stopped(ctx, r.dir); err != nil {
		return nil, err
	}
	texts, err := c.execute(top)
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
func (r *renderer) templates(c chart) map[string]string {
	places := map[string]string{}
	var add func(c chart)
	add = func(c chart) {
		for _, t := range c.templates() {
			places[path.Join(c.fullPath(), t.name)] = r.origin[t.id]
		}
		for _, child := range c.subcharts() {
			add(child)
		}
	}
	add(c)
	return places
}
