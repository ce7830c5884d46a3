package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/visible"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/compare"
	"github.com/assaydev/assay/promote/worktree"
)

// reportDecision tells what became of a decision: in JSON the result, else what
// people should know of it.
func (a *app) reportDecision(s *site, opt decideOptions, r *promote.Result, err error) error {
	if err != nil {
		if r != nil && s.session != nil && r.Commit != "" {
			a.notef("%s", s.landed(r.Landing))
		}
		return a.explain(s, err)
	}
	if r.Choice.Absent && r.Earlier == nil {
		return fmt.Errorf("%s is not an environment: it has neither a plan nor a candidate, and renders no objects; name the directory of one, as assay status lists them", s.arg)
	}
	if r.Resumed {
		a.notef("this finishes a decision that was interrupted")
	}
	a.tellUnfinished(r)
	if opt.format != formatText {
		if err := a.structured(opt.format, r); err != nil {
			return err
		}
	} else {
		a.printDecision(s, r)
	}
	if r.Untold {
		a.nextf("next: commit the files; assay history, revert and candidate set know a decision only if --commit made the commit")
	}
	if opt.exitCode {
		return outcomeOf(r)
	}
	if left := r.Choice.Held; left != "" && left != decision.Superseded || r.Pull != nil && r.Pull.State == promote.Closed {
		return errHeld
	}
	return nil
}

// outcomeOf is the outcome that --exit-code tells. A pull request that people closed
// promotes nothing.
func outcomeOf(r *promote.Result) error {
	outcome := r.Outcome
	if r.Pull != nil && r.Pull.State == promote.Closed {
		outcome = decision.Hold
	}
	return &outcomeError{outcome}
}

// tellUnfinished says which promotion this run does not bring to next
// environments, and what would.
func (a *app) tellUnfinished(r *promote.Result) {
	u := r.Unfinished
	if u == nil {
		return
	}
	a.notef("commit %s promotes candidate %s%s, and its next environments may not have it. It is not brought there, since nothing proves that it was decided: %s",
		git.Short(u.Commit), promote.LabelOf(u.Candidate), inBrackets(u.ID), u.Why)
	if u.ByHand {
		a.notef("to go on: assay promote with the same flags, --id %s and the --reason that was given then", u.Digest)
	} else {
		a.notef("to go on: assay conclude with the same flags and the experiment's objects in --experiment, or --allowed-signers with the key that signed the commit")
	}
}

func (a *app) printDecision(s *site, r *promote.Result) {
	switch {
	case r.Repeats != nil:
		d := r.Repeats
		a.notef("%s candidate %s%s in commit %s before: nothing to do", d.Outcome.Done(), promote.LabelOf(d.Candidate), inBrackets(d.Experiment), git.Short(d.Commit))
	case r.Undone != "":
		a.notef("the promotion of candidate %s%s in commit %s is reverted already, %s: nothing to do", promote.LabelOf(r.Candidate), inBrackets(r.ID), git.Short(r.Reverts), r.Undone)
	case r.Choice.Held == decision.Superseded:
		a.notef("superseded: %s: nothing to do", r.Reason)
	case r.Choice.Shut:
		a.notef("candidate %s (%s) is not promoted: %s", promote.LabelOf(r.Candidate), r.ID, r.Reason)
	case r.Choice.Held != "":
		a.notef("candidate %s (%s) is not promoted: the verdict is %s: %s", promote.LabelOf(r.Candidate), r.ID, r.Choice.Held, r.Reason)
	case r.Outcome == decision.None:
		if d := r.Earlier; d != nil {
			a.notef("the last decision there: %s candidate %s%s in commit %s", d.Outcome, promote.LabelOf(d.Candidate), inBrackets(d.Experiment), git.Short(d.Commit))
		}
		a.notef("%s has no candidate: nothing to do", s.arg)
	case r.DryRun:
		a.printFiles(r.Edit.Files)
		if r.Engine != "" {
			a.notef("would %s candidate %s%s: %s", r.Outcome, promote.LabelOf(r.Candidate), inBrackets(r.ID), excerpt.Of(r.Reason, 300))
		}
		a.tell(r)
	default:
		a.printEdit(s, r)
		a.tell(r)
	}
}

// printFiles prints changes as a unified diff, which git apply takes.
func (a *app) printFiles(files []git.File) {
	for _, f := range files {
		from, to := visible.Quoted("a/"+f.Path), visible.Quoted("b/"+f.Path)
		if f.Before == nil {
			from = "/dev/null"
		}
		if f.After == nil {
			to = "/dev/null"
		}
		a.out.WriteString(udiff.Unified(from, to, string(f.Before), string(f.After)))
	}
}

