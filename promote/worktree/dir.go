package worktree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// Dir is an environment in a directory of this machine.
type Dir struct {
	Root    string       // the repository's directory
	Apart   bool         // Root is not a repository: each environment below it is one of its own
	View    promote.View // how the environment is read there
	Process git.Process

	// State is the user's directory for state, where a crash is recorded without
	// Git: $XDG_STATE_HOME, as a rule ~/.local/state.
	State string

	Note func(string) // told what people should know; nil is quiet

	Commits int  // how far back the history is read
	Commit  bool // make one commit of each edit, of these files alone
	DryRun  bool // make and prove what is asked for, and write nothing

	// AllowDetached lets a commit be made where no branch is checked out.
	AllowDetached bool

	// Hold runs what replaces files, and keeps the process from ending half way;
	// nil runs it as it is.
	Hold func(ctx context.Context, replace func() error) error

	step func(string) // called before each step that a crash could separate; may be nil
}

func (d Dir) env() spec.Environment { return d.View.Request.Environment }

// real is the environment's directory with every link followed, relative to Root.
func (d Dir) real() string {
	dir := path.Clean(d.env().Dir)
	root, err := filepath.EvalSymlinks(d.Root)
	if err != nil {
		return dir
	}
	at, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(dir)))
	if err != nil {
		return dir
	}
	if rel, err := filepath.Rel(root, at); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return dir
}

// Decide promotes or rejects the candidate under test, or leaves it. What an
// earlier decision left undone when it was killed is finished instead: a decision
// that wants another outcome is an error.
//
// A verdict on another candidate than the one under test is not an error: the
// Result's Choice.Held is decision.Superseded.
func (d Dir) Decide(ctx context.Context, decide promote.Decider) (*promote.Result, error) {
	if r, err := d.finish(ctx, decide.Wanted); r != nil || err != nil {
		return r, err
	}
	req, err := d.View.At(d.Root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = req.FS.Close() }()
	res, broken := render.Environment(ctx, req)
	if broken == nil && res.Marker == nil {
		return promote.NoCandidate(req, res), nil
	}
	choice, err := decide.Choose(ctx, promote.Tip{Rendered: res, Since: d.since(res)})
	switch {
	case err != nil && broken != nil:
		return nil, broken
	case err != nil:
		return nil, err
	case choice.Held != "":
		return promote.LeftAlone(d.env(), choice), nil
	}
	e, err := promote.Prepare(ctx, req, promote.Options{Outcome: choice.Outcome, Branch: d.Branch, Rendered: res})
	if errors.Is(err, promote.ErrNoCandidate) {
		return promote.Nothing(d.env()), nil
	}
	if err != nil {
		return nil, err
	}
	if err := e.Guard(choice.Decision); err != nil {
		return d.unlessRepeated(ctx, err)
	}
	if err := e.Unambiguous(choice.Decision, func() (history.Past, error) { return d.memory(ctx) }); err != nil {
		return nil, err
	}
	return d.carryOut(ctx, e, choice.Decision, req.FS.Charged())
}

// unlessRepeated is the error, unless it says that a decision means another
// candidate than the one under test, and the past tells that it was carried out
// before: then there is nothing to do.
func (d Dir) unlessRepeated(ctx context.Context, err error) (*promote.Result, error) {
	var another *promote.AnotherError
	if !errors.As(err, &another) {
		return nil, err
	}
	if past, unknown := d.memory(ctx); unknown == nil {
		if r := promote.Repeated(d.env(), another, past); r != nil {
			return r, nil
		}
	}
	return nil, err
}

// Revert undoes a promotion that the branch which is checked out tells of, for a
// reason.
func (d Dir) Revert(ctx context.Context, target promote.Target, reason string) (*promote.Result, error) {
	if r, err := d.finish(ctx, decision.Revert); r != nil || err != nil {
		return r, err
	}
	repo, err := local.Open(ctx, d.Root, d.Process)
	if err != nil {
		return nil, err
	}
	past, err := d.Past(ctx)
	if err != nil {
		return nil, err
	}
	if target.Commit != "" {
		if target.Commit, err = repo.Resolve(ctx, target.Commit); err != nil {
			return nil, &promote.CommitError{Err: err}
		}
	}
	promotion, err := target.Find(past)
	if err != nil {
		return nil, err
	}
	if by, ok := promotion.Reverted(past.Decisions); ok {
		return promote.Undone(d.env(), promotion, promote.UndoneBy(by)), nil
	}
	req, err := d.View.At(d.Root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = req.FS.Close() }()
	e, err := promote.PrepareUndo(ctx, req, d.View, repo.Tree, promotion)
	if errors.Is(err, promote.ErrReverted) {
		return promote.Undone(d.env(), promotion, promote.UndoneInFiles), nil
	}
	if err != nil {
		return nil, err
	}
	return d.carryOut(ctx, e, promote.Decision{Outcome: decision.Revert, Reason: reason}, req.FS.Charged())
}

