package cli

import (
	"errors"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestOneOf: a word that is missing, or another one.
func TestOneOf(t *testing.T) {
	cmd := &cobra.Command{Use: "tool"}
	check := OneOf([]string{"bash", "zsh"})
	for want, args := range map[string][]string{
		"tool: give one of bash, zsh":          nil,
		"tool sh: give one of bash, zsh":       {"sh"},
		"tool bash zsh: give one of bash, zsh": {"bash", "zsh"},
	} {
		if err := check(cmd, args); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", args, err, want)
		}
	}
	if err := check(cmd, []string{"zsh"}); err != nil {
		t.Error(err)
	}
}

// TestUsageErrors: each says what to give instead.
func TestUsageErrors(t *testing.T) {
	format, limit := "text", Count(0)
	cmd := &cobra.Command{Use: "tool", RunE: func(*cobra.Command, []string) error { return nil }, Args: Takes(0, 1, "one directory"), SilenceErrors: true, SilenceUsage: true}
	cmd.SetFlagErrorFunc(FlagError)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error { return CheckExcluded(cmd.Flags()) }
	BindChoice(cmd, &format, "output", "o", "the format", "text", "json")
	cmd.Flags().Var(&limit, "limit", "how many")
	cmd.Flags().String("to", "", "the `place` to go to")
	Exclude(cmd.Flags(), "limit", "output")
	for want, args := range map[string][]string{
		"--output xml: give one of text, json":                   {"--output", "xml"},
		"--output needs a value: the format":                     {"--output"},
		"--to needs a value: the place to go to":                 {"--to"},
		"--limit 0: give a number above zero, such as 1000":      {"--limit", "0"},
		"tool has no flag --outptu: did you mean --output?":      {"--outptu=json"},
		"tool has no flag -x: see tool --help":                   {"-x"},
		"--limit and --output exclude each other: leave one out": {"--limit", "1", "--output", "json"},
		"tool takes one directory alone: leave out b":            {"a", "b"},
	} {
		cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Changed = false })
		cmd.SetArgs(args)
		err := cmd.Execute()
		var usage *UsageError
		if !errors.As(err, &usage) || err.Error() != want {
			t.Errorf("%q: %v, want %s", args, err, want)
		}
	}
}
