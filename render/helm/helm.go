// Package helm renders a chart in process to the objects that Argo CD gets
// from `helm template` for the same source. It reads through envfs alone: no
// network, no child process, nothing written.
//
//  1. load reads the chart's files, less what .helmignore and Options.Hide
//     leave out, and builds the chart with its subcharts: directories, bounded
//     archives, and file:// dependencies inside the repo.
//  2. mergeValues lays value files, values and parameters over each other in
//     Argo CD's order.
//  3. prepare processes dependencies (conditions, tags, aliases, imports) and
//     validates the values against the charts' schemas, with local $refs only.
//  4. The SDK's engine executes the templates. Lookups and DNS answer empty.
//  5. The output is split and sorted as Helm does it, with CRDs first and hooks
//     last, and decoded as Argo CD does it.
//
// There are two versions of Helm, and one of everything else: what they do
// differently is behind sdk and chart (sdk.go), which sdk3.go and sdk4.go hold in
// the SDKs' own types. Reading, unpacking, confinement, limits, parameters, schemas
// and decoding know of no version. What both SDKs do alike is taken from the newer.
//
// Only the SDK's light packages are linked: pkg/action alone would double the
// time that a process takes to start.
//
// What is read, unpacked and printed is bounded. What a template computes is
// not: Go can neither stop a template nor survive one that recurses through tpl
// until the stack is full, and sprig will repeat a text until memory is. Give
// the process a memory limit and let it be restarted.
//
// The SDK writes some warnings to the standard logger, and a few of them hold
// values: a command should discard that logger's output.
package helm

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// Options are what the source itself does not say.
type Options struct {
	AppName     string   // the release name, unless the source has one
	Namespace   string   // the release's namespace, unless the source has one
	KubeVersion string   // what charts see, unless the source says; must be set by one of them
	APIVersions []string // the cluster's, beside those that Helm knows

	// Env adds to what $NAME means in parameters and file names. Argo CD's
	// ARGOCD_APP_NAME and ARGOCD_APP_NAMESPACE are known; any other name is empty.
	Env map[string]string

	// Over are values laid over all others, as Helm's --set does. It is not changed.
	Over map[string]any

	// Hide reports whether the chart must not see a file, by its path relative
	// to the repo. It must be safe for concurrent use.
	Hide func(path string) bool

	// Draws is set to whether the templates may render otherwise the next time, once
	// they have rendered; it may be nil.
	Draws *bool

	Limits Limits
}

// Limits bound one render. A zero field means its default.
type Limits struct {
	Documents   int   // rendered objects, default 50,000
	Depth       int   // nesting of one object, default 100
	OutputBytes int64 // text that the templates render, default 128 MiB
	ChartBytes  int64 // content of all packed subcharts, default 128 MiB
}

func (l Limits) withDefaults() Limits {
	if l.Documents == 0 {
		l.Documents = 50_000
	}
	if l.Depth == 0 {
		l.Depth = 100
	}
	if l.OutputBytes == 0 {
		l.OutputBytes = 128 << 20
	}
	if l.ChartBytes == 0 {
		l.ChartBytes = 128 << 20
	}
	return l
}

// Render returns the objects of the chart in dir, in the order in which
// `helm template` prints them, with warnings for people.
//
// ctx ends it between two steps. Go cannot stop a template: the caller has to abandon it.
func Render(ctx context.Context, fsys *envfs.FS, dir string, src spec.HelmSource, opt Options) (objs []*unstructured.Unstructured, warnings []string, err error) {
	defer recovered(dir, &err)
	r, err := newRenderer(fsys, dir, src, opt)
	if err != nil {
		return nil, nil, err
	}
	return r.render(ctx)
}

func newRenderer(fsys *envfs.FS, dir string, src spec.HelmSource, opt Options) (*renderer, error) {
	sdk, err := sdkOf(src.Version)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	opt.Limits = opt.Limits.withDefaults()
	return &renderer{sdk: sdk, fsys: fsys, dir: dir, src: src, opt: opt, origin: map[any]string{}}, nil
}

// renderer is the state of one render.
type renderer struct {
	sdk      sdk
	fsys     *envfs.FS
	dir      string
	src      spec.HelmSource
	opt      Options
	unpacked int64          // bytes unpacked from archives so far
	origin   map[any]string // where each file of the chart is in the repo, by content.id
	warnings []string
}

func (r *renderer) render(ctx context.Context) ([]*unstructured.Unstructured, []string, error) {
	c, top, merged, err := r.values(ctx)
	if err != nil {
		return nil, nil, err
	}
	if r.opt.Draws != nil {
		*r.opt.Draws = draws(c, merged)
	}
	texts, err := r.execute(ctx, c, top)
	if err != nil {
		return nil, nil, err
	}
	objs, err := r.objects(ctx, c, texts)
	if err != nil {
		return nil, nil, err
	}
	return objs, r.warnings, nil
}

// values are the chart, what its templates see, and the values in that.
func (r *renderer) values(ctx context.Context) (c chart, top, merged map[string]any, err error) {
	rel, err := r.release()
	if err != nil {
		return nil, nil, nil, err
	}
	if c, err = r.load(ctx); err != nil {
		return nil, nil, nil, err
	}
	values, err := r.mergeValues(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	top, merged, err = r.prepare(ctx, c, values, rel)
	return c, top, merged, err
}
