package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Headings of flags in the help, in its order.
const (
	ownFlags         = "Flags"
	environmentGroup = "Flags for the environment"
	clusterGroup     = "Flags for the cluster"
	serverGroup      = "Flags for a branch on a server, with --repo or --app"
	renderGroup      = "Flags for rendering, and its limits"
)

// headingKey is where a flag's heading is kept.
const headingKey = "heading"

// helpWidth is how wide the help is, in columns.
const helpWidth = 100

// under puts the flags that bind adds to the command under a heading.
func under(cmd *cobra.Command, heading string, bind func()) {
	before := map[string]bool{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) { before[f.Name] = true })
	bind()
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if before[f.Name] {
			return
		}
		if f.Annotations == nil {
			f.Annotations = map[string][]string{}
		}
		f.Annotations[headingKey] = []string{heading}
	})
}

// flagSection is the flags of a command that have one heading.
type flagSection struct{ heading, usages string }

// flagSections are the command's own flags, by heading.
func flagSections(cmd *cobra.Command) []flagSection {
	sets := map[string]*pflag.FlagSet{}
	cmd.Flags().SortFlags = false // the common ones come first
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		heading := ownFlags
		if given := f.Annotations[headingKey]; len(given) > 0 {
			heading = given[0]
		}
		if sets[heading] == nil {
			sets[heading] = pflag.NewFlagSet(heading, pflag.ContinueOnError)
			sets[heading].SortFlags = false
		}
		sets[heading].AddFlag(f)
	})
	var sections []flagSection
	for _, heading := range []string{ownFlags, environmentGroup, clusterGroup, serverGroup, renderGroup} {
		if set := sets[heading]; set != nil {
			sections = append(sections, flagSection{heading, set.FlagUsagesWrapped(helpWidth)})
		}
	}
	return sections
}

// usage prints how a command is called, as cobra does, with flags by heading.
func usage(cmd *cobra.Command) error {
	var out strings.Builder
	fmt.Fprint(&out, "Usage:\n")
	if cmd.Runnable() && !cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&out, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&out, "  %s COMMAND\n", cmd.CommandPath())
	}
	if len(cmd.Aliases) > 0 {
		fmt.Fprintf(&out, "\nAliases:\n  %s\n", cmd.NameAndAliases())
	}
	if cmd.HasExample() {
		fmt.Fprintf(&out, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprint(&out, "\nCommands:\n")
		for _, c := range slices.DeleteFunc(slices.Clone(cmd.Commands()), func(c *cobra.Command) bool { return !c.IsAvailableCommand() }) {
			fmt.Fprintf(&out, "  %-*s  %s\n", c.NamePadding(), c.Name(), c.Short)
		}
	}
	for _, section := range flagSections(cmd) {
		fmt.Fprintf(&out, "\n%s:\n%s", section.heading, section.usages)
	}
	if cmd.HasAvailableInheritedFlags() {
		fmt.Fprintf(&out, "\nGlobal flags:\n%s", cmd.InheritedFlags().FlagUsagesWrapped(helpWidth))
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&out, "\n\"%s COMMAND --help\" tells more about a command.\n", cmd.CommandPath())
	}
	_, err := io.WriteString(cmd.OutOrStderr(), out.String())
	return err
}
