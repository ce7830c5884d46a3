package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/candidate"
)

// clearOptions are the flags of candidate clear.
type clearOptions struct {
	siteFlags
	editFlags
	title string
	id    digest.Selector
}

func (a *app) candidateClearCommand() *cobra.Command {
	var opt clearOptions
	cmd := &cobra.Command{
		Use:   "clear [DIR]",
		Short: "Withdraw the candidate of an environment",
		Long: `Clear removes the marker, and with it the candidates that wait. The baseline
stays as it is. Without a candidate there is nothing to do.

With --name or --id it withdraws one of several, whether it is under test or
waits; the others stay as they are, to the byte.`,
		Example: `  assay candidate clear shop/prod

  # One that waits
  assay candidate show shop/prod
  assay candidate clear shop/prod --name 6.15.0

  # With a commit of it
  assay candidate clear shop/prod --commit

  # On a server, without a clone
  assay candidate clear --repo https://git.example.com/env.git --path shop/prod`,
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.candidateClear(ctx, opt, args) }),
	}
	opt.bind(cmd)
	f := cmd.Flags()
	f.StringVar(&opt.title, "name", "", "`name` of the one candidate to withdraw")
	f.Var((*selector)(&opt.id), "id", "`ID` of the one candidate to withdraw, as assay candidate set prints it, or its digest")
	bindCommit(f, &opt.editFlags)
	cli.MustComplete(cmd, "name", completeCandidates(&opt.environmentFlags, false))
	cli.MustComplete(cmd, "id", completeCandidates(&opt.environmentFlags, true))
	return cmd
}

func (a *app) candidateClear(ctx context.Context, opt clearOptions, args []string) error {
	s, err := a.site(ctx, opt.siteFlags, args, opt.editFlags)
	if err != nil {
		return err
	}
	defer s.close()
	w, err := s.Clear(ctx, candidate.Which{Name: opt.title, ID: opt.id})
	var ambiguous *candidate.AmbiguousError
	switch {
	case errors.As(err, &ambiguous):
		return fmt.Errorf("%s has %d candidates %s: say which with --id", ambiguous.File, ambiguous.Count, ambiguous.Name)
	case err != nil:
		return err
	case w == nil:
		a.notef("%s has no candidate", s.arg)
		return nil
	}
	a.reportWithdrawn(s, w)
	return nil
}

// reportWithdrawn tells what was done.
func (a *app) reportWithdrawn(s *site, w *candidate.Withdrawal) {
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintf(&a.out, format+"\n", args...)
		switch {
		case s.session != nil:
			_, _ = fmt.Fprintf(&a.out, "  %s\n", s.landed(w.Landing))
		case w.Committed:
			_, _ = fmt.Fprintf(&a.out, "  committed %s\n", w.Title())
		}
	}
	switch {
	case len(w.Candidates) == 0:
		say("removed %s, which could not be read", s.on(w.Path))
	case w.Index < 0:
		say("withdrew candidate %s: removed %s", promote.Label(w.Candidates[0]), s.on(w.Path))
		if waiting := len(w.Candidates) - 1; waiting > 0 {
			a.notef("%d that waited went with it", waiting)
		}
	default:
		say("withdrew candidate %s from %s", promote.Label(w.Candidates[w.Index]), s.on(w.Path))
		a.tellLeft(w)
	}
}

// tellLeft says what is under test once one of several is withdrawn.
func (a *app) tellLeft(w *candidate.Withdrawal) {
	if len(w.Left) == 0 {
		return
	}
	which := "stays under test"
	if w.Index == 0 {
		which = "is under test from now on"
	}
	a.notef("candidate %s%s %s", promote.Label(w.Left[0].Candidate), inBrackets(w.Left[0].ID), which)
	if w.Left[0].Error != "" {
		a.notef("it does not render: %s", w.Left[0].Error)
	}
}
