package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

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
