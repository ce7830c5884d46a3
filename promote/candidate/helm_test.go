package candidate

import (
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v4/pkg/chart/common"
	util4 "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart4 "helm.sh/helm/v4/pkg/chart/v2"
	loader4 "helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil4 "helm.sh/helm/v4/pkg/chart/v2/util"
	engine4 "helm.sh/helm/v4/pkg/engine"

	"github.com/assaydev/assay/render/helm"
)

// sdk is one version of Helm as its own command uses it, to compare with.
type sdk struct {
	coalesce func(files map[string]string, values map[string]any) (map[string]any, error)
	render   func(files map[string]string, values map[string]any) (map[string]string, error)
}

var sdks = map[string]sdk{
	helm.Version3: {
		coalesce: func(files map[string]string, values map[string]any) (map[string]any, error) {
			c, err := load3(files)
			if err != nil {
				return nil, err
			}
			return chartutil.CoalesceValues(c, values)
		},
		render: func(files map[string]string, values map[string]any) (map[string]string, error) {
			c, err := load3(files)
			if err != nil {
				return nil, err
			}
			if err := chartutil.ProcessDependenciesWithMerge(c, values); err != nil {
				return nil, err
			}
			top, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "env", Namespace: "env"}, nil)
			if err != nil {
				return nil, err
			}
			return engine.Engine{}.Render(c, top)
		},
	},
	helm.Version4: {
		coalesce: func(files map[string]string, values map[string]any) (map[string]any, error) {
			c, err := load4(files)
			if err != nil {
				return nil, err
			}
			return util4.CoalesceValues(c, values)
		},
		render: func(files map[string]string, values map[string]any) (map[string]string, error) {
			c, err := load4(files)
			if err != nil {
				return nil, err
			}
			if err := chartutil4.ProcessDependencies(c, values); err != nil {
				return nil, err
			}
			top, err := util4.ToRenderValues(c, values, common.ReleaseOptions{Name: "env", Namespace: "env"}, nil)
			if err != nil {
				return nil, err
			}
			return engine4.Engine{}.Render(c, top)
		},
	},
}

func load3(files map[string]string) (*chart.Chart, error) {
	var buffered []*loader.BufferedFile
	for name, text := range files {
		buffered = append(buffered, &loader.BufferedFile{Name: name, Data: []byte(text)})
	}
	return loader.LoadFiles(buffered)
}

func load4(files map[string]string) (*chart4.Chart, error) {
	var buffered []*archive.BufferedFile
	for name, text := range files {
		buffered = append(buffered, &archive.BufferedFile{Name: name, Data: []byte(text)})
	}
	return loader4.LoadFiles(buffered)
}
