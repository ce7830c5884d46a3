// Package audit holds the history of an environment against what promotions
// allow: no target changes without one.
//
//  1. Against renders the environment as it was where the branches part, and as
//     it is. Where no target differs, nothing is to be accounted for.
//  2. It renders each commit since, once, and its parents. A target that is gone
//     for a while is held against what it was before that (seen.go).
//  3. A commit that promotes is held against what was under test before it, one
//     that reverts against what was before the promotion. Any other change of a
//     target is reported with its commit, and so is what is not committed.
package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Options say what to hold against promotions.
type Options struct {
	Since  string       // the revision after which the commits are looked at
	Limits envfs.Limits // of reading each commit

	// Signers is a file of keys, as ssh-keygen reads allowed signers: a commit that
	// permits a change has to be covered by a signature of one of them. Empty: none
	// has to be.
	Signers string
}

// audit looks for targets that changed since a revision without a decision.
type audit struct {
	render.Request
	Options
	repo   *local.Repo
	known  map[string]*render.Result // by commit; nil where it has no such environment
	base   *render.Result            // what all commits stand on; nil where it has no such environment
	plans  []*spec.Plan              // of base and of now: no commit can take a target out of both
	seen   map[string]past           // by commit
	report Report
}

// Report is what is wrong with the commits since a revision, and what people
// should know of them.
type Report struct {
	Changed []string // targets that changed without a promotion, each with its commit
	ByHand  []string // commits, in short, by which people promoted
	Claims  []string // commits, in short, that claim a verdict on what they promote
}

// Against looks at the commits since a revision. The request is for the
// environment in the work tree of the repository, and now what it renders to.
//
// Trees prove that what was promoted is what was tested, never that it passed:
// that is what the commit claims, unless a signature covers it.
//
// A commit accounts for a change if it says that it promotes this environment,
// and renders to what was under test before it; or that it reverts a promotion,
// and renders to what was before that. A merge accounts for what one of its
// parents has, unless that is how it was before the revision and another has it newer.
func Against(ctx context.Context, repo *local.Repo, req render.Request, opt Options, now *render.Result) (Report, error) {
	base, err := repo.Base(ctx, opt.Since, "HEAD")
	if err != nil {
		return Report{}, err
	}
	a := &audit{Request: req, Options: opt, repo: repo, known: map[string]*render.Result{}, seen: map[string]past{}}
	if a.base, err = a.at(ctx, base); err != nil || a.base == nil {
		return Report{}, err
	}
	a.plans = []*spec.Plan{a.base.Plan, now.Plan}
	if len(a.altered(now, past{objects: objectsOf(a.base)})) == 0 {
		return Report{}, nil
	}
	commits, err := repo.Log(ctx, base, "HEAD")
	if err != nil {
		return Report{}, err
	}
	head, err := repo.Resolve(ctx, "HEAD")
	if err != nil {
		return Report{}, err
	}
	for _, c := range commits {
		if err := a.commit(ctx, c); err != nil {
			return Report{}, err
		}
	}
	last, err := a.before(ctx, head)
	if err != nil {
		return Report{}, err
	}
	for _, key := range a.altered(now, last) {
		a.report.Changed = append(a.report.Changed, fmt.Sprintf("%s, in files that are not committed", key))
	}
	return a.report, nil
}

// commit holds one commit against its parents.
func (a *audit) commit(ctx context.Context, c git.Entry) error {
	now, err := a.at(ctx, c.ID)
	if err != nil {
		return err
	}
	var parents []past
	for _, id := range c.Parents {
		parent, err := a.before(ctx, id)
		if err != nil {
			return err
		}
		parents = append(parents, parent)
	}
	if len(parents) == 0 { // a history of its own is held against what it is merged into
		parents = []past{{objects: objectsOf(a.base)}}
	}
	a.seen[c.ID] = later(objectsOf(now), parents...)
	changed := a.altered(now, parents...)
	if len(changed) == 0 {
		return nil
	}
	told, ok := history.Parse(c)
	switch {
	case ok && told.Environment == a.Environment && told.Outcome == decision.Promote:
		return a.promotion(ctx, c, told, now, changed)
	case ok && told.Environment == a.Environment && told.Outcome == decision.Revert:
		return a.reversal(ctx, c, told, now)
	}
	for _, key := range changed {
		a.blame(c, key, "")
	}
	return nil
}

// blame reports a change for which a commit does not account.
func (a *audit) blame(c git.Entry, what any, why string) {
	a.report.Changed = append(a.report.Changed, fmt.Sprintf("%s, in commit %s%s", what, git.Short(c.ID), why))
}

