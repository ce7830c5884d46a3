package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote/worktree"
	"github.com/assaydev/assay/render"
)

// The words of --output.
const (
	formatText = "text"
	formatYAML = "yaml"
	formatJSON = "json"
)

type renderOptions struct {
	environmentFlags
	view, format, outputDir string
}

func (a *app) renderCommand() *cobra.Command {
	opt := renderOptions{view: "output", format: formatYAML}
	cmd := &cobra.Command{
		Use:   "render [DIR]",
		Short: "Print what Argo CD gets for an environment",
		Long: `Render prints an environment's objects: those that Argo CD renders from the
directory and, while it holds a candidate.yaml, the candidate's workloads and
the experiment.

Views: output is what Argo CD gets, baseline is the environment without its
candidate, candidate is the environment once the candidate is promoted.

Under Argo CD, which runs this command as its plugin, the Application's name,
namespace and parameters come from the variables that Argo CD sets.`,
		Example: `  # What Argo CD gets
  assay render shop/prod

  # What it gets once the candidate is promoted, one file for each object
  assay render shop/prod --view candidate --output-dir /tmp/promoted

  # A chart as the Application "shop" in the namespace "web" renders it
  assay render charts/shop --app-name shop --namespace web -o json`,
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.render(ctx, opt, dirArg(args)) }),
	}
	opt.bindRender(cmd)
	opt.BindHelm(cmd)
	cli.BindChoice(cmd, &opt.view, "view", "", "what to print", "output", "baseline", "candidate")
	cli.BindChoice(cmd, &opt.format, "output", "o", "format", formatYAML, formatJSON)
	cmd.Flags().StringVar(&opt.outputDir, "output-dir", "", "write one file for each object to this new or empty `directory`")
	cli.MustComplete(cmd, "output-dir", cli.CompleteDirs)
	return cmd
}

func (a *app) render(ctx context.Context, opt renderOptions, dir string) error {
	call, err := plugin.FromEnv(a.env)
	if err != nil {
		return err
	}
	res, err := opt.render(ctx, dir, call)
	if err != nil {
		return err
	}
	if err := call.Check(res.Plan); err != nil {
		return err
	}
	objs, err := view(res, opt.view, dir)
	if err != nil {
		return err
	}
	if opt.outputDir != "" {
		files, err := opt.output(dir).Files(objs, opt.format == formatJSON)
		if err != nil {
			return err
		}
		if err := a.write(ctx, func() error { return worktree.Fill(ctx, opt.outputDir, files) }); err != nil {
			return err
		}
		a.notef("wrote %d objects to %s", len(objs), opt.outputDir)
	} else {
		var data []byte
		if out := opt.output(dir); opt.format == formatJSON {
			data, err = out.List(objs)
		} else {
			data, err = out.YAML(objs...)
		}
		if err != nil {
			return err
		}
		a.data(data)
	}
	a.warn(res.Warnings)
	return nil
}

// view picks the objects that --view asks for.
func view(res *render.Result, name, dir string) ([]*unstructured.Unstructured, error) {
	switch name {
	case "baseline":
		return res.Baseline, nil
	case "candidate":
		if res.Marker == nil {
			return nil, fmt.Errorf("%s has no candidate: write one with assay candidate set", dir)
		}
		return res.Candidate, nil
	default:
		return res.Output(), nil
	}
}

// notef tells people something on stderr.
func (a *app) notef(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stderr, format+"\n", args...)
}

// nextf says on stderr what to do next, after the result.
func (a *app) nextf(format string, args ...any) {
	a.next = append(a.next, fmt.Sprintf(format, args...))
}

func (a *app) warn(warnings []string) {
	for _, w := range warnings {
		a.notef("warning: %s", excerpt.Joined(w))
	}
}
