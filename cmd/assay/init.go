package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/helm"
)

type initOptions struct {
	environment
	engine, load, target, url, prometheus, release, app string

	valueFiles []string
	force      bool
}

func (a *app) initCommand() *cobra.Command {
	var opt initOptions
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a plan and an experiment for an environment",
		Long: `Init writes assay.yaml and the files under experiment/ for an engine that judges
candidates and a load that it needs. They are yours from then on, and render
without further edits.

On a terminal it asks for what flags leave out; elsewhere it takes the defaults.
Existing files are kept: it refuses to write over them, unless --force is given.

With --app it moves an existing Application instead: the options of its source
go to the plan, and the Application is printed with the plugin in their place.
It is proven that both render the same; what Assay cannot honour is refused.

Engines:
  job            a Job that asks the candidate over HTTP (default)
  k6             a k6 Job with thresholds
  argo-rollouts  an AnalysisRun that measures the candidate
  iter8          an Iter8 v2alpha2 Experiment`,
		Example: `  # Ask for what is needed
  assay init shop/prod

  # A k6 test of one workload of several
  assay init shop/prod --engine k6 --target Deployment/storefront

  # A chart, as its Application renders it
  assay init charts/shop --engine argo-rollouts --load fortio --release shop --namespace web

  # Move an Application of this repository to Assay
  assay init --app argocd/shop.yaml > argocd/shop-assay.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(ctx context.Context, args []string) error {
			if opt.app != "" {
				return a.initApp(ctx, opt, args)
			}
			return a.init(ctx, opt, dirArg(args))
		}),
	}
	opt.bind(cmd)
	f := cmd.Flags()
	bindChoice(cmd, &opt.engine, "engine", "", "what judges a candidate (default job)", scaffold.Engines()...)
	bindChoice(cmd, &opt.load, "load", "", "what sends requests (default: fortio for argo-rollouts and iter8, else none)", scaffold.Loads()...)
	f.StringVar(&opt.target, "target", "", "`workload` to test, as KIND/NAME (default: the only one)")
	f.StringVar(&opt.url, "url", "", "`URL` at which the candidate answers (default: through the copy of the workload's Service)")
	f.StringVar(&opt.prometheus, "prometheus", "", "`address` of a Prometheus to measure with, for argo-rollouts")
	f.StringVar(&opt.release, "release", "", "release `name` of a chart: the Application's name (default: the directory's name)")
	f.StringVar(&opt.namespace, "namespace", "", "destination `namespace` of a chart's Application (default: default)")
	f.StringArrayVar(&opt.valueFiles, "values", nil, "value `file` that a chart's Application names, relative to DIR; repeatable")
	f.BoolVar(&opt.force, "force", false, "write over existing files")
	f.StringVar(&opt.app, "app", "", "`file` of an Application, - for stdin: move its options to the plan, and print it with the plugin")
	for _, other := range []string{"engine", "load", "target", "url", "prometheus", "release", "namespace", "values", "force"} {
		cmd.MarkFlagsMutuallyExclusive("app", other)
	}
	return cmd
}

func (a *app) init(ctx context.Context, opt initOptions, dir string) error {
	p, err := opt.open(dir, plugin.Call{})
	if err != nil {
		return err
	}
	defer p.close()
	if done, err := a.resumeInit(ctx, p); done || err != nil {
		return err
	}
	planFile, err := spec.PlanFile(p.Name)
	if err != nil {
		return err
	}
	if err := p.free(opt.force, planFile); err != nil {
		return err
	}
	q := a.questions()
	s, err := p.survey(ctx, planFile, func() (*spec.HelmSource, error) { return q.chart(opt, p.base()) })
	if err != nil {
		return err
	}
	chosen, err := q.choose(opt, s)
	if err != nil {
		return err
	}
	chosen.Plan = planFile
	files, err := scaffold.Files(chosen)
	if err != nil {
		return err
	}
	if err := p.free(opt.force, slices.Sorted(maps.Keys(files))...); err != nil {
		return err
	}
	images := scaffold.Images(s.targetObjects(chosen.Target))
	note := p.rehearse(ctx, files, images)
	if err := a.writeOwn(ctx, p, files); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		_, _ = fmt.Fprintf(&a.out, "wrote %s\n", p.on(path.Join(p.Dir, name)))
	}
	a.nextSteps(p, s.layout, images, note)
	return nil
}

// surveyed is what init learns of an environment before it writes.
type surveyed struct {
	name     string
	layout   spec.Layout
	baseline []*unstructured.Unstructured
	targets  []scaffold.Target
	chart    *spec.HelmSource // nil in other layouts
}

// targetObjects is the workload that init was told to test.
func (s *surveyed) targetObjects(t scaffold.Target) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(s.baseline), func(o *unstructured.Unstructured) bool {
		return o.GetKind() != t.Kind || o.GetName() != t.Name
	})
}

// survey renders the environment as it is today, less a plan that is to be
// written over and less a candidate. A chart is rendered as chart says.
func (p *place) survey(ctx context.Context, planFile string, chart func() (*spec.HelmSource, error)) (*surveyed, error) {
	marker, err := spec.CandidateFile(p.Name)
	if err != nil {
		return nil, err
	}
	req := p.Request
	req.FS = req.FS.With(map[string][]byte{path.Join(p.Dir, planFile): nil, path.Join(p.Dir, marker): nil})
	s := &surveyed{name: p.base()}
	if s.layout, _, err = render.Inspect(req); err != nil {
		return nil, err
	}
	if s.layout == spec.Helm {
		if s.chart, err = chart(); err != nil {
			return nil, err
		}
		req.Helm = s.chart
	}
	res, err := render.Environment(ctx, req)
	if err != nil {
		return nil, err
	}
	s.baseline, s.targets = res.Baseline, scaffold.Survey(res.Baseline)
	if len(s.targets) == 0 {
		return nil, fmt.Errorf("%s renders no workload that a candidate could replace: name another directory", p.arg)
	}
	if s.chart == nil {
		return s, nil
	}
	values, err := helm.Values(ctx, p.FS, p.Dir, *s.chart, helm.Options{Namespace: s.chart.Namespace, Limits: helm.Limits{OutputBytes: p.Limits.OutputBytes}})
	if err != nil {
		return nil, err
	}
	s.chart.ImageValues = scaffold.ImageValues(values, scaffold.Images(s.baseline))
	return s, nil
}

// base is the environment's name for people: its directory's.
func (p *place) base() string {
	if p.Dir == "." {
		return filepath.Base(p.root)
	}
	return path.Base(p.Dir)
}

// free refuses to write over files that exist, unless forced to.
func (p *place) free(force bool, names ...string) error {
	for _, name := range names {
		if _, err := fs.Stat(p.FS, path.Join(p.Dir, name)); err == nil && !force {
			return fmt.Errorf("%s exists: edit it, or give --force to write over it", p.on(path.Join(p.Dir, name)))
		}
	}
	return nil
}

func (a *app) nextSteps(p *place, layout spec.Layout, images []string, note string) {
	if note != "" {
		a.notef("note: %s", note)
	}
	if layout == spec.Helm {
		a.notef("note: helm.releaseName and helm.namespace in the plan must be what the Application renders with")
	}
	a.notef("next: read the files and make the experiment yours, then")
	if len(images) == 1 {
		a.notef("  assay candidate set --tag TAG %s", p.argument())
	} else {
		a.notef("  assay candidate set --image NAME:TAG %s", p.argument())
	}
	a.notef("  assay diff %s", p.argument())
}
