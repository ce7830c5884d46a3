package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
)

func (a *app) completionCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a shell's completion script",
		Long:  "Completion prints the script that completes assay's commands in a shell: bash,\nzsh, fish or powershell.",
		Example: `  # bash, for this session
  source <(assay completion bash)

  # zsh, for every session
  assay completion zsh > "${fpath[1]}/_assay"

  # fish, for every session
  assay completion fish > ~/.config/fish/completions/assay.fish`,
		Args:      cli.OneOf(cli.Shells()),
		ValidArgs: cli.Shells(),
		RunE: a.do(func(_ context.Context, args []string) error {
			return cli.CompletionScript(root, &a.out, args[0])
		}),
	}
}
