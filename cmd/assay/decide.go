package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/worktree"
	"github.com/assaydev/assay/render"
)

// decideOptions are the flags of promote, reject and conclude.
type decideOptions struct {
	environment
	server
	reason, experiment, format string
	id                         digest.Selector
	dryRun, commit             bool
	live                       bool // the cluster's experiment decides
}

// bindDecide adds the flags that the three commands share.
func (o *decideOptions) bindDecide(cmd *cobra.Command) {
	o.bindEdit(cmd)
	cmd.Flags().StringVar(&o.experiment, "experiment", "", "`file` with the experiment's objects as kubectl get -o yaml prints them, - for stdin: follow their verdict")
}

// bindEdit adds the flags that say how an edit is made and reported.
func (o *decideOptions) bindEdit(cmd *cobra.Command) {
	o.bindRender(cmd)
	o.server.bind(cmd)
	o.format = formatText
	f := cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "print the change of the files and write nothing")
	f.BoolVar(&o.commit, "commit", false, "make one Git commit of these files alone, with trailers; hooks do not run")
	bindChoice(cmd, &o.format, "output", "o", "format", formatText, formatJSON)
}

// bindByHand adds the flags of a decision that people make.
func (o *decideOptions) bindByHand(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.reason, "reason", "", "decide by hand, and say `why`")
	f.Var((*selector)(&o.id), "id", "`ID` of the experiment that is meant, or its digest: another one under test is an error")
}

// decideAnywhere promotes or rejects in a directory or on a server.
func (a *app) decideAnywhere(ctx context.Context, opt decideOptions, args []string, wanted promote.Outcome) error {
	if err := opt.checkWhere(args); err != nil {
		return err
	}
	if opt.chosen() {
		return a.decideThere(ctx, opt, wanted)
	}
	return a.decide(ctx, opt, dirArg(args), wanted)
}

// checkWhere refuses flags of a directory together with those of a server.
func (o decideOptions) checkWhere(args []string) error {
	commit := ""
	if o.commit {
		commit = "--commit"
	}
	return o.check(args, o.environment, commit)
}

// decide promotes or rejects the candidate in dir, by hand or by the verdict;
// whatever that is where wanted is empty.
func (a *app) decide(ctx context.Context, opt decideOptions, dir string, wanted promote.Outcome) error {
	p, err := opt.open(dir, plugin.Call{})
	if err != nil {
		return err
	}
	defer p.close()
	if done, err := a.resume(ctx, opt, p, wanted); done || err != nil {
		return err
	}
	if !opt.followsVerdict() {
		return a.settle(ctx, opt, p, nil, promote.Decision{Outcome: wanted, Reason: opt.reason, ID: opt.id})
	}
	decider, err := a.verdict(opt, wanted, func() (string, error) { return p.Namespace, nil })
	if err != nil {
		return err
	}
	res, err := render.Environment(ctx, p.Request)
	if err != nil {
		return err
	}
	if res.Marker == nil {
		return a.nothingToDo(opt, p)
	}
	choice, err := decider(ctx, res, p.since(res))
	if err != nil {
		return err
	}
	if choice.Left != "" {
		return a.leave(opt, p, choice)
	}
	return a.settle(ctx, opt, p, res, choice.Decision)
}

// settle carries a decision out on the environment that p opened. The result
// of rendering it is given where it is at hand.
func (a *app) settle(ctx context.Context, opt decideOptions, p *place, res *render.Result, d promote.Decision) error {
	repo, err := opt.repo(ctx, p)
	if err != nil {
		return err
	}
	e, err := promote.Prepare(ctx, p.Request, promote.Options{Outcome: d.Outcome, Branch: p.branch, Rendered: res})
	if errors.Is(err, promote.ErrNoCandidate) {
		return a.nothingToDo(opt, p)
	}
	if err != nil {
		return a.explainLaw(err)
	}
	if err := e.Guard(d); err != nil {
		return a.unlessRepeated(opt, p, err, func() (history.Past, error) { return p.memory(ctx, opt.commits) })
	}
	if err := e.Unambiguous(d, func() (history.Past, error) { return p.memory(ctx, opt.commits) }); err != nil {
		return err
	}
	return a.carryOut(ctx, opt, p, repo, e, d)
}

// repo is where --commit commits; nil without it.
func (o decideOptions) repo(ctx context.Context, p *place) (*local.Repo, error) {
	if !o.commit {
		return nil, nil
	}
	repo, err := local.Open(ctx, p.root)
	if err != nil {
		return nil, fmt.Errorf("--commit: %w", err)
	}
	return repo, nil
}

