package promote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/gitremote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Server decides candidates of one environment on a branch of a server.
//
//  1. The tip of the branch is fetched, and the step makes a proposal on it: a
//     proven edit, and what its commit tells (propose.go).
//  2. As the plan says, the commit is pushed on that very tip, or offered in a
//     pull request (request.go). Where the branch has moved meanwhile, all
//     starts over from the new tip.
//  3. Pull requests of what is no longer under test are closed.
//  4. Next environments on other branches and in other repositories get the
//     candidate, in order (forward.go). What an earlier run left undone is
//     finished first.
type Server struct {
	Repo   *gitremote.Remote
	Branch string

	// Open gives the environment in a tree of the repository.
	Open func(tree fs.FS) render.Request

	// Forge offers pull requests; nil where there is none. Compare is where
	// people open one by hand.
	Forge   *forge.Client
	Compare func(base, head string) string
	Method  forge.Method // how it merges

	// Another opens another repository, for next environments, and says how to
	// close it.
	Another func(ctx context.Context, url string) (*gitremote.Remote, func(), error)

	Commits int          // how far back the history is read
	Note    func(string) // told what people should know; nil is quiet
}

// Result is what became of one run.
type Result struct {
	Proposal *Proposal // nil: there was nothing to do
	Choice   Choice    // for a candidate that is left as it is
	Commit   string    // on the branch, or the head of the pull request
	Tries    int
	Pull     *Pull  // where the plan asks for one
	Next     []Next // other branches and repositories

	// Earlier is the last decision that the branch tells of, where there is no
	// candidate: it may be the one that was asked for.
	Earlier *history.Decision
}

// Proposal is what is to be committed on a tip, proven on it.
type Proposal struct {
	Base   string // the tip
	Files  []File
	Record history.Record
	Title  string
	Body   string // of the commit's message
	Method string // push or pull-request

	Auto bool // merge the pull request as soon as the forge lets us

	Edit     *Edit // of a promotion or a rejection
	Decision Decision
	Rendered *render.Result // at the tip; nil where it does not render
}

// The ways of a proposal to the branch, as the plan names them.
const (
	Push        = "push"
	PullRequest = "pull-request"
)

// Message is that of the commit.
func (p *Proposal) Message() string { return p.Record.Message(p.Title, p.Body) }

// Step makes a proposal on a tip, nil where there is nothing to do. It is
// called again on every new tip.
type Step func(ctx context.Context, base gitremote.Base) (*Proposal, error)

// Decide promotes or rejects the candidate under test, or leaves it.
func (s Server) Decide(ctx context.Context, decide Decider) (*Result, error) {
	earlier, err := s.finish(ctx)
	if err != nil {
		return nil, err
	}
	var choice Choice
	step := func(ctx context.Context, base gitremote.Base) (p *Proposal, err error) {
		p, choice, err = s.decision(ctx, base, decide)
		return p, err
	}
	r, err := s.Land(ctx, step)
	if err != nil {
		return r, err
	}
	if r.Choice = choice; r.Proposal == nil {
		r.Earlier = earlier
		return r, nil
	}
	return r, s.after(ctx, r)
}

// Preview makes the proposal at the tip, and brings it nowhere.
func (s Server) Preview(ctx context.Context, decide Decider) (*Proposal, Choice, error) {
	tip, err := s.Repo.Tip(ctx, s.Branch)
	if err != nil {
		return nil, Choice{}, err
	}
	tree, err := s.Repo.Tree(ctx, tip)
	if err != nil {
		return nil, Choice{}, err
	}
	defer func() { _ = tree.Close() }()
	return s.decision(ctx, gitremote.Base{Branch: s.Branch, Commit: tip, Tree: tree, Try: 1}, decide)
}

