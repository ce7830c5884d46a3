package promote

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Server decides candidates of one environment on a branch of a server.
type Server struct {
	Repo   *remote.Remote
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
	Another func(ctx context.Context, url string) (*remote.Remote, func(), error)

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

// Decide promotes or rejects the candidate under test, or leaves it. What an
// earlier run left undone is finished first, so that next environments get one
// candidate after the other.
//
// A verdict on another candidate than the one under test is no error: the
// Result's Choice.Left is Superseded, and the pull request that the other one
// had is closed.
func (s Server) Decide(ctx context.Context, decide Decider) (*Result, error) {
	before, err := s.finish(ctx)
	if err != nil {
		return nil, err
	}
	var choice Choice
	var env spec.Environment
	var first *Proposal
	r, err := s.Land(ctx, func(ctx context.Context, base remote.Base) (p *Proposal, err error) {
		env = s.Open(base.Tree).Environment
		if p, choice, err = s.decision(ctx, base, decide); p == nil || err != nil {
			return p, err
		}
		// Who does not say which candidate is meant means one, and never what
		// takes its place while this runs. A tree that could not be read does not
		// tell: it is read again.
		if base.Tree.Failed() != nil {
			return p, nil
		}
		if first == nil {
			first = p
		}
		if choice.ByHand() && choice.ID == "" && p.subject() != first.subject() {
			return nil, &AnotherError{choice.Decision, p.Edit}
		}
		return p, nil
	})
	if err != nil {
		return r, err
	}
	r.Choice = choice
	switch {
	case r.Proposal != nil:
		return r, s.after(ctx, r)
	case choice.Left != "":
		s.tidy(ctx, env, nil)
		return r, nil
	case !before.idle:
		// The candidate went away since: maybe by a push of ours whose answer was lost.
		if before, err = s.finish(ctx); err != nil {
			return r, err
		}
	}
	r.Earlier = before.last
	return r, nil
}

// Preview makes the proposal at the tip, and brings it nowhere.
func (s Server) Preview(ctx context.Context, decide Decider) (p *Proposal, choice Choice, err error) {
	err = s.AtTip(ctx, func(ctx context.Context, base remote.Base) (err error) {
		p, choice, err = s.decision(ctx, base, decide)
		return err
	})
	return p, choice, err
}

// after does what follows from a promotion or a rejection.
func (s Server) after(ctx context.Context, r *Result) error {
	s.tidy(ctx, r.Proposal.Record.Environment, r.Pull)
	if r.Proposal.Edit.Outcome != Promote || r.Pull != nil && r.Pull.State != Merged {
		return nil
	}
	to := elsewhere(r.Proposal.Edit.Plan, s.Branch)
	if len(to) == 0 {
		return nil
	}
	var err error
	r.Next, err = s.forward(ctx, winner{r.Proposal.Record, r.Commit, r.Proposal.Edit.Candidate}, to)
	return err
}

func (s Server) note(format string, args ...any) {
	if s.Note != nil {
		s.Note(fmt.Sprintf(format, args...))
	}
}