// promotion holds a commit that promotes, and changes targets, against what was under
// test before it.
func (a *audit) promotion(ctx context.Context, c git.Entry, told history.Record, now *render.Result, changed []object.Key) error {
	tested := false
	for _, id := range c.Parents {
		parent, err := a.at(ctx, id)
		if err != nil {
			return err
		}
		if parent == nil || parent.Marker == nil {
			continue
		}
		tested = true
		for _, d := range object.Diff(object.Applied(parent.Candidate), object.Applied(now.Baseline)) {
			a.blame(c, d.Key, ", which promotes something other than what was tested")
		}
	}
	if !tested {
		for _, key := range changed {
			a.blame(c, key, ", which promotes what was not under test")
		}
	}
	if told.Engine == history.ByHand {
		a.report.ByHand = append(a.report.ByHand, git.Short(c.ID))
	} else {
		a.report.Claims = append(a.report.Claims, git.Short(c.ID))
	}
	return a.signed(ctx, c, told)
}

// signed wants a trusted signature on a commit that permits a change.
func (a *audit) signed(ctx context.Context, c git.Entry, told history.Record) error {
	if a.Signers == "" {
		return nil
	}
	covered, err := a.repo.Covered(ctx, c.ID, a.Signers)
	if err == nil && !covered {
		a.blame(c, told.Environment, ", which no signature of an allowed signer covers")
	}
	return err
}

// reversal holds a commit that reverts against what was before the promotion.
func (a *audit) reversal(ctx context.Context, c git.Entry, told history.Record, now *render.Result) error {
	p, err := a.repo.Commit(ctx, told.Reverts)
	if err != nil {
		return fmt.Errorf("commit %s reverts a promotion: %w", git.Short(c.ID), err)
	}
	promoted, ok := history.Parse(p)
	if !ok && len(p.Parents) == 2 { // the merge of a pull request, whose head tells
		head, err := a.repo.Commit(ctx, p.Parents[1])
		if err != nil {
			return err
		}
		promoted, ok = history.Parse(head)
	}
	if !ok || promoted.Outcome != decision.Promote || promoted.Environment != told.Environment || len(p.Parents) == 0 || len(c.Parents) == 0 {
		a.blame(c, told.Environment, ", which reverts a commit that promotes nothing there")
		return nil
	}
	if why, err := a.unproven(ctx, c, p); why != "" || err != nil {
		a.blame(c, told.Environment, why)
		return err
	}
	var stages [3]*render.Result
	for i, id := range []string{p.ID, c.Parents[0], p.Parents[0]} {
		if stages[i], err = a.at(ctx, id); err != nil {
			return err
		}
		if stages[i] == nil {
			stages[i] = &render.Result{}
		}
	}
	want, _ := object.Merge(stages[0].Baseline, stages[1].Baseline, stages[2].Baseline)
	for _, d := range object.Diff(object.Applied(want), object.Applied(now.Baseline)) {
		a.blame(c, d.Key, ", which reverts to something other than what was before the promotion")
	}
	return a.signed(ctx, c, told)
}

// unproven says why a commit is not a promotion that another one may revert. That it
// claims to be one proves nothing: what was before it would be of its choice.
func (a *audit) unproven(ctx context.Context, c, p git.Entry) (string, error) {
	base, err := a.repo.Base(ctx, p.ID, c.ID)
	if errors.Is(err, local.ErrUnrelated) || err == nil && base != p.ID {
		return ", which reverts a commit that is not in its history", nil
	}
	if err != nil {
		return "", err
	}
	before, err := a.at(ctx, p.Parents[0])
	if err != nil {
		return "", err
	}
	after, err := a.at(ctx, p.ID)
	if err != nil {
		return "", err
	}
	if before == nil || after == nil || before.Marker == nil || len(object.Diff(object.Applied(before.Candidate), object.Applied(after.Baseline))) > 0 {
		return ", which reverts a commit that does not promote what was under test", nil
	}
	return "", nil
}

// at renders the environment as a commit has it; nil where it has none.
func (a *audit) at(ctx context.Context, commit string) (*render.Result, error) {
	if res, ok := a.known[commit]; ok {
		return res, nil
	}
	tree, err := a.repo.Tree(ctx, commit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tree.Close() }()
	req := a.Request
	req.FS = envfs.New(tree, a.Options.Limits)
	res, err := render.Environment(ctx, req)
	if err != nil {
		// Its candidate may be what does not render: the baseline counts.
		if name, nameErr := spec.CandidateFile(a.Name); nameErr == nil {
			req.FS = req.FS.With(map[string][]byte{path.Join(a.Dir, name): nil})
			res, err = render.Environment(ctx, req)
		}
	}
	if ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		res = nil
		if _, statErr := req.FS.Stat(a.Dir); !errors.Is(statErr, fs.ErrNotExist) {
			return nil, fmt.Errorf("commit %s does not render, so that nothing says what it changed: %w", git.Short(commit), err)
		}
	}
	a.known[commit] = res
	return res, nil
}
