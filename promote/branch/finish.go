package branch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// found is how an environment is found.
type found struct {
	idle bool              // it has no candidate
	last *history.Decision // the newest, where that was looked for

	unfinished *promote.Unfinished // a promotion that is not taken up
}

// finish takes up what an earlier run left undone: what the pending outcomes of pull
// requests came to, and next environments that the last promotion did not reach.
// The history is fetched only for that: where the plan names next environments
// elsewhere, or there is no candidate.
//
// A commit's message is a claim: a promotion goes on to next environments only if
// this run can prove it, by what decides now.
func (s Server) finish(ctx context.Context, decide promote.Decider) (now found, err error) {
	err = s.atTip(ctx, func(ctx context.Context, base remote.Base) (err error) {
		now, err = s.finishAt(ctx, base, decide)
		return err
	})
	return now, err
}

func (s Server) finishAt(ctx context.Context, base remote.Base, decide promote.Decider) (found, error) {
	req := s.View.In(base.Tree)
	if err := Present(req); err != nil {
		return found{}, err
	}
	env := req.Environment
	// What is wrong with a plan or a marker is told when they are used.
	var to []spec.Destination
	if plan, err := render.Plan(req); err == nil {
		to = elsewhere(plan, s.Branch)
	}
	m, err := marker.Read(req.FS, req.Dir, req.Name)
	now := found{idle: err == nil && len(m.Candidates) == 0}
	if now.idle {
		s.closeSuperseded(ctx, env, nil)
	}
	if err := s.closePending(ctx, env); err != nil {
		return now, err
	}
	if !now.idle && len(to) == 0 {
		return now, nil
	}
	past, err := s.past(ctx, env)
	if err != nil || len(past.Decisions) == 0 {
		return now, err
	}
	if i := slices.IndexFunc(past.Decisions, history.Decision.Decides); i >= 0 {
		now.last = &past.Decisions[i]
	}
	now.unfinished, err = s.resume(ctx, past.Decisions, to, decide)
	if err != nil && !now.idle && ctx.Err() == nil {
		// What is under test now does not wait for what an earlier one did not reach.
		s.note("%v", err)
		err = nil
	}
	return now, err
}

// resume goes on with next environments that the last promotion did not reach.
// The plan names them: it may have been mended since. A promotion that is not
// proven is returned.
func (s Server) resume(ctx context.Context, list []history.Decision, to []spec.Destination, decide promote.Decider) (*promote.Unfinished, error) {
	i := slices.IndexFunc(list, func(d history.Decision) bool { return d.Outcome == decision.Promote || d.Outcome == decision.Revert })
	if i < 0 || len(list[i].Next) == 0 || len(to) == 0 {
		return nil, nil
	}
	d := list[i]
	done, _, err := s.isPropagated(ctx, history.PropagatedRef(s.Branch, d.Environment), d.Promotion)
	if done || err != nil {
		return nil, err
	}
	p, err := s.passed(ctx, d, decide)
	var unproven *unprovenError
	if errors.As(err, &unproven) {
		return &promote.Unfinished{
			Commit: d.Commit, Candidate: d.Candidate, ID: d.Experiment, Digest: string(d.Digest),
			ByHand: d.Engine == history.ByHand, Why: excerpt.Line(unproven.Error()),
		}, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = s.propagate(ctx, p, to)
	return nil, err
}

// unprovenError says why a promotion that a commit claims is not taken up.
type unprovenError struct{ error }

func (e *unprovenError) Unwrap() error { return e.error }

// passed proves a promotion that a commit claims: that it promoted what was under
// test before it, by their trees; and that this passed, by a signature that the
// operator trusts, or by who decides now: the verdict of the objects at hand, or
// people who name the very experiment, with the reason that the commit has.
func (s Server) passed(ctx context.Context, d history.Decision, decide promote.Decider) (propagation, error) {
	res, forms, err := s.tested(ctx, d)
	if err != nil {
		return propagation{}, err
	}
	rec := d.Record
	promotion, err := history.PromotionID(s.View.Request.Environment, res.Digest, *res.Marker)
	if err != nil {
		return propagation{}, err
	}
	if rec.Promotion != promotion || rec.Digest != res.Digest {
		return propagation{}, &unprovenError{errors.New("it tells of an experiment other than the one that was under test before it")}
	}
	if s.Signers != "" {
		covered, err := s.Repo.Covered(ctx, cmp.Or(d.Head, d.Commit), s.Signers)
		if err != nil {
			return propagation{}, err
		}
		if covered {
			return propagation{rec, d.Commit, forms}, nil
		}
	}
	choice, err := decide.Choose(ctx, promote.Tip{Rendered: res, AnyTime: true})
	switch {
	case ctx.Err() != nil:
		return propagation{}, err
	case err != nil:
		return propagation{}, &unprovenError{err}
	case choice.Held != "":
		return propagation{}, &unprovenError{fmt.Errorf("the verdict is %s: %s", choice.Held, choice.Reason)}
	case choice.Outcome != decision.Promote:
		return propagation{}, &unprovenError{fmt.Errorf("this run is to %s", choice.Outcome)}
	case choice.ByHand() && (choice.ID == "" || !choice.ID.Selects(res.Digest) || !rec.Gives(choice.Reason)):
		return propagation{}, &unprovenError{errors.New("nobody has named its experiment now, with the reason that it gives")}
	case !choice.ByHand() && choice.Digest != res.Digest:
		return propagation{}, &unprovenError{errors.New("the verdict is on another experiment")}
	}
	return propagation{rec, d.Commit, forms}, nil
}

// tested is the environment before a promotion, if its commit made of it what was
// under test there, and the forms of that for next environments.
func (s Server) tested(ctx context.Context, d history.Decision) (*render.Result, []promote.Form, error) {
	parents, err := s.Repo.Parents(ctx, d.Commit)
	if err != nil {
		return nil, nil, fmt.Errorf("read what commit %s promotes: %w", git.Short(d.Commit), err)
	}
	if len(parents) == 0 {
		return nil, nil, &unprovenError{errors.New("nothing was before it")}
	}
	before, err := s.Repo.Tree(ctx, parents[0])
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = before.Close() }()
	after, err := s.Repo.Tree(ctx, d.Commit)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = after.Close() }()
	res, err := promote.Tested(ctx, s.View.In(before), s.View.In(after))
	if failed := cmp.Or(before.Failed(), after.Failed()); failed != nil || ctx.Err() != nil {
		return nil, nil, cmp.Or(failed, err)
	}
	if err != nil {
		return nil, nil, &unprovenError{err}
	}
	forms, err := promote.Forms(ctx, s.View.In(before), res)
	return res, forms, err
}
