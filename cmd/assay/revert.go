package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote"
)

// revertOptions are the flags of revert.
type revertOptions struct {
	decideOptions
	commitID string
}

func (a *app) revertCommand() *cobra.Command {
	var opt revertOptions
	cmd := &cobra.Command{
		Use:     "revert [DIR]",
		Aliases: []string{"rollback"},
		Short:   "Undo a promotion",
		Long: `Revert gives the environment's files what they held before the last promotion,
or before the one that --id or --commit-id names. Lines that have been edited
since stay; where they are the promotion's own lines, it is refused. It renders
the edited files first: only if they yield what was there before is anything
written.

It sticks: the same candidate is refused by assay candidate set without --retry,
once the revert is committed with --commit. A candidate that is under test has
to be rejected or promoted first, since it is compared with what is reverted.

Promotions are found by the trailers of their commits, among the newest 500. A
promotion that is reverted already is nothing to do.`,
		Example: `  # Undo the last promotion, in a commit
  assay revert shop/prod --reason "errors at checkout" --commit

  # What that would change
  assay revert shop/prod --reason "errors at checkout" --dry-run

  # An earlier one
  assay history shop/prod
  assay revert shop/prod --reason "errors at checkout" --id e0123456789

  # On a server, without a clone
  assay revert --repo https://git.example.com/env.git --path shop/prod --reason "errors at checkout"`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.revert(ctx, opt, args) }),
	}
	opt.bindEdit(cmd)
	f := cmd.Flags()
	f.StringVar(&opt.reason, "reason", "", "say `why`")
	f.Var((*selector)(&opt.id), "id", "`ID` of the experiment whose promotion is undone, or its digest (default: the last promotion)")
	f.StringVar(&opt.commitID, "commit-id", "", "`commit` whose promotion is undone (default: the last promotion)")
	return cmd
}

func (a *app) revert(ctx context.Context, opt revertOptions, args []string) error {
	switch {
	case oneLine(opt.reason) == "":
		return usagef("say why with --reason")
	case opt.id != "" && opt.commitID != "":
		return usagef("--id and --commit-id both name a promotion: give one of the two")
	}
	if err := opt.checkWhere(args); err != nil {
		return err
	}
	if opt.chosen() {
		return a.revertThere(ctx, opt)
	}
	dir := dirArg(args)
	p, err := opt.open(dir, plugin.Call{})
	if err != nil {
		return err
	}
	defer p.close()
	if done, err := a.resume(ctx, opt.decideOptions, p, promote.Revert); done || err != nil {
		return err
	}
	source, err := local.Open(ctx, p.root)
	if err != nil {
		return err
	}
	past, err := p.past(ctx, opt.commits)
	if err != nil {
		return err
	}
	if opt.commitID != "" {
		if opt.commitID, err = source.Resolve(ctx, opt.commitID); err != nil {
			return fmt.Errorf("--commit-id: %w", err)
		}
	}
	d, err := opt.promotion(past, dir)
	if err != nil {
		return err
	}
	if by, ok := d.Reverted(past.Decisions); ok {
		return a.revertedAlready(opt, p, d, "by commit "+git.Short(by.Commit))
	}
	e, err := p.prepareRevert(ctx, source.Tree, opt.files, d)
	if errors.Is(err, promote.ErrReverted) {
		return a.revertedAlready(opt, p, d, "in the files")
	}
	if err != nil {
		return a.explainLaw(err)
	}
	repo, err := opt.repo(ctx, p)
	if err != nil {
		return err
	}
	return a.carryOut(ctx, opt.decideOptions, p, repo, e, promote.Decision{Outcome: promote.Revert, Reason: opt.reason})
}

// promotion is the one that is meant.
func (o revertOptions) promotion(past history.Past, where string) (history.Decision, error) {
	d, ok, err := history.Promotion(past.Decisions, o.id, o.commitID)
	if ok || err != nil {
		return d, err
	}
	which := "a promotion"
	switch {
	case o.id != "":
		which = "the promotion of " + string(o.id)
	case o.commitID != "":
		which = "a promotion by " + git.Short(o.commitID)
	}
	limit := reach(past)
	if limit != "" {
		limit = ": " + limit
	}
	return d, fmt.Errorf("%s: no commit tells of %s%s", where, which, limit)
}

// prepareRevert reads what the promotion's commit did from the repository, and
// prepares its undoing.
func (p *place) prepareRevert(ctx context.Context, tree func(context.Context, string) (*git.Tree, error), limits envfs.Limits, d history.Decision) (*promote.Edit, error) {
	if d.Parent == "" {
		return nil, fmt.Errorf("commit %s promotes, and what was before it is not in this repository: git fetch --unshallow brings it", git.Short(d.Commit))
	}
	before, err := tree(ctx, d.Parent)
	if err != nil {
		return nil, err
	}
	defer func() { _ = before.Close() }()
	after, err := tree(ctx, d.Commit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = after.Close() }()
	changed, err := git.Diff(before, after)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", git.Short(d.Commit), err)
	}
	return promote.PrepareRevert(ctx, p.Request, promote.Promotion{
		Commit: d.Commit, ID: d.Experiment, Digest: d.Digest, Candidate: d.Candidate, Changed: changed,
		Before: envfs.New(before, limits), After: envfs.New(after, limits),
	})
}

func (a *app) revertedAlready(opt revertOptions, p *place, d history.Decision, how string) error {
	if opt.format == formatJSON {
		return a.reportJSON(&report{Outcome: "none", Environment: p.Environment, Candidate: d.Candidate, ID: d.Experiment, Reverts: d.Commit})
	}
	a.notef("the promotion of candidate %s%s in commit %s is reverted already, %s: nothing to do", called(d.Candidate), inBrackets(d.Experiment), git.Short(d.Commit), how)
	return nil
}
