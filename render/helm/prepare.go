package helm

import (
	"context"
	"fmt"

	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

// prepare makes what templates see: it enables and renames subcharts, merges
// the values with the charts' defaults, and checks both against schemas and the
// Kubernetes version.
func (r *renderer) prepare(ctx context.Context, c chart, values map[string]any, rel release) (top, merged map[string]any, err error) {
	if err := c.enable(values); err != nil {
		return nil, nil, fmt.Errorf("%s: process the dependencies: %s", r.chartFile(), mergeReason(err))
	}
	if err := stopped(ctx, r.dir); err != nil {
		return nil, nil, err
	}
	if top, merged, err = c.top(values, rel); err != nil {
		return nil, nil, fmt.Errorf("%s: merge the values with the chart's: %s", r.dir, mergeReason(err))
	}
	if !r.src.SkipSchemaValidation {
		if err := r.validate(ctx, c, merged); err != nil {
			return nil, nil, err
		}
	}
	if want := c.about().kubeVersion; want != "" && !chartutil.IsCompatibleRange(want, rel.kube) {
		return nil, nil, fmt.Errorf("%s: the chart wants Kubernetes %q, and this is v%s: set helm.kubeVersion in the plan, or upgrade the cluster", r.chartFile(), want, rel.kube)
	}
	return top, merged, nil
}
