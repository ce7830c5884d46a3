package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// ownFlags is the heading of flags that have none.
const ownFlags = "Flags"

// headingKey is where a flag's heading is kept.
const headingKey = "heading"

// helpWidth is how wide the help is, in columns.
const helpWidth = 100

// Under puts the flags that bind adds to the command under a heading.
func Under(cmd *cobra.Command, heading string, bind func()) {
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

// FlagSection is the flags of a command that have one heading.
type FlagSection struct{ Heading, Usages string }

// FlagSections are the command's own flags by heading: those without one first, then as
// the headings are given.
func FlagSections(cmd *cobra.Command, headings []string) []FlagSection {
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
	var sections []FlagSection
	for _, heading := range append([]string{ownFlags}, headings...) {
		if set := sets[heading]; set != nil {
			sections = append(sections, FlagSection{heading, set.FlagUsagesWrapped(helpWidth)})
		}
	}
	return sections
}

// Usage prints how a command is called, as cobra does, with flags by heading.
func Usage(headings []string) func(*cobra.Command) error {
	return func(cmd *cobra.Command) error {
		_, err := io.WriteString(cmd.OutOrStderr(), usage(cmd, headings))
		return err
	}
}

func usage(cmd *cobra.Command, headings []string) string {
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
	for _, section := range FlagSections(cmd, headings) {
		fmt.Fprintf(&out, "\n%s:\n%s", section.Heading, section.Usages)
	}
	if cmd.HasAvailableInheritedFlags() {
		fmt.Fprintf(&out, "\nGlobal flags:\n%s", cmd.InheritedFlags().FlagUsagesWrapped(helpWidth))
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&out, "\n\"%s COMMAND --help\" tells more about a command.\n", cmd.CommandPath())
	}
	return out.String()
}