// carryOut makes the edit in the work tree, or prints it.
func (a *app) carryOut(ctx context.Context, opt decideOptions, p *place, repo *local.Repo, e *promote.Edit, d promote.Decision) error {
	r, err := newReport(p, e, d)
	if err != nil {
		return err
	}
	if opt.dryRun {
		return a.reportDryRun(opt, e, r)
	}
	if opt.commit {
		if err := p.committable(ctx, repo, e); err != nil {
			return err
		}
		r.Committed = true
	}
	if err := a.write(ctx, func() error { return worktree.Write(ctx, p.root, e, r.commit(repo, opt.commit)) }); err != nil {
		return err
	}
	return a.report(opt, r)
}

// branch is the one that is checked out; empty where there is none.
func (p *place) branch(ctx context.Context) (string, error) {
	if p.session != nil {
		return p.session.Branch, nil
	}
	repo, err := local.Open(ctx, p.root)
	if errors.Is(err, local.ErrNoRepo) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return repo.Branch(ctx)
}

// committable refuses a commit that would hold what people have not committed,
// or that would not hold what was proven.
func (p *place) committable(ctx context.Context, repo *local.Repo, e *promote.Edit) error {
	own := func(name string) bool {
		if worktree.IsStaged(name) {
			return true
		}
		for _, f := range e.Files {
			if f.Path == name && strings.HasPrefix(filepath.Base(name), "candidate.") {
				return true
			}
		}
		return false
	}
	dirty, err := repo.Dirty(ctx, p.Dir, own)
	if err != nil {
		return err
	}
	if len(dirty) > 0 {
		return fmt.Errorf("--commit: %s differs from the last commit: commit or stash it first, so that the commit holds what was proven and nothing else", listed(dirty))
	}
	return nil
}

// resume finishes what an earlier decision left undone when it was killed.
func (a *app) resume(ctx context.Context, opt decideOptions, p *place, outcome promote.Outcome) (done bool, err error) {
	record, err := worktree.Interrupted(p.root, p.Dir, p.Name)
	if record == nil || err != nil {
		return false, err
	}
	if opt.dryRun {
		return false, fmt.Errorf("%s: %w", p.arg, worktree.ErrInterrupted)
	}
	repo, err := opt.repo(ctx, p)
	if err != nil {
		return false, err
	}
	r := &report{place: p}
	err = a.write(ctx, func() error {
		record, err = worktree.Resume(ctx, p.root, p.Dir, p.Name, outcome, r.commit(repo, opt.commit))
		return err
	})
	if err != nil {
		return false, err
	}
	a.notef("this finishes a decision that was interrupted")
	return true, a.report(opt, r.of(record, opt.commit))
}

func (a *app) nothingToDo(opt decideOptions, p *place) error {
	if opt.format == formatJSON {
		return a.reportJSON(&report{Outcome: "none", Environment: p.Environment})
	}
	a.notef("%s has no candidate: nothing to do", p.arg)
	return nil
}

// unlessRepeated is the error, unless it says that a decision means another
// candidate than the one under test, and the past tells that it was carried out
// before: then there is nothing to do.
func (a *app) unlessRepeated(opt decideOptions, p *place, err error, recall func() (history.Past, error)) error {
	var another *promote.AnotherError
	if !errors.As(err, &another) {
		return err
	}
	past, unknown := recall()
	d, known, ambiguous := history.Last(past.Decisions, another.Decision.ID)
	if unknown != nil || ambiguous != nil || !known || d.Outcome != string(another.Decision.Outcome) {
		return err
	}
	if opt.format == formatJSON {
		return a.nothingToDo(opt, p)
	}
	a.notef("%s candidate %s%s in commit %s before: nothing to do", done(promote.Outcome(d.Outcome)), called(d.Candidate), inBrackets(d.Experiment), git.Short(d.Commit))
	return nil
}

// explainLaw shows people the difference that a law does not allow.
func (a *app) explainLaw(err error) error {
	var law *promote.LawError
	if !errors.As(err, &law) {
		return err
	}
	const most = 5
	out := &output{"the difference", defaultOutputBytes, defaultOutputBytes}
	for _, d := range law.Differences[:min(most, len(law.Differences))] {
		item, err := compareObject(d, out)
		if err != nil {
			return err
		}
		a.notef("%s\n%s", item.Object, strings.TrimSuffix(item.Diff, "\n"))
	}
	return err
}
