package helm

import "fmt"

// The versions of Helm that a source may name.
const (
	Version3 = "v3"
	Version4 = "v4"
)

// sdk is one major version of Helm: what the versions do differently, or have
// types of their own for. All else in this package is the same for both.
type sdk interface {
	// apiVersions are the API versions that helm template starts from: those of
	// the Kubernetes client that the helm command is built with.
	apiVersions() []string

	// supports reports whether charts of this apiVersion are rendered.
	supports(apiVersion string) bool

	// documents parts a text of values into the documents that make it up.
	documents(text []byte) ([][]byte, error)

	// load makes a chart of its own files. Its subcharts are added to it.
	load(files []file) (chart, error)

	// split parts a rendered text into its documents, by manifest-0 and so on.
	split(text string) map[string]string

	// sort splits the rendered texts by template, and puts objects and hooks in
	// the order in which they are installed.
	sort(texts map[string]string) (objects, hooks []rendered, err error)

	// anything reports whether a schema that is not at hand allows everything.
	anything(url string) bool
}

// chart is a chart in the types of one SDK.
type chart interface {
	about() about
	add(sub chart)
	subcharts() []chart
	fullPath() string // in the names of templates
	schema() []byte   // nil for none

	// files may name a file more than once. CRDs are of the subcharts, too.
	files() []content
	templates() []content
	crds() []content

	// enable processes the dependencies: conditions, tags, aliases, imports.
	enable(values map[string]any) error

	// top is what templates see, and the values in it.
	top(values map[string]any, rel release) (top, merged map[string]any, err error)

	// execute renders the templates by name, without a client and DNS.
	execute(top map[string]any) (map[string]string, error)
}

// about is what Chart.yaml says, as far as rendering asks for it.
type about struct {
	apiVersion, name, version, kind, kubeVersion string
	deprecated                                   bool
	dependencies                                 []dependency
}

type dependency struct{ name, version, repository string }

// content is a file of a chart. Its id stays when a chart is renamed or copied.
type content struct {
	id   any
	name string
	data []byte
}

// rendered is one document of a template.
type rendered struct {
	template, text string
	test           bool // a test hook
}

func sdkOf(version string) (sdk, error) {
	switch version {
	case "", Version3:
		return sdk3{}, nil
	case Version4:
		return sdk4{}, nil
	}
	return nil, fmt.Errorf("helm version %q is not known: set helm.version to %s or %s", version, Version3, Version4)
}