func (a *app) printEdit(s *site, r *promote.Result) {
	outcome, title := r.Outcome, "what was decided"
	if r.Edit != nil {
		outcome, title = r.Edit.Outcome, r.Edit.Title()
	}
	_, _ = fmt.Fprintf(&a.out, "%s candidate %s%s\n", headline(r.Pull, outcome.Done(), string(outcome)), promote.LabelOf(r.Candidate), inBrackets(r.ID))
	if r.Engine != "" { // by a verdict: people know their own reason
		_, _ = fmt.Fprintf(&a.out, "  because %s\n", excerpt.Of(r.Reason, 300))
		if r.Evidence != "" && r.Evidence != r.Reason {
			_, _ = fmt.Fprintf(&a.out, "  evidence %s\n", excerpt.Of(r.Evidence, 300))
		}
	}
	for _, f := range r.Files {
		lines := ""
		if f.Change == "changed" && f.Added+f.Removed > 0 {
			lines = fmt.Sprintf(" (+%d -%d)", f.Added, f.Removed)
		}
		_, _ = fmt.Fprintf(&a.out, "  %s %s%s\n", f.Change, s.on(f.Path), lines)
	}
	switch {
	case r.Committed:
		_, _ = fmt.Fprintf(&a.out, "  committed %s\n", title)
	case r.Pull != nil:
		_, _ = fmt.Fprintf(&a.out, "  %s\n", r.Pull)
	case r.Commit != "":
		_, _ = fmt.Fprintf(&a.out, "  pushed commit %s to %s\n", git.Short(r.Commit), r.Branch)
	}
}

// headline says what became of something to do: a pull request is a proposal
// until it is merged.
func headline(pull *promote.Pull, done, do string) string {
	switch {
	case pull == nil || pull.State == promote.Merged:
		return done
	case pull.State == promote.Closed, pull.State == promote.Outdated:
		return "not " + done + ":"
	case pull.State == promote.Adopted:
		return "already proposed to " + do
	}
	return "proposed to " + do
}

// tell says on stderr what people should know beside the result.
func (a *app) tell(r *promote.Result) {
	for _, u := range r.Untested {
		a.notef("ships untested: %s", excerpt.Joined(u))
	}
	for _, n := range r.Next {
		where := cli.Join(n.Dir, n.Name, n.Branch, n.Repo)
		switch n.State {
		case promote.Set:
			a.notef("now under test in %s", where)
		case promote.Already:
			a.notef("%s has it already", where)
		case promote.Elsewhere:
			a.notef("%s is on another branch or in another repository: set the candidate there", where)
		}
	}
	if r.Waiting > 0 {
		a.notef("now under test here: the next of %d that waited", r.Waiting)
	}
	if r.Edit != nil {
		a.warn(r.Edit.Warnings)
	}
}

// explain words what a library says of a decision for the command line, and shows
// people the difference that a law does not allow.
func (a *app) explain(s *site, err error) error {
	var law *promote.LawError
	var dirty *worktree.DirtyError
	var unknown *promote.UnknownPromotionError
	var commit *promote.CommitError
	switch {
	case errors.As(err, &commit):
		return fmt.Errorf("--commit-id: %w", commit.Err)
	case errors.As(err, &dirty):
		return fmt.Errorf("--commit: %s differs from the last commit: commit or stash it first, so that the commit holds what was proven and nothing else", excerpt.List(dirty.Files))
	case errors.As(err, &unknown):
		limit := reach(unknown.Past)
		if limit != "" {
			limit = ": " + limit
		}
		return fmt.Errorf("%s: %w%s", s.arg, err, limit)
	case errors.As(err, &law):
		return a.explainLaw(law, err)
	}
	return err
}

func (a *app) explainLaw(law *promote.LawError, err error) error {
	const most = 5
	out := object.NewPrinter("the difference", 0)
	for _, d := range law.Differences[:min(most, len(law.Differences))] {
		item, err := compare.Object(d, out)
		if err != nil {
			return err
		}
		a.notef("%s\n%s", item.Object, strings.TrimSuffix(item.Diff, "\n"))
	}
	return err
}

func inBrackets(id string) string {
	if id == "" {
		return ""
	}
	return " (" + id + ")"
}
