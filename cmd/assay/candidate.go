package main

import (
	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
)

func (a *app) candidateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "candidate",
		Short: "Write, show or withdraw the candidate of an environment",
		Long: `Candidate works on the marker, candidate.yaml: the one file that says what is
under test in an environment. CI writes it; promotion and rejection remove it.`,
		Example: `  assay candidate set --tag 6.15.0 shop/prod
  assay candidate from origin/bump-web shop/prod
  assay candidate show shop/prod
  assay candidate clear shop/prod`,
		Args: cli.Subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.candidateSetCommand(), a.candidateFromCommand(), a.candidateShowCommand(), a.candidateClearCommand())
	return cmd
}
