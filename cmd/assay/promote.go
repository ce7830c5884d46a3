package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/decision"
)

func (a *app) promoteCommand() *cobra.Command {
	var opt decideOptions
	cmd := &cobra.Command{
		Use:   "promote [DIR]",
		Short: "Fold the candidate into the environment's own files",
		Long: `Promote makes the candidate's change in the files of the environment and takes
the marker away; candidates that wait move up. It renders the edited files
first: only if they yield what was tested is anything written.

On a server the commit is made on the tip of the branch, and lands only there:
if the branch moves meanwhile, all starts over from its new tip.

It takes a verdict of promote in --experiment, or a reason in --reason. On any
other verdict it changes nothing, and the exit code is 3. So it is while the
plan's windows (spec.promotion.windows) are closed; --outside-windows is the
word of a person who promotes nevertheless.

A promotion that was killed while it wrote is finished by the same command.
Without a candidate there is nothing to do. A directory that is not an
environment is an error.`,
		Example: `  # By hand
  assay promote shop/prod --reason "looks good on staging"

  # On a verdict, and a commit
  kubectl get jobs -n shop -o yaml | assay promote shop/prod --namespace shop --experiment - --commit

  # What that would change
  assay promote shop/prod --reason "looks good on staging" --dry-run

  # On a server, without a clone: by a push or a pull request, as the plan says
  assay promote --repo https://git.example.com/env.git --path shop/prod --reason "looks good"`,
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error {
			return a.decideOne(ctx, opt, args, decision.Promote)
		}),
	}
	opt.bindDecide(cmd)
	opt.bindByHand(cmd)
	cmd.Flags().BoolVar(&opt.outside, "outside-windows", false, "with --reason, promote even while spec.promotion.windows of the plan is closed")
	return cmd
}
