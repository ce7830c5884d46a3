package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assaydev/assay/internal/excerpt"
)

// UsageError is a command line that makes no sense, whatever the files hold.
type UsageError struct{ message string }

func (e *UsageError) Error() string { return e.message }

// Usagef makes a UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{fmt.Sprintf(format, args...)}
}

// FlagError says what is wrong with a flag, and which one comes close.
func FlagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var empty *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var usage *UsageError
	switch {
	case errors.As(err, &unknown) && cmd.HasAvailableSubCommands() && len(cmd.Flags().Args()) > 0:
		return Subcommand(cmd, cmd.Flags().Args()) // the flag is that of the command that was meant
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown)
	case errors.As(err, &empty):
		_, usage := pflag.UnquoteUsage(empty.GetFlag())
		return Usagef("--%s needs a value: %s", empty.GetFlag().Name, excerpt.Joined(usage))
	case errors.As(err, &invalid):
		reason := invalid.Unwrap().Error()
		if !errors.As(err, &usage) {
			reason = cmp.Or(example(invalid.GetFlag().Value), reason)
		}
		return Usagef("--%s %s: %s", invalid.GetFlag().Name, excerpt.Of(invalid.GetValue(), 100), reason)
	}
	return Usagef("%v: see %s --help", err, cmd.CommandPath())
}

// unknownFlag names the flags that come close.
func unknownFlag(cmd *cobra.Command, err *pflag.NotExistError) error {
	given, dashes := err.GetSpecifiedName(), "--"
	if err.GetSpecifiedShortnames() != "" {
		dashes = "-"
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, "--"+f.Name)
		}
	})
	hint := "see " + cmd.CommandPath() + " --help"
	if dashes == "--" {
		hint = cmp.Or(excerpt.DidYouMean("--"+given, known), hint)
	}
	return Usagef("%s has no flag %s%s: %s", cmd.CommandPath(), dashes, given, hint)
}

// example is what a flag of a built-in type takes.
func example(v pflag.Value) string {
	switch v.Type() {
	case "duration":
		return "give a time, such as " + (50 * time.Second).String()
	case "bool":
		return "give true or false"
	case "count", "int64":
		return "give a whole number"
	}
	return ""
}

// excludesKey is where a flag keeps those that it excludes.
const excludesKey = "excludes"

// Exclude lets each of the others be given only without the flag.
func Exclude(f *pflag.FlagSet, name string, others ...string) {
	flag := f.Lookup(name)
	if flag.Annotations == nil {
		flag.Annotations = map[string][]string{}
	}
	flag.Annotations[excludesKey] = append(flag.Annotations[excludesKey], others...)
}

// CheckExcluded refuses flags that exclude each other.
func CheckExcluded(f *pflag.FlagSet) (err error) {
	f.Visit(func(flag *pflag.Flag) {
		for _, other := range flag.Annotations[excludesKey] {
			if err == nil && f.Changed(other) {
				err = Usagef("--%s and --%s exclude each other: leave one out", flag.Name, other)
			}
		}
	})
	return err
}

// Takes allows from least to most arguments, which what names.
func Takes(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return Usagef("%s needs %s: give it", cmd.CommandPath(), what)
		case len(args) > most && most == 0:
			return Usagef("%s takes no arguments: leave out %s", cmd.CommandPath(), excerpt.Of(strings.Join(args, " "), 100))
		case len(args) > most:
			return Usagef("%s takes %s alone: leave out %s", cmd.CommandPath(), what, excerpt.Of(strings.Join(args[most:], " "), 100))
		}
		return nil
	}
}

// OneOf allows one argument, which is one of the words.
func OneOf(words []string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 && slices.Contains(words, args[0]) {
			return nil
		}
		given := strings.TrimSpace(cmd.CommandPath() + " " + excerpt.Of(strings.Join(args, " "), 100))
		return Usagef("%s: give one of %s", given, strings.Join(words, ", "))
	}
}

// Subcommand refuses a word that is not a subcommand, with those that come close.
func Subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names, below []string
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		names = append(names, c.Name())
		for _, sub := range c.Commands() {
			if sub.Name() == args[0] {
				below = append(below, c.Name()+" "+sub.Name())
			}
		}
	}
	hint := cmp.Or(excerpt.DidYouMean(args[0], names), "there are "+strings.Join(names, ", "))
	if len(below) > 0 {
		hint = "did you mean " + excerpt.Or(below) + "?"
	}
	return Usagef("%q is not a command of %s: %s", args[0], cmd.CommandPath(), hint)
}

// HelpCommand is the command that shows the help of those below root, and refuses what
// is not one.
func HelpCommand(root *cobra.Command, example string) *cobra.Command {
	return &cobra.Command{
		Use:               "help [COMMAND]",
		Short:             "Show the help of a command",
		Long:              "Help shows the help of a command, as its flag --help does.",
		Example:           example,
		ValidArgsFunction: completeCommands(root),
		Args:              cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			at := root
			for _, name := range args {
				i := slices.IndexFunc(at.Commands(), func(c *cobra.Command) bool { return c.Name() == name || c.HasAlias(name) })
				if i < 0 {
					return Subcommand(at, []string{name})
				}
				at = at.Commands()[i]
			}
			at.InitDefaultHelpFlag()
			return at.Help()
		},
	}
}
