package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
)

func (a *app) versionCommand() *cobra.Command {
	format := formatText
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  "Version prints the version, and the commit and Go release that the binary was\nbuilt from.",
		Example: `  assay version
  assay version -o json`,
		Args:              cli.Takes(0, 0, ""),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.do(func(context.Context, []string) error {
			return a.printVersion(format)
		}),
	}
	cli.BindChoice(cmd, &format, "output", "o", "format", formatText, formatYAML, formatJSON)
	return cmd
}

func (a *app) printVersion(format string) error {
	info := cli.ReadBuild()
	if format != formatText {
		return a.structured(format, info)
	}
	revision := info.Revision
	if info.Modified {
		revision += " (modified)"
	}
	_, err := fmt.Fprintln(&a.out, cli.Join("assay "+info.Version, revision, info.Go, info.Platform))
	return err
}
