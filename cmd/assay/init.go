package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/plugin/adopt"
	"github.com/assaydev/assay/render/helm"
)

type initOptions struct {
	environmentFlags
	adopt.Options
	app string
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

A plan that is there keeps what it says: init adds what is missing, and flags
change what they name. Without --force it refuses a plan that has an experiment
already, and resources that exist. With it, the resources of another engine go,
if they are as init wrote them. Others that judge are an error, so that the
engine that is asked for judges alone. A named environment has its resources in
a directory of its own, experiment-NAME.

With --app it moves an existing Application instead: the options of its source
go to the plan, and the Application is printed with the plugin in their place.
It is proven that both render the same; what Assay cannot honour is refused.
Of several sources it takes the one that renders, if the others only lend it
value files ($values/...) from the same revision of the same repository.

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
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error {
			if opt.app != "" {
				return a.initApp(ctx, opt, args)
			}
			return a.init(ctx, opt, dirArg(args))
		}),
	}
	opt.bind(cmd)
	f := cmd.Flags()
	cli.BindChoice(cmd, &opt.Engine, "engine", "", "what judges a candidate (default job)", scaffold.Engines()...)
	cli.BindChoice(cmd, &opt.Load, "load", "", "what sends requests (default: fortio for argo-rollouts and iter8, else none)", scaffold.Loads()...)
	f.StringVar(&opt.Target, "target", "", "`workload` to test, as KIND/NAME (default: the only one)")
	f.StringVar(&opt.URL, "url", "", "`URL` at which the candidate answers (default: through the copy of the workload's Service)")
	f.StringVar(&opt.Prometheus, "prometheus", "", "`address` of a Prometheus to measure with, for argo-rollouts")
	cli.BindChoice(cmd, &opt.Traffic, "traffic", "", "whether live traffic reaches a candidate (default isolated)", "isolated", "shared")
	f.StringVar(&opt.Release, "release", "", "release `name` of a chart: the Application's name (default: the directory's name)")
	f.StringVarP(&opt.Namespace, "namespace", "n", "", "destination `namespace` of the Application, which addresses of the candidate name (default of a chart: default)")
	cli.BindChoice(cmd, &opt.HelmVersion, "helm", "", "version of Helm that Argo CD renders a chart with: v3 up to 3.4, v4 from 3.5 on (default v3)", helm.Version3, helm.Version4)
	f.StringArrayVar(&opt.ValueFiles, "values", nil, "value `file` that a chart's Application names, relative to DIR; repeatable")
	f.BoolVar(&opt.Overwrite, "force", false, "write over existing files")
	f.StringVar(&opt.app, "app", "", "`file` of an Application, - for stdin: move its options to the plan, and print it with the plugin")
	cli.Exclude(f, "app", "engine", "load", "target", "url", "prometheus", "traffic", "release", "namespace", "values", "force")
	return cmd
}

func (a *app) init(ctx context.Context, opt initOptions, dir string) error {
	p, err := opt.open(dir, plugin.Call{})
	if err != nil {
		return err
	}
	defer p.close()
	if done, err := a.resumeInit(ctx, p, "init"); done || err != nil {
		return err
	}
	s, err := adopt.Init(ctx, p.adopt(), opt.Options, a.questions())
	if err != nil {
		return p.initError(err)
	}
	if err := a.dir(p.located).Adopt(ctx, "init", p.Request, s.Files); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		did := "wrote"
		if s.Files[name] == nil {
			did = "removed"
		}
		_, _ = fmt.Fprintf(&a.out, "%s %s\n", did, p.on(name))
	}
	for _, note := range s.Notes {
		a.notef("note: %s", excerpt.Joined(note))
	}
	a.nextf("next: read the files and make the experiment yours, then")
	if len(s.Images) == 1 {
		a.nextf("  assay candidate set --tag TAG %s", argument(p.arg, p.Name))
	} else {
		a.nextf("  assay candidate set --image NAME:TAG %s", argument(p.arg, p.Name))
	}
	a.nextf("  assay diff %s", argument(p.arg, p.Name))
	return nil
}

// resumeInit finishes what an earlier init left undone when it was killed.
func (a *app) resumeInit(ctx context.Context, p *opened, verb string) (done bool, err error) {
	record, err := a.dir(p.located).ResumeAdopt(ctx, verb)
	if record == nil || err != nil {
		return false, err
	}
	a.notef("this finishes an init that was interrupted")
	for _, f := range record.Files {
		_, _ = fmt.Fprintf(&a.out, "wrote %s\n", p.on(f.Path))
	}
	return true, nil
}

// questions asks on a terminal; elsewhere nobody is asked.
func (a *app) questions() adopt.Ask {
	if !cli.IsTerminal(a.input.Stdin) {
		return nil
	}
	return adopt.People(a.input.Stdin, a.stderr)
}

// adopt is the environment as a new plan names it.
func (p *opened) adopt() adopt.Environment {
	dir := p.Dir
	if dir == "." {
		dir = filepath.Base(p.root)
	}
	return adopt.Environment{Request: p.Request, Title: adopt.Title(dir)}
}

// initError says which flag helps.
func (p *opened) initError(err error) error {
	var exists *adopt.ExistsError
	var others *adopt.OthersError
	var target *adopt.TargetError
	var address *adopt.AddressError
	switch {
	case errors.As(err, &exists):
		return fmt.Errorf("%s exists: edit it, or give --force to write over it", p.on(exists.Path))
	case errors.As(err, &others):
		return fmt.Errorf("%w; nothing is written", err)
	case errors.As(err, &target) && target.Given == "":
		return fmt.Errorf("%w with --target, of %s", err, excerpt.List(target.Workloads))
	case errors.As(err, &target):
		return fmt.Errorf("--target %w", err)
	case errors.As(err, &address):
		return fmt.Errorf("%w with --url", err)
	case errors.Is(err, adopt.ErrNoWorkload):
		return fmt.Errorf("%s renders no workload that a candidate could replace: name another directory", p.arg)
	case errors.Is(err, adopt.ErrPrometheus):
		return cli.Usagef("--prometheus is for --engine %s alone", scaffold.Analysis)
	}
	return err
}
