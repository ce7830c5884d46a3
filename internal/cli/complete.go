package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// PlainUsage takes the quotes around the names of values out of the texts of all flags
// below: help reads them, and completion shows them.
func PlainUsage(root *cobra.Command) {
	plain := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	root.PersistentFlags().VisitAll(plain)
	root.Flags().VisitAll(plain)
	for _, c := range root.Commands() {
		PlainUsage(c)
	}
}

// MustComplete adds the completion of a flag that the command has just bound.
func MustComplete(cmd *cobra.Command, flag string, fn cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, fn); err != nil {
		panic(err)
	}
}

// CompleteDirs completes directories.
func CompleteDirs(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeCommands completes the words that lead from root to a command.
func completeCommands(root *cobra.Command) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		at, _, err := root.Find(args)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, c := range at.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, fmt.Sprintf("%s\t%s", c.Name(), c.Short))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// Shells are those that a completion script can be made for.
func Shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// CompletionScript writes the script by which one of the Shells completes the commands.
func CompletionScript(root *cobra.Command, w io.Writer, shell string) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(w, true)
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	default:
		return root.GenPowerShellCompletionWithDesc(w)
	}
}
