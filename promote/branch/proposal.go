package branch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/span"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// Proposal is what is to be committed on a tip, proven on it.
type Proposal struct {
	Base   string // the tip
	Files  []git.File
	Record history.Record
	Title  string
	Body   string // of the commit's message
	Method string // push or pull-request

	Auto bool // merge the pull request as soon as the forge lets us

	Edit     *promote.Edit // of a promotion or a rejection
	Decision promote.Decision
	Rendered *render.Result // at the tip; nil where it does not render

	again Step // makes it on another commit; nil: as it was made
}

// The ways of a proposal to the branch, as the plan names them.
const (
	Push        = "push"
	PullRequest = "pull-request"
)

// Message is that of the commit.
func (p *Proposal) Message() string { return p.Record.Message(p.Title, p.Body) }

// Step makes a proposal on a tip, nil where there is nothing to do. It is
// called again on every new tip, and on older commits to tell what was made
// there.
type Step func(ctx context.Context, base remote.Base) (*Proposal, error)

// decision makes the proposal of a promotion or a rejection; none for a
// candidate that is left, or where there is none.
func (s Server) decision(ctx context.Context, base remote.Base, decide promote.Decider) (*Proposal, promote.Choice, error) {
	req := s.View.In(base.Tree)
	if err := Present(req); err != nil {
		return nil, promote.Choice{}, err
	}
	rendering, end := span.Start(ctx, "render")
	res, broken := render.Environment(rendering, req)
	end(broken)
	if broken == nil && res.Marker == nil {
		return nil, promote.NoCandidate(req, res).Choice, nil
	}
	choice, err := s.choose(ctx, base, decide, res, broken)
	if err != nil || choice.Held != "" {
		return nil, choice, err
	}
	proving, end := span.Start(ctx, "prove")
	e, err := promote.Prepare(proving, req, promote.Options{
		Outcome: choice.Outcome, Rendered: res,
		Branch: func(context.Context) (string, error) { return s.Branch, nil },
	})
	end(err)
	if errors.Is(err, promote.ErrNoCandidate) {
		return nil, promote.Choice{}, nil
	}
	if err == nil {
		err = e.Guard(choice.Decision)
	}
	if err == nil {
		err = e.Unambiguous(choice.Decision, func() (history.Past, error) { return s.past(ctx, e.Environment) })
	}
	if err != nil {
		return nil, choice, err
	}
	p, err := s.propose(base, e, choice.Decision)
	if p != nil {
		p.Rendered, p.again = res, s.repeat(e)
	}
	return p, choice, err
}

// repeat makes the edit on another commit, whatever is decided by now.
func (s Server) repeat(e *promote.Edit) Step {
	return func(ctx context.Context, base remote.Base) (*Proposal, error) {
		p, _, err := s.decision(ctx, base, promote.OutsideWindows(promote.ByHand(e.Outcome, "", digest.Selector(e.Digest))))
		return p, err
	}
}

// since tells when the branch began to hold what is under test at a tip.
func (s Server) since(base remote.Base, res *render.Result) func(context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) {
		commits, err := s.Repo.FirstParents(ctx, s.Branch, s.Commits)
		if err != nil {
			return time.Time{}, err
		}
		defer commits.Close()
		return promote.UnderTestSince(ctx, commits, base.Commit, res.Digest, s.View.In)
	}
}

// choose asks the decider. What does not render is decided by hand alone.
func (s Server) choose(ctx context.Context, base remote.Base, decide promote.Decider, res *render.Result, broken error) (promote.Choice, error) {
	as := func(ctx context.Context, view promote.View) (*render.Result, error) {
		return render.Environment(ctx, view.In(base.Tree))
	}
	judging, end := span.Start(ctx, "verdict")
	choice, err := decide.Choose(judging, promote.Tip{Rendered: res, Since: s.since(base, res), As: as})
	end(err)
	if err != nil && broken != nil {
		return choice, broken
	}
	return choice, err
}

// propose is the proposal to make an edit on a tip, in the way of the plan.
func (s Server) propose(base remote.Base, e *promote.Edit, d promote.Decision) (*Proposal, error) {
	rec, err := e.Record(d)
	if err != nil {
		return nil, err
	}
	// What takes a change back should not wait for a click either.
	method := e.Plan.Spec.Promotion.Reject
	if e.Outcome == decision.Promote {
		method = e.Plan.Spec.Promotion.Method
	}
	return &Proposal{
		Base: base.Commit, Files: e.Files, Record: rec, Title: e.Title(), Body: d.Reason,
		Method: method, Auto: e.Plan.Spec.Promotion.Merge == "auto", Edit: e, Decision: d,
	}, nil
}

// Present says what is wrong with an environment that is not a directory.
func Present(req render.Request) error {
	info, err := req.FS.Stat(req.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not a directory of the branch: correct the path", req.Dir)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is a file of the branch: name the environment's directory", req.Dir)
	case git.IsSubmodule(info):
		return fmt.Errorf("%s is a submodule, whose files are in a repository of their own: name that one", req.Dir)
	}
	return nil
}
