package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/promote"
)

// revertOptions are the flags of revert.
type revertOptions struct {
	decideOptions
	commitID string
}

func (a *app) revertCommand() *cobra.Command {
	var opt revertOptions
	cmd := &cobra.Command{
		Use:     "revert [DIR]",
		Aliases: []string{"rollback"},
		Short:   "Undo a promotion",
		Long: `Revert gives the environment's files what they held before the last promotion,
or before the one that --id or --commit-id names. Lines that have been edited
since stay; where they are the promotion's own lines, it is refused. It renders
the edited files first: only if they yield what was there before is anything
written.

It sticks: the same candidate is refused by assay candidate set without --retry,
once the revert is committed with --commit. A candidate that is under test has
to be rejected or promoted first, since it is compared with what is reverted.

Promotions are found by the trailers of their commits, among the newest 500. A
promotion that is reverted already is nothing to do.`,
		Example: `  # Undo the last promotion, in a commit
  assay revert shop/prod --reason "errors at checkout" --commit

  # What that would change
  assay revert shop/prod --reason "errors at checkout" --dry-run

  # An earlier one
  assay history shop/prod
  assay revert shop/prod --reason "errors at checkout" --id e012345678

  # On a server, without a clone
  assay revert --repo https://git.example.com/env.git --path shop/prod --reason "errors at checkout"`,
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.revert(ctx, opt, args) }),
	}
	opt.bindEdit(cmd)
	f := cmd.Flags()
	f.StringVar(&opt.reason, "reason", "", "say `why`")
	f.Var((*selector)(&opt.id), "id", "`ID` of the experiment whose promotion is undone, or its digest (default: the last promotion)")
	f.StringVar(&opt.commitID, "commit-id", "", "`commit` whose promotion is undone (default: the last promotion)")
	return cmd
}

func (a *app) revert(ctx context.Context, opt revertOptions, args []string) error {
	switch {
	case excerpt.Joined(opt.reason) == "":
		return cli.Usagef("say why with --reason")
	case opt.id != "" && opt.commitID != "":
		return cli.Usagef("--id and --commit-id both name a promotion: give one of the two")
	}
	s, err := a.site(ctx, opt.siteFlags, args, opt.editFlags)
	if err != nil {
		return err
	}
	defer s.close()
	r, err := s.Revert(ctx, promote.Target{ID: opt.id, Commit: opt.commitID}, opt.reason)
	return a.reportDecision(s, opt.decideOptions, r, err)
}
