package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/history"
)

// defaultCommits is how many commits are looked at for decisions.
const defaultCommits = 500

func bindMaxCommits(cmd *cobra.Command, n *int) {
	*n = defaultCommits
	cmd.Flags().Var((*cli.Count)(n), "max-commits", "newest `commits` that are searched for decisions (default 500)")
}

func (a *app) historyCommand() *cobra.Command {
	var (
		where  siteFlags
		format = formatText
	)
	cmd := &cobra.Command{
		Use:   "history [DIR]",
		Short: "List what was promoted, rejected and reverted",
		Long: `History lists the decisions about an environment, the newest first: what became
of which candidate, who or what decided, and on which evidence. It reads them
from the trailers of commits on the branch that is checked out, and of commits
under refs/assay/ where they have been fetched. What a pull request brought is
listed under the commit that merged it. A directory that was renamed is
followed.

It looks at the newest 500 commits, and says so if there are more.`,
		Example: `  assay history shop/prod

  # On a server, without a clone
  assay history --repo https://git.example.com/env.git --path shop/prod

  # All that the repository knows, as JSON
  assay history shop/prod --max-commits 100000 -o json`,
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error {
			return a.history(ctx, where, format, args)
		}),
	}
	where.environmentFlags.bind(cmd)
	where.bindServer(cmd)
	cli.BindChoice(cmd, &format, "output", "o", "format", formatText, formatYAML, formatJSON)
	where.bindHeaders(cmd)
	hideWriting(cmd)
	return cmd
}

func (a *app) history(ctx context.Context, where siteFlags, format string, args []string) error {
	s, err := a.site(ctx, where, args, editFlags{})
	if err != nil {
		return err
	}
	defer s.close()
	past, err := s.Past(ctx)
	if err != nil {
		return err
	}
	return a.printHistory(past, format, s.arg, where.bare)
}

// printHistory prints decisions, and says how far back they reach.
func (a *app) printHistory(past history.Past, format, where string, bare bool) error {
	if format != formatText {
		if err := a.structured(format, past.Reports()); err != nil {
			return err
		}
	} else {
		a.out.WriteString(historyTable(past.Told(), bare))
	}
	for _, was := range past.Was {
		a.notef("%s was %s before: what was decided there is listed too", where, was)
	}
	if len(past.Told()) == 0 {
		a.notef("no decision about %s is recorded%s", where, past.Elsewhere())
	}
	if limit := reach(past); limit != "" {
		a.notef("%s", limit)
	}
	return nil
}

// reach says what bounds a past; empty where nothing does.
func reach(past history.Past) string {
	switch {
	case past.Cut:
		return fmt.Sprintf("commits older than the newest %d were not searched: --max-commits goes further back", past.Commits)
	case past.Shallow:
		return fmt.Sprintf("the clone is shallow and holds %d of the branch's commits: what was decided before them is not known here; git fetch --unshallow brings the rest", past.Commits)
	}
	return ""
}
