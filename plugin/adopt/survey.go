package adopt

import (
	"context"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/helm"
)

// surveyed is what Init learns of an environment.
type surveyed struct {
	layout   spec.Layout
	baseline []*unstructured.Unstructured
	targets  []scaffold.Target
	chart    *spec.HelmSource // nil in other layouts
	kept     *kept
}

// objects is the workload that is to be tested.
func (s *surveyed) objects(t scaffold.Target) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(s.baseline), func(o *unstructured.Unstructured) bool {
		return o.GetKind() != t.Kind || o.GetName() != t.Name
	})
}

// survey renders the environment as it is today, less a candidate. A chart is rendered
// as chart says.
func (e Environment) survey(ctx context.Context, kept *kept, chart func() (*spec.HelmSource, error)) (*surveyed, error) {
	marker, err := spec.CandidateFile(e.Name)
	if err != nil {
		return nil, err
	}
	e = e.with(map[string][]byte{e.at(marker): nil})
	s := &surveyed{kept: kept}
	if s.layout, _, err = render.Inspect(e.Request); err != nil {
		return nil, err
	}
	if s.layout == spec.Helm {
		if s.chart, err = chart(); err != nil {
			return nil, err
		}
		e.Helm = s.chart
	}
	res, err := render.Environment(ctx, e.Request)
	if err != nil {
		return nil, err
	}
	s.baseline, s.targets = res.Baseline, scaffold.Survey(res.Baseline, s.namespace(e))
	if len(s.targets) == 0 {
		return nil, ErrNoWorkload
	}
	if s.chart == nil {
		return s, nil
	}
	values, err := helm.Values(ctx, e.FS, e.Dir, *s.chart, helm.Options{Namespace: s.chart.Namespace, Limits: helm.Limits{OutputBytes: e.Limits.OutputBytes}})
	if err != nil {
		return nil, err
	}
	found := scaffold.ImageValues(values, scaffold.Images(s.baseline))
	maps.Copy(found, s.chart.ImageValues)
	s.chart.ImageValues = found
	return s, nil
}

// namespace is the one that objects without another are in, where it is known: a chart's
// may be the default answer, which is a guess.
func (s *surveyed) namespace(e Environment) string {
	if s.chart != nil && s.chart.Namespace != defaultNamespace {
		return s.chart.Namespace
	}
	return e.Namespace
}
