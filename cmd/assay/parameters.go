package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/visible"
	"github.com/assaydev/assay/plugin"
)

func (a *app) parametersCommand() *cobra.Command {
	var opt environmentFlags
	cmd := &cobra.Command{
		Use:    "parameters [DIR]",
		Short:  "Print the parameters that the plugin takes, as Argo CD announces them",
		Hidden: true,
		Long: `Parameters prints the announcement that plugin.yaml asks for: the parameters of
the environment's layout with their current values, as JSON.`,
		Example: `  # What Argo CD's user interface shows for an environment
  assay parameters shop/prod`,
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.parameters(ctx, opt, dirArg(args)) }),
	}
	opt.bind(cmd)
	return cmd
}

func (a *app) parameters(ctx context.Context, opt environmentFlags, dir string) error {
	call, err := plugin.FromEnv(a.env)
	if err != nil {
		return err
	}
	p, err := opt.open(dir, call)
	if err != nil {
		return err
	}
	defer p.close()
	list, err := plugin.Announce(ctx, p.Request)
	if err != nil {
		return err
	}
	data, err := visible.MarshalJSON(list)
	if err != nil {
		return err
	}
	a.data(data)
	return nil
}
