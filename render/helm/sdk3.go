package helm

import (
	"slices"
	"strings"

	chart3 "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	release3 "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
)

// sdk3 is Helm 3.18, which Argo CD renders with up to 3.4.
type sdk3 struct{}

func (sdk3) apiVersions() []string { return strings.Fields(apiVersions3) }

func (sdk3) supports(string) bool { return true }

// documents are the first alone: YAML is read as one document.
func (sdk3) documents(text []byte) ([][]byte, error) { return [][]byte{text}, nil }

func (sdk3) load(files []file) (chart, error) {
	buffered := make([]*loader.BufferedFile, len(files))
	for i, f := range files {
		buffered[i] = &loader.BufferedFile{Name: f.name, Data: f.data}
	}
	c, err := loader.LoadFiles(buffered)
	return of3{c}, err
}

func (sdk3) split(text string) map[string]string { return releaseutil.SplitManifests(text) }

func (sdk3) sort(texts map[string]string) (objects, hooks []rendered, err error) {
	found, sorted, err := releaseutil.SortManifests(texts, nil, releaseutil.InstallOrder)
	for _, m := range sorted {
		objects = append(objects, rendered{template: m.Name, text: m.Content})
	}
	for _, h := range found {
		hooks = append(hooks, rendered{h.Path, h.Manifest, slices.Contains(h.Events, release3.HookTest)})
	}
	return objects, hooks, err
}

func (sdk3) anything(string) bool { return false }

// of3 is a chart of Helm 3.
type of3 struct{ *chart3.Chart }

func (c of3) about() about {
	m := c.Metadata
	a := about{m.APIVersion, m.Name, m.Version, m.Type, m.KubeVersion, m.Deprecated, nil}
	for _, d := range m.Dependencies {
		a.dependencies = append(a.dependencies, dependency{d.Name, d.Version, d.Repository})
	}
	return a
}

func (c of3) add(sub chart) {
	if sub, ok := sub.(of3); ok {
		c.AddDependency(sub.Chart)
	}
}

func (c of3) subcharts() []chart {
	var out []chart
	for _, sub := range c.Dependencies() {
		out = append(out, of3{sub})
	}
	return out
}

func (c of3) fullPath() string { return c.ChartFullPath() }

func (c of3) schema() []byte { return c.Schema }

func (c of3) files() []content {
	return slices.Concat(contents3(c.Raw), contents3(c.Templates), contents3(c.Files))
}

func (c of3) templates() []content { return contents3(c.Templates) }

func (c of3) crds() []content {
	var out []content
	for _, crd := range c.CRDObjects() {
		out = append(out, content{crd.File, crd.Name, crd.File.Data})
	}
	return out
}

func contents3(files []*chart3.File) []content {
	out := make([]content, len(files))
	for i, f := range files {
		out[i] = content{f, f.Name, f.Data}
	}
	return out
}

func (c of3) enable(values map[string]any) error {
	return chartutil.ProcessDependenciesWithMerge(c.Chart, values)
}

// top skips the SDK's own validation, which fetches $refs.
func (c of3) top(values map[string]any, rel release) (top, merged map[string]any, err error) {
	caps := chartutil.DefaultCapabilities.Copy()
	kube, err := chartutil.ParseKubeVersion(rel.kube)
	if err != nil {
		return nil, nil, err
	}
	caps.KubeVersion, caps.APIVersions = *kube, rel.apiVersions
	options := chartutil.ReleaseOptions{Name: rel.name, Namespace: rel.namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValuesWithSchemaValidation(c.Chart, values, options, caps, true)
	if err != nil {
		return nil, nil, err
	}
	merged, err = all.Table("Values")
	return all, merged, err
}

func (c of3) execute(top map[string]any) (map[string]string, error) {
	return engine.Engine{EnableDNS: false}.Render(c.Chart, top)
}
