package promote

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/render"
)

// Target is the promotion that a revert undoes, by the ID of its experiment or by
// its commit; the last one where neither is given.
type Target struct {
	ID     digest.Selector
	Commit string
}

// UnknownPromotionError says that no commit records the promotion that is meant.
type UnknownPromotionError struct {
	Target Target
	Past   history.Past // how far it was looked for
}

func (e *UnknownPromotionError) Error() string {
	switch {
	case e.Target.ID != "":
		return "no promotion of " + string(e.Target.ID) + " is recorded"
	case e.Target.Commit != "":
		return "commit " + git.Short(e.Target.Commit) + " records no promotion"
	}
	return "no promotion is recorded"
}

// CommitError says what is wrong with the commit that a target names.
type CommitError struct{ Err error }

func (e *CommitError) Error() string { return "the commit of the promotion: " + e.Err.Error() }

func (e *CommitError) Unwrap() error { return e.Err }

// Find is the promotion in the past of an environment.
func (t Target) Find(past history.Past) (history.Decision, error) {
	d, ok, err := history.Promotion(past.Decisions, t.ID, t.Commit)
	if ok || err != nil {
		return d, err
	}
	if was, ok, err := history.Promotion(past.Earlier, t.ID, t.Commit); ok && err == nil {
		return d, fmt.Errorf("commit %s promoted candidate %s where the environment was then, in %s: undo it with git revert", git.Short(was.Commit), was.Candidate, was.Environment)
	}
	return d, &UnknownPromotionError{t, past}
}

// Whole makes a whole commit ID of the first digits that a target names, among
// the commits that tell of decisions.
func (t Target) Whole(list []history.Decision) (Target, error) {
	if t.Commit == "" {
		return t, nil
	}
	found := ""
	for _, d := range list {
		for _, id := range []string{d.Commit, d.Head} {
			if !strings.HasPrefix(id, t.Commit) || id == found {
				continue
			}
			if found != "" {
				return t, &CommitError{fmt.Errorf("several commits begin like %s: give more digits", t.Commit)}
			}
			found = id
		}
	}
	if found == "" {
		return t, &CommitError{fmt.Errorf("no commit that tells of a decision begins like %s", t.Commit)}
	}
	t.Commit = found
	return t, nil
}

// Trees opens the files of commits. The caller closes them.
type Trees func(ctx context.Context, commit string) (*git.Tree, error)

// PrepareUndo reads what a promotion's commit did, and prepares its undoing
// (PrepareRevert) in the environment as req has it.
func PrepareUndo(ctx context.Context, req render.Request, view View, open Trees, d history.Decision) (*Edit, error) {
	if d.Parent == "" {
		return nil, fmt.Errorf("commit %s promotes, and what was before it is not in this repository: git fetch --unshallow brings it", git.Short(d.Commit))
	}
	before, err := open(ctx, d.Parent)
	if err != nil {
		return nil, err
	}
	defer func() { _ = before.Close() }()
	after, err := open(ctx, d.Commit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = after.Close() }()
	changed, err := git.Diff(before, after)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", git.Short(d.Commit), err)
	}
	// A message is a claim: what is undone is a promotion of what was tested. A
	// marker that was never committed is in no tree; then the word of the person who
	// reverts counts.
	if _, err := Tested(ctx, view.In(before), view.In(after)); err != nil && !errors.Is(err, ErrUntested) {
		return nil, fmt.Errorf("commit %s says that it promotes, and that does not hold: %w; undo it by hand", git.Short(d.Commit), err)
	}
	return PrepareRevert(ctx, req, Promotion{
		Commit: d.Commit, ID: d.Experiment, Digest: d.Digest, Candidate: d.Candidate, Changed: changed,
		Before: view.In(before).FS, After: view.In(after).FS,
	})
}
