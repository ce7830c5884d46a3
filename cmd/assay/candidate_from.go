package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/promote/candidate"
)

func (a *app) candidateFromCommand() *cobra.Command {
	var opt candidateOptions
	cmd := &cobra.Command{
		Use:   "from REF [DIR]",
		Short: "Put what a branch changes under test",
		Long: `From compares the environment as a branch, tag or commit has it with the files
here, and writes the marker that makes the same edit, byte for byte, of the
files that the environment is rendered from. It turns what a bot proposes into a
candidate; promotion makes the bot's own edit, so that its next one fits.

It is proven: the candidate renders to exactly what REF renders to. Other files
that REF changes are left out, and listed. A bump that adds, removes or renames
a file that is rendered from, or changes a binary one, is refused, and so is
what lies outside of the environment's own files, such as a base. Bring REF up
to date first if it lacks newer commits. One that is merged already is nothing
to do. What was rejected before is refused as by assay candidate set. On a
server a commit is named by its full ID, and other refs in full.`,
		Example: `  # A bot's branch
  git fetch origin bump-web
  assay candidate from FETCH_HEAD shop/prod

  # What that would write
  assay candidate from origin/bump-web shop/prod --dry-run

  # On a server: a branch there, or a pull request
  assay candidate from bump-web --repo https://git.example.com/env.git --path shop/prod
  assay candidate from refs/pull/7/head --repo https://git.example.com/env.git --path shop/prod`,
		Args: cli.Takes(1, 2, "a branch, tag or commit, and one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error {
			return a.candidateFrom(ctx, opt, args[0], args[1:])
		}),
	}
	opt.bind(cmd)
	f := cmd.Flags()
	f.StringVar(&opt.title, "name", "", "`name` of the candidate, for people (default: the new tag, or REF)")
	opt.bindPut(cmd)
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return cmd
}

func (a *app) candidateFrom(ctx context.Context, opt candidateOptions, ref string, args []string) error {
	return a.putCandidate(ctx, opt, args, func(s *site) candidate.Derive {
		return func(ctx context.Context, m *candidate.Marker) (candidate.Derived, error) {
			bump, done, err := s.Bump(ctx, ref)
			if err != nil {
				return candidate.Derived{}, err
			}
			defer done()
			return bump.Derive(ctx, m)
		}
	})
}
