package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/promote"
)

func (a *app) promoteCommand() *cobra.Command {
	var opt decideOptions
	cmd := &cobra.Command{
		Use:   "promote [DIR]",
		Short: "Fold the candidate into the environment's own files",
		Long: `Promote makes the candidate's change in the files of the environment and takes
the marker away; candidates that wait move up. It renders the edited files
first: only if they yield what was tested is anything written.

A promotion that was killed while it wrote is finished by the same command.
Without a candidate there is nothing to do.`,
		Example: `  # By hand
  assay promote shop/prod --reason "looks good on staging"

  # What that would change
  assay promote shop/prod --reason "looks good on staging" --dry-run`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(ctx context.Context, args []string) error {
			return a.byHand(ctx, opt, dirArg(args), promote.Promote)
		}),
	}
	opt.bindDecide(cmd)
	opt.bindByHand(cmd)
	return cmd
}

// byHand promotes or rejects for the reason that people give.
func (a *app) byHand(ctx context.Context, opt decideOptions, dir string, outcome promote.Outcome) error {
	if oneLine(opt.reason) == "" {
		return usagef("say why with --reason")
	}
	p, err := opt.openFor(dir)
	if err != nil {
		return err
	}
	defer p.close()
	if done, err := a.resume(ctx, opt, p, outcome); done || err != nil {
		return err
	}
	return a.decide(ctx, opt, p, nil, decision{outcome: outcome, reason: opt.reason})
}