// carryOut makes the edit in the directory, unless it is only to be shown. It was
// proven on the files that were read.
func (d Dir) carryOut(ctx context.Context, e *promote.Edit, decision promote.Decision, read []string) (*promote.Result, error) {
	rec, err := e.Record(decision)
	if err != nil {
		return nil, err
	}
	r := promote.Proven(e, decision, rec)
	if d.DryRun {
		r.DryRun = true
		return r, nil
	}
	var commit *commit
	if d.Commit {
		repo, err := d.toCommit(ctx)
		if err != nil {
			return nil, err
		}
		if err := only(ctx, repo, d.real(), e.Files, read); err != nil {
			return nil, err
		}
		commit = commitTo(repo, rec.Message(e.Title(), decision.Reason))
	}
	r.Committed = d.Commit
	if !d.Commit {
		_, err := local.Open(ctx, d.Root, d.Process)
		r.Untold = err == nil
	}
	return r, d.hold(ctx, func() error { return d.write(ctx, newRecord(e), e.Files, commit) })
}

// ErrDetached is returned where a commit would be on no branch.
var ErrDetached = errors.New("HEAD is detached, as CI checks out, and no branch would have the commit: check out a branch first")

// toCommit is the repository to make a commit in.
func (d Dir) toCommit(ctx context.Context) (*local.Repo, error) {
	repo, err := local.Open(ctx, d.Root, d.Process)
	if err != nil {
		return nil, fmt.Errorf("make a commit: %w", err)
	}
	branch, err := repo.Branch(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("make a commit: %w", err)
	case branch != "":
	case !d.AllowDetached:
		return nil, fmt.Errorf("make a commit: %w", ErrDetached)
	case d.Note != nil:
		d.Note("HEAD is detached: no branch has the commit until you push or merge it")
	}
	return repo, nil
}

// finish finishes what an earlier decision left undone when it was killed; nil
// where there is nothing to finish.
func (d Dir) finish(ctx context.Context, wanted decision.Outcome) (*promote.Result, error) {
	d.foreign()
	record, err := d.Interrupted(ctx)
	if record == nil || err != nil {
		return nil, err
	}
	if d.DryRun {
		return nil, fmt.Errorf("%s: %w", d.env(), ErrInterrupted)
	}
	var commit *commit
	if d.Commit {
		repo, err := d.toCommit(ctx)
		if err != nil {
			return nil, err
		}
		commit = commitTo(repo, "") // the record knows the commit
	}
	err = d.hold(ctx, func() error {
		record, err = d.resume(ctx, wanted, commit)
		return err
	})
	if record == nil || err != nil {
		return nil, err
	}
	return record.result(d.Commit), nil
}

// result is what a record tells of the decision that was interrupted.
func (r *Record) result(committed bool) *promote.Result {
	out := &promote.Result{
		Outcome: r.Outcome, Environment: r.Environment, Candidate: r.Candidate, ID: r.ID, Resumed: true,
		Landing: promote.Landing{Committed: committed && r.Commit != ""},
	}
	for _, f := range r.Files {
		out.Files = append(out.Files, promote.Changed{Path: f.Path, Change: promote.ChangeOf(f.Before == "", f.After == "")})
	}
	return out
}

// Past is what the newest commits of the branch that is checked out tell of the
// environment.
func (d Dir) Past(ctx context.Context) (history.Past, error) {
	c, err := readChronicle(ctx, d.Root, d.Process, d.Commits)
	if err != nil {
		return history.Past{}, err
	}
	return c.about(ctx, d)
}

// memory is the past as candidates are refused by it: empty where there is no Git
// to remember anything.
func (d Dir) memory(ctx context.Context) (history.Past, error) {
	past, err := d.Past(ctx)
	if errors.Is(err, local.ErrNoRepo) {
		return history.Past{}, nil
	}
	return past, err
}

// before is the repository as it was before a decision.
func (d Dir) before(ctx context.Context, decision history.Decision) (*envfs.FS, func(), error) {
	repo, err := local.Open(ctx, d.Root, d.Process)
	if err != nil {
		return nil, nil, err
	}
	tree, err := repo.Tree(ctx, decision.Parent)
	if err != nil {
		return nil, nil, err
	}
	return d.View.In(tree).FS, func() { _ = tree.Close() }, nil
}

// Branch is the one that is checked out; empty where there is none.
func (d Dir) Branch(ctx context.Context) (string, error) {
	repo, err := local.Open(ctx, d.Root, d.Process)
	if errors.Is(err, local.ErrNoRepo) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return repo.Branch(ctx)
}

// since tells when the branch that is checked out began to hold what is under
// test. That is not known of what is in no commit.
func (d Dir) since(res *render.Result) func(context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) {
		repo, err := local.Open(ctx, d.Root, d.Process)
		if errors.Is(err, local.ErrNoRepo) {
			return time.Time{}, nil
		}
		if err != nil {
			return time.Time{}, err
		}
		tip, err := repo.Head(ctx)
		if err != nil || tip == "" {
			return time.Time{}, err
		}
		return promote.UnderTestSince(ctx, repo, tip, res.Digest, d.View.In)
	}
}

// foreign tells of a record beside the marker. Earlier versions of Assay kept
// theirs there; anybody can commit one.
func (d Dir) foreign() {
	marker, err := spec.CandidateFile(d.env().Name)
	if err != nil || d.Note == nil {
		return
	}
	name := path.Join(d.env().Dir, "."+marker+recordSuffix)
	if _, err := os.Lstat(filepath.Join(d.Root, filepath.FromSlash(name))); err == nil {
		d.Note(name + " is ignored: a record of an interrupted command does not lie in the repository; remove it")
	}
}

func (d Dir) hold(ctx context.Context, replace func() error) error {
	if d.Hold == nil {
		return replace()
	}
	return d.Hold(ctx, replace)
}

func (d Dir) steps() func(string) {
	if d.step == nil {
		return quiet
	}
	return d.step
}
