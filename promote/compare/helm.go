package compare

import (
	"cmp"
	"context"
	"slices"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/diff"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Chart is what two versions of Helm make of one chart.
type Chart struct {
	spec.Environment
	Equal   bool             `json:"equal"`
	Changes []Change         `json:"changes"`
	Failed  map[string]error `json:"-"` // by version
}

// Helm compares the baselines of the charts at and below the directory of a request, as
// two versions of Helm render them; where the request names an environment, those of the
// name alone. That a chart does not render is part of the answer.
func Helm(ctx context.Context, req render.Request, versions [2]string, out *object.Printer) ([]Chart, error) {
	charts, err := render.FindCharts(req.FS, req.Dir)
	if err != nil {
		return nil, err
	}
	if req.Name != "" {
		charts = slices.DeleteFunc(charts, func(env spec.Environment) bool { return env.Name != req.Name })
	}
	all := make([]Chart, 0, len(charts))
	for _, env := range charts {
		req.Environment = env
		c, err := chart(ctx, req, versions, out)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func chart(ctx context.Context, req render.Request, versions [2]string, out *object.Printer) (Chart, error) {
	c := Chart{Environment: req.Environment, Changes: []Change{}, Failed: map[string]error{}}
	found, err := render.CompareHelm(ctx, req, versions)
	if ctx.Err() != nil {
		return c, err
	}
	for i, version := range versions {
		if failed := cmp.Or(err, found.Errors[i]); failed != nil {
			c.Failed[version] = failed
		}
	}
	for _, d := range found.Differences {
		text, err := diff.Between(versions[0], versions[1], d, out.Limit())
		item, err := changeOf(d, text, err, out)
		if err != nil {
			return c, err
		}
		c.Changes = append(c.Changes, item)
	}
	c.Equal = len(c.Changes) == 0 && len(c.Failed) == 0
	return c, nil
}