// Land brings a proposal to the branch: by push, or by pull request.
func (s Server) Land(ctx context.Context, step Step) (*Result, error) {
	var r Result
	landing, err := s.Repo.Update(ctx, s.Branch, func(ctx context.Context, base gitremote.Base) (*gitremote.Change, error) {
		p, err := step(ctx, base)
		r = Result{Proposal: p}
		switch {
		case err != nil || p == nil:
			return nil, err
		case p.Method == PullRequest:
			return s.publish(ctx, step, &r)
		}
		return &gitremote.Change{Files: contents(p.Files), Message: p.Message()}, nil
	})
	if err != nil {
		return &r, err
	}
	if r.Tries = landing.Tries; landing.Commit != "" {
		r.Commit = landing.Commit
	}
	if r.Pull != nil && r.Pull.State != Closed {
		err = s.offer(ctx, &r)
	}
	return &r, err
}

// after does what follows from a promotion or a rejection.
func (s Server) after(ctx context.Context, r *Result) error {
	if err := s.closeOthers(ctx, r.Proposal.Record.Environment, r.Pull); err != nil {
		return err
	}
	if r.Pull != nil && r.Pull.State != Merged {
		return nil
	}
	var err error
	r.Next, err = s.forward(ctx, r.Proposal.Record, r.Proposal.Edit.Candidate)
	return err
}

// contents are the files as git takes them.
func contents(files []File) []git.File {
	out := make([]git.File, len(files))
	for i, f := range files {
		out[i] = git.File{Path: f.Path, Data: f.After}
	}
	return out
}

// decision makes the proposal of a promotion or a rejection; none for a
// candidate that is left, or where there is none.
func (s Server) decision(ctx context.Context, base gitremote.Base, decide Decider) (*Proposal, Choice, error) {
	req := s.Open(base.Tree)
	if err := Present(req); err != nil {
		return nil, Choice{}, err
	}
	res, broken := render.Environment(ctx, req)
	if broken == nil && res.Marker == nil {
		return nil, Choice{}, nil
	}
	choice, err := s.choose(ctx, base, decide, res, broken)
	if err != nil || choice.Left != "" {
		return nil, choice, err
	}
	e, err := Prepare(ctx, req, Options{
		Outcome: choice.Outcome, Rendered: res,
		Branch: func(context.Context) (string, error) { return s.Branch, nil },
	})
	if errors.Is(err, ErrNoCandidate) {
		return nil, Choice{}, nil
	}
	if err == nil {
		err = e.Guard(choice.Decision)
	}
	if err != nil {
		return nil, choice, err
	}
	p, err := s.Propose(base, e, choice.Decision)
	if p != nil {
		p.Rendered = res
	}
	return p, choice, err
}

// choose asks the decider. What does not render is decided by hand alone.
func (s Server) choose(ctx context.Context, base gitremote.Base, decide Decider, res *render.Result, broken error) (Choice, error) {
	since := func(ctx context.Context) (time.Time, error) {
		req := s.Open(base.Tree)
		name, err := spec.CandidateFile(req.Name)
		if err != nil {
			return time.Time{}, err
		}
		return s.Repo.Changed(ctx, s.Branch, path.Join(req.Dir, name), s.Commits)
	}
	choice, err := decide(ctx, res, since)
	if err != nil && broken != nil {
		return choice, broken
	}
	return choice, err
}

// Propose is the proposal to make an edit on a tip, in the way of the plan.
func (s Server) Propose(base gitremote.Base, e *Edit, d Decision) (*Proposal, error) {
	rec, err := e.Record(d)
	if err != nil {
		return nil, err
	}
	// What takes a change back should not wait for a click either.
	method := e.Plan.Spec.Promotion.Reject
	if e.Outcome == Promote {
		method = e.Plan.Spec.Promotion.Method
	}
	return &Proposal{
		Base: base.Commit, Files: e.Files, Record: rec, Title: e.Title(), Body: d.Reason,
		Method: method, Auto: e.Plan.Spec.Promotion.Merge == "auto", Edit: e, Decision: d,
	}, nil
}

// Present says what is wrong with an environment that is no directory.
func Present(req render.Request) error {
	info, err := req.FS.Stat(req.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is no directory of the branch: correct the path", req.Dir)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is a file of the branch: name the environment's directory", req.Dir)
	}
	return nil
}

func (s Server) note(format string, args ...any) {
	if s.Note != nil {
		s.Note(fmt.Sprintf(format, args...))
	}
}
