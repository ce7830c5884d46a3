package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
)

// versionInfo is what a binary knows of its own making.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

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
	info := readVersion()
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

func readVersion() versionInfo {
	v := versionInfo{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
