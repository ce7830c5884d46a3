package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/plugin"
)

// defaultCommits is how many commits are looked at for decisions.
const defaultCommits = 500

func bindMaxCommits(cmd *cobra.Command, n *int) {
	*n = defaultCommits
	cmd.Flags().Var((*count)(n), "max-commits", "newest `commits` that are searched for decisions (default 500)")
}

func (a *app) historyCommand() *cobra.Command {
	var (
		env    environment
		there  server
		format = formatText
	)
	cmd := &cobra.Command{
		Use:   "history [DIR]",
		Short: "List what was promoted, rejected and reverted",
		Long: `History lists the decisions about an environment, the newest first: what became
of which candidate, who or what decided, and on which evidence. It reads them
from the trailers of commits on the branch that is checked out, and of commits
under refs/assay/ where they have been fetched. What a pull request brought is
listed under the commit that merged it.

It looks at the newest 500 commits, and says so if there are more.`,
		Example: `  assay history shop/prod

  # On a server, without a clone
  assay history --repo https://git.example.com/env.git --path shop/prod

  # All that the repository knows, as JSON
  assay history shop/prod --max-commits 100000 -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(ctx context.Context, args []string) error {
			return a.history(ctx, env, there, format, args)
		}),
	}
	env.bind(cmd)
	there.bind(cmd)
	bindChoice(cmd, &format, "output", "o", "format", formatText, formatJSON)
	return cmd
}

func (a *app) history(ctx context.Context, env environment, there server, format string, args []string) error {
	if err := there.check(args, env); err != nil {
		return err
	}
	if there.chosen() {
		s, err := a.connect(ctx, there, env)
		if err != nil {
			return err
		}
		defer s.close()
		past, err := s.Past(ctx, s.place().Environment)
		if err != nil {
			return err
		}
		return a.printHistory(past, format, s.dir)
	}
	dir := dirArg(args)
	p, err := env.open(dir, plugin.Call{})
	if err != nil {
		return err
	}
	defer p.close()
	past, err := p.past(ctx, there.commits)
	if err != nil {
		return err
	}
	return a.printHistory(past, format, dir)
}

// printHistory prints decisions, and says how far back they reach.
func (a *app) printHistory(past history.Past, format, where string) error {
	if format == formatJSON {
		data, err := historyJSON(past.Decisions)
		if err != nil {
			return err
		}
		a.data(data)
	} else {
		a.out.WriteString(historyTable(past.Decisions))
	}
	if len(past.Decisions) == 0 {
		a.notef("no commit tells of a decision about %s", where)
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

// past reads what the newest commits of the branch that is checked out tell of
// the environment.
func (p *place) past(ctx context.Context, commits int) (history.Past, error) {
	c, err := readChronicle(ctx, p.root, commits)
	if err != nil {
		return history.Past{}, err
	}
	past := c.Past
	past.Decisions = history.Merge(c.entries, c.refs, p.Environment)
	return past, nil
}

// chronicle is what the commits of a repository tell of all its environments.
type chronicle struct {
	history.Past  // without decisions
	entries, refs []git.Entry
}

func readChronicle(ctx context.Context, root string, commits int) (chronicle, error) {
	var c chronicle
	repo, err := local.Open(ctx, root)
	if err != nil {
		return c, err
	}
	if c.entries, err = repo.Recent(ctx, commits+1); err != nil {
		return c, err
	}
	c.Commits, c.Cut = min(len(c.entries), commits), len(c.entries) > commits
	c.entries = c.entries[:c.Commits]
	if c.Shallow, err = repo.Shallow(ctx); err != nil {
		return c, err
	}
	c.refs, err = repo.Refs(ctx, history.Refs)
	return c, err
}
