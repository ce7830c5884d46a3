package helm

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart4 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	release4 "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// sdk4 is Helm 4.2, which Argo CD renders with from 3.5 on.
type sdk4 struct{}

func (sdk4) apiVersions() []string { return strings.Fields(apiVersions4) }

// supports leaves out v3, which is experimental in Helm 4 and has types of its own.
func (sdk4) supports(apiVersion string) bool {
	return apiVersion == chart4.APIVersionV1 || apiVersion == chart4.APIVersionV2
}

// documents are all that the text holds, the later laid over the earlier.
func (sdk4) documents(text []byte) ([][]byte, error) {
	var out [][]byte
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, doc)
	}
}

func (sdk4) load(files []file) (chart, error) {
	buffered := make([]*archive.BufferedFile, len(files))
	for i, f := range files {
		buffered[i] = &archive.BufferedFile{Name: f.name, Data: f.data}
	}
	c, err := loader.LoadFiles(buffered)
	return of4{c}, err
}

func (sdk4) split(text string) map[string]string { return releaseutil.SplitManifests(text) }

func (sdk4) sort(texts map[string]string) (objects, hooks []rendered, err error) {
	found, sorted, err := releaseutil.SortManifests(texts, nil, releaseutil.InstallOrder)
	for _, m := range sorted {
		objects = append(objects, rendered{template: m.Name, text: m.Content})
	}
	if last := len(objects) - 1; last >= 0 { // helm template trims what it prints of them as a whole
		objects[last].text = strings.TrimSpace(objects[last].text)
	}
	for _, h := range found {
		hooks = append(hooks, rendered{h.Path, h.Manifest, slices.Contains(h.Events, release4.HookTest)})
	}
	return objects, hooks, err
}

// anything is true of URNs, which Helm 4 does not resolve.
func (sdk4) anything(url string) bool { return strings.HasPrefix(url, "urn:") }

// of4 is a chart of Helm 4.
type of4 struct{ *chart4.Chart }

func (c of4) about() about {
	m := c.Metadata
	a := about{m.APIVersion, m.Name, m.Version, m.Type, m.KubeVersion, m.Deprecated, nil}
	for _, d := range m.Dependencies {
		a.dependencies = append(a.dependencies, dependency{d.Name, d.Version, d.Repository})
	}
	return a
}

func (c of4) add(sub chart) {
	if sub, ok := sub.(of4); ok {
		c.AddDependency(sub.Chart)
	}
}

func (c of4) subcharts() []chart {
	var out []chart
	for _, sub := range c.Dependencies() {
		out = append(out, of4{sub})
	}
	return out
}

func (c of4) fullPath() string { return c.ChartFullPath() }

func (c of4) schema() []byte { return c.Schema }

func (c of4) files() []content {
	return slices.Concat(contents4(c.Raw), contents4(c.Templates), contents4(c.Files))
}

func (c of4) templates() []content { return contents4(c.Templates) }

func (c of4) crds() []content {
	var out []content
	for _, crd := range c.CRDObjects() {
		out = append(out, content{crd.File, crd.Name, crd.File.Data})
	}
	return out
}

func contents4(files []*common.File) []content {
	out := make([]content, len(files))
	for i, f := range files {
		out[i] = content{f, f.Name, f.Data}
	}
	return out
}

func (c of4) enable(values map[string]any) error {
	return chartutil.ProcessDependencies(c.Chart, values)
}

// top skips the SDK's own validation, which fetches $refs.
func (c of4) top(values map[string]any, rel release) (top, merged map[string]any, err error) {
	caps := common.DefaultCapabilities.Copy()
	kube, err := common.ParseKubeVersion(rel.kube)
	if err != nil {
		return nil, nil, err
	}
	caps.KubeVersion, caps.APIVersions = *kube, rel.apiVersions
	options := common.ReleaseOptions{Name: rel.name, Namespace: rel.namespace, Revision: 1, IsInstall: true}
	all, err := util.ToRenderValuesWithSchemaValidation(c.Chart, values, options, caps, true)
	if err != nil {
		return nil, nil, err
	}
	merged, err = all.Table("Values")
	return all, merged, err
}

func (c of4) execute(top map[string]any) (map[string]string, error) {
	texts, err := engine.Engine{EnableDNS: false, CustomTemplateFuncs: functions4()}.Render(c.Chart, top)
	if err != nil {
		return nil, errors.New(oneLine(err.Error()))
	}
	return texts, nil
}

var step = regexp.MustCompile(`(?m)^(\S+:\d+:\d+)\n  executing "([^"\n]*)" at <(.*)>:\n    `)

// oneLine turns the engine's trace, three lines a step, into the chain that
// text/template writes, which Helm 3 keeps.
func oneLine(trace string) string {
	chain := step.ReplaceAllString(trace, `template: $1: executing "$2" at <$3>: `)
	return strings.ReplaceAll(chain, ":\ntemplate: ", ": template: ")
}
