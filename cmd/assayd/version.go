package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
)

func (d *daemon) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Version prints the version, and the commit and Go release that the binary was\nbuilt from.",
		Example: "  assayd version",
		Args:    cli.Takes(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			d.started = true
			info := cli.ReadBuild()
			_, err := fmt.Fprintln(d.stdout, cli.Join("assayd "+info.Version, info.Revision, info.Go, info.Platform))
			return err
		},
	}
}
