package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/decision"
)

func (a *app) rejectCommand() *cobra.Command {
	var opt decideOptions
	cmd := &cobra.Command{
		Use:   "reject [DIR]",
		Short: "Drop the candidate",
		Long: `Reject takes the marker away; candidates that wait move up. The environment's
own files stay as they are, and so does what they render to.

It takes a verdict of reject in --experiment, or a reason in --reason.

A rejection that was killed while it wrote is finished by the same command.
Without a candidate there is nothing to do. A directory that is not an
environment is an error.`,
		Example: `  assay reject shop/prod --reason "errors in the log"

  # One of several that wait, and a commit
  assay reject shop/prod --reason "errors in the log" --id e012345678 --commit

  # On a server, without a clone
  assay reject --repo https://git.example.com/env.git --path shop/prod --reason "errors in the log"`,
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error {
			return a.decideOne(ctx, opt, args, decision.Reject)
		}),
	}
	opt.bindDecide(cmd)
	opt.bindByHand(cmd)
	return cmd
}
