package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
)

// mustComplete adds the completion of a flag that the command has just bound.
func mustComplete(cmd *cobra.Command, flag string, fn cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, fn); err != nil {
		panic(err)
	}
}

func completeDirs(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeNames completes the names of the environments in the directory.
func completeNames(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	names, err := environmentNames(dirArg(args))
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// environmentNames lists the named environments that a directory's plans and
// markers speak of, sorted.
func environmentNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		for _, kind := range []string{"assay.", "candidate."} {
			rest, found := strings.CutPrefix(entry.Name(), kind)
			if name, isYAML := strings.CutSuffix(rest, ".yaml"); found && isYAML && name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// choice is a flag that takes one of a few words.
type choice struct {
	value *string
	words []string
}

func (c choice) Set(text string) error {
	if !slices.Contains(c.words, text) {
		return cli.Usagef("give one of %s", strings.Join(c.words, ", "))
	}
	*c.value = text
	return nil
}

func (c choice) String() string { return *c.value }

func (c choice) Type() string { return strings.Join(c.words, "|") }

// bindChoice adds a flag that takes one of words; the value it has is the default.
func bindChoice(cmd *cobra.Command, value *string, name, shorthand, usage string, words ...string) {
	cmd.Flags().VarP(choice{value, words}, name, shorthand, usage)
	mustComplete(cmd, name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
