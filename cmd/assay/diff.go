package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/visible"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/candidate"
	"github.com/assaydev/assay/promote/compare"
)

type diffOptions struct {
	siteFlags
	format, color string
	full          bool
	helms         []string
}

func (a *app) diffCommand() *cobra.Command {
	opt := diffOptions{format: formatText, color: "auto"}
	cmd := &cobra.Command{
		Use:   "diff [DIR...]",
		Short: "Compare baseline and candidate, and list what is injected",
		Long: `Diff compares an environment's baseline with its candidate, object by object,
as promotion would change it. It then lists the objects that run beside the
baseline while the candidate is tested, the files that promotion would change,
other environments that render from them, what ships untested, and what else
selects the candidate's pods. The data of Secrets is masked.

Without a candidate there is nothing to compare, and the exit code is 0.

With --helm v3,v4 it compares what two versions of Helm render instead: the
baseline of every chart at and below the directories. It answers what changes
when Argo CD moves to 3.5, which has Helm 4.`,
		Example: `  assay diff shop/prod

  # With the injected objects in full
  assay diff shop/prod --full

  # What changes when Argo CD moves from Helm 3 to Helm 4
  assay diff --helm v3,v4 environments charts

  # On a server, without a clone
  assay diff --repo https://git.example.com/env.git --path shop/prod

  # The IDs of what is under test
  assay diff shop/prod -o json | jq -r .id`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(opt.helms) > 0 {
				return nil
			}
			return cli.Takes(0, 1, "one directory, unless --helm is given,")(cmd, args)
		},
		RunE: a.do(func(ctx context.Context, args []string) error {
			if len(opt.helms) > 0 {
				return a.diffHelm(ctx, opt, args)
			}
			return a.diff(ctx, opt, args)
		}),
	}
	opt.bind(cmd)
	cli.BindChoice(cmd, &opt.format, "output", "o", "format", formatText, formatYAML, formatJSON)
	cli.BindChoice(cmd, &opt.color, "color", "", "colour the output", "auto", "always", "never")
	cmd.Flags().StringSliceVar(&opt.helms, "helm", nil, "compare what two `versions` of Helm render from each chart, as v3,v4")
	hideWriting(cmd)
	cmd.Flags().BoolVar(&opt.full, "full", false, "print injected objects in full")
	return cmd
}

func (a *app) diff(ctx context.Context, opt diffOptions, args []string) error {
	s, err := a.site(ctx, opt.siteFlags, args, editFlags{})
	if err != nil {
		return err
	}
	defer s.close()
	var c *compare.Comparison
	var warnings []string
	top := "." // where environments elsewhere are at hand
	if s.session != nil {
		top = ""
	}
	err = s.Show(ctx, func(ctx context.Context, m *candidate.Marker) error {
		c, warnings, err = compare.Candidate(ctx, m.Request, compare.Options{Full: opt.full, Printer: opt.output(s.arg), Branch: s.branch, Top: top})
		return err
	})
	if err != nil {
		return err
	}
	if opt.format != formatText {
		if err := a.structured(opt.format, c); err != nil {
			return err
		}
	} else {
		for i, name := range c.Files {
			c.Files[i] = s.on(name)
		}
		printComparison(&a.out, a.palette(opt.color), c)
	}
	a.warn(warnings)
	return nil
}

func printComparison(w io.Writer, p cli.Palette, c *compare.Comparison) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
	if !c.UnderTest {
		say("%s has no candidate (%s): nothing to compare\n", visible.Name(c.Environment), c.Layout)
		return
	}
	say("%s\n", p.Bold(cli.Join(visible.Name(c.Environment)+" ("+c.Layout+")", "candidate "+promote.LabelOf(c.Candidate), c.ID)))
	if c.Waiting > 0 {
		say("waiting behind it: %d\n", c.Waiting)
	}
	for _, item := range c.Changes {
		say("\n%s %s\n", p.Bold(item.Object), item.Change)
		p.Diff(w, item.Diff)
	}
	printEntries(w, p, "Runs beside the baseline:", c.Variant)
	printEntries(w, p, "Replaces the baseline's:", c.Replaced)
	printEntries(w, p, "Tests it:", c.Injected)
	printList(w, p, "Promotion changes the files:", c.Files)
	printList(w, p, "Also changes the environments:", c.Also)
	printList(w, p, "Ships untested:", c.Untested)
	printList(w, p, "Selects the candidate's pods:", c.Selected)
	printList(w, p, "Differs from what is promoted:", c.Rewritten)
}

func printEntries(w io.Writer, p cli.Palette, title string, list []compare.Entry) {
	lines := make([]string, len(list))
	for i, e := range list {
		lines[i] = e.Object
		if e.Role != "" {
			lines[i] += " (" + e.Role + ")"
		}
	}
	printList(w, p, title, lines)
	for _, e := range list {
		if e.Manifest != "" {
			_, _ = fmt.Fprintf(w, "---\n%s", e.Manifest)
		}
	}
}

func printList(w io.Writer, p cli.Palette, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	_, _ = fmt.Fprintf(w, "\n%s\n", p.Bold(title))
	for _, line := range lines {
		_, _ = fmt.Fprintf(w, "  %s\n", visible.Name(line))
	}
}
