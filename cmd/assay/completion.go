package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
)

func (a *app) completionCommand(root *cobra.Command) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
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
		Args:      cli.OneOf(shells),
		ValidArgs: shells,
		RunE: a.do(func(_ context.Context, args []string) error {
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(&a.out, true)
			case "zsh":
				return root.GenZshCompletion(&a.out)
			case "fish":
				return root.GenFishCompletion(&a.out, true)
			default:
				return root.GenPowerShellCompletionWithDesc(&a.out)
			}
		}),
	}
}
