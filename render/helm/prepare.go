package helm

import (
	"context"
	"fmt"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

// prepare makes what templates see: it enables and renames subcharts, merges
// the values with the charts' defaults, and checks both against schemas and the
// Kubernetes version.
func (r *renderer) prepare(ctx context.Context, c *chart.Chart, values map[string]any, rel release) (chartutil.Values, error) {
	if err := chartutil.ProcessDependenciesWithMerge(c, values); err != nil {
		return nil, fmt.Errorf("%s: process the dependencies: %s", r.chartFile(), mergeReason(err))
	}
	if err := stopped(ctx, r.dir); err != nil {
		return nil, err
	}
	// The SDK's own validation fetches $refs, so it is skipped here.
	top, err := chartutil.ToRenderValuesWithSchemaValidation(c, values, rel.options, rel.capabilities, true)
	if err != nil {
		return nil, fmt.Errorf("%s: merge the values with the chart's: %s", r.dir, mergeReason(err))
	}
	if !r.src.SkipSchemaValidation {
		merged, err := top.Table("Values")
		if err != nil {
			return nil, fmt.Errorf("%s: merge the values with the chart's: %w", r.dir, err)
		}
		if err := r.validate(ctx, c, merged); err != nil {
			return nil, err
		}
	}
	kube := rel.capabilities.KubeVersion.String()
	if want := c.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, kube) {
		return nil, fmt.Errorf("%s: the chart wants Kubernetes %q, and this is %s: set helm.kubeVersion in the plan, or upgrade the cluster", r.chartFile(), want, kube)
	}
	return top, nil
}
