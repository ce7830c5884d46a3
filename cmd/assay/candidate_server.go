package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// checkPut refuses flags of where the marker is written that make no sense
// together.
func (o candidateOptions) checkPut(args []string) error {
	if o.pull && !o.chosen() {
		return usagef("--pull-request is for a server: name it with --repo or --app")
	}
	return o.server.check(args, o.environment)
}

// marker is the marker of the environment in a tree of the branch.
func (s *session) marker(base remote.Base) (*markerPlace, error) {
	p := s.place()
	p.Request = s.Open(base.Tree)
	file, err := marker.Read(p.FS, p.Dir, p.Name)
	return &markerPlace{p, file}, err
}

// putThere puts a candidate under test on a branch of a server. It is made anew
// on every tip that the branch has.
func (a *app) putThere(ctx context.Context, opt candidateOptions, derive func(context.Context, *markerPlace) (spec.Candidate, error)) error {
	s, err := a.connect(ctx, opt.server, opt.environment)
	if err != nil {
		return err
	}
	defer s.close()
	var last *placement
	step := func(ctx context.Context, base remote.Base) (*promote.Proposal, error) {
		var err error
		if last, err = s.put(ctx, base, opt.retry, derive); err != nil || !last.changes() || opt.dryRun {
			return nil, err
		}
		return last.proposal(base, opt.pull), nil
	}
	res, err := s.Land(ctx, step)
	switch {
	case err != nil:
		return err
	case res.Proposal == nil:
		a.preview(last)
		return nil
	}
	if res.Pull == nil {
		s.Tidy(ctx, last.Environment)
	}
	return a.reportSetThere(s, last, res)
}

// reportSetThere tells what became of a candidate on a server.
func (a *app) reportSetThere(s *session, p *placement, res *promote.Result) error {
	if res.Pull == nil {
		_, _ = fmt.Fprintf(&a.out, "wrote %s to %s\n", p.called(), p.on(p.Path))
	} else {
		_, _ = fmt.Fprintf(&a.out, "%s %s in %s\n", headline(res.Pull, "set", "test"), p.called(), p.on(p.Path))
	}
	_, _ = fmt.Fprintf(&a.out, "  %s\n", s.landed(res))
	a.tellSet(p)
	if res.Pull != nil && res.Pull.State == promote.Closed {
		return errHeld
	}
	return nil
}

// put proves the candidate on a tip, and against what was decided before.
func (s *session) put(ctx context.Context, base remote.Base, retry bool, derive func(context.Context, *markerPlace) (spec.Candidate, error)) (*placement, error) {
	m, err := s.marker(base)
	if err != nil && (m.Data == nil || errors.Is(err, marker.ErrForeign)) {
		return nil, err
	}
	if err := promote.Present(m.Request); err != nil {
		return nil, err
	}
	c, err := derive(ctx, m)
	if err != nil {
		return nil, err
	}
	past, err := s.Past(ctx, m.Environment)
	if err != nil {
		return nil, err
	}
	return m.placed(ctx, c, retry, past)
}

// proposal is the commit that sets the candidate.
func (p *placement) proposal(base remote.Base, pull bool) *promote.Proposal {
	method := promote.Push
	if pull {
		method = promote.PullRequest
	}
	return &promote.Proposal{
		Base: base.Commit, Files: []promote.File{{Path: p.Path, Before: p.Data, After: p.data}},
		Record: history.Record{
			Outcome: history.Candidate, Environment: p.Environment, Experiment: p.rendered.ID, Digest: p.rendered.Digest,
			Candidate: p.candidate.Metadata.Name, Untested: p.rendered.Untested,
		},
		Title: "Test candidate " + promote.Label(p.candidate) + " of " + p.rendered.Plan.Metadata.Name, Method: method, Rendered: p.rendered,
	}
}

// showThere shows the marker that the branch has now.
func (a *app) showThere(ctx context.Context, there server, env environment, format string) error {
	s, err := a.connect(ctx, there, env)
	if err != nil {
		return err
	}
	defer s.close()
	return s.AtTip(ctx, func(ctx context.Context, base remote.Base) error {
		m, err := s.marker(base)
		if err == nil {
			err = promote.Present(m.Request)
		}
		if err != nil {
			return err
		}
		return a.showMarker(ctx, m, format)
	})
}

// clearThere withdraws candidates on a branch of a server.
func (a *app) clearThere(ctx context.Context, opt clearOptions) error {
	s, err := a.connect(ctx, opt.server, opt.environment)
	if err != nil {
		return err
	}
	defer s.close()
	var first, last *withdrawal
	res, err := s.Land(ctx, func(ctx context.Context, base remote.Base) (*promote.Proposal, error) {
		m, err := s.marker(base)
		if last, err = opt.withdraw(ctx, m, err); err != nil {
			return nil, err
		}
		if last == nil {
			return nil, promote.Present(m.Request)
		}
		if first == nil {
			first = last
		}
		if last.index < 0 && !bytes.Equal(last.Data, first.Data) {
			return nil, fmt.Errorf("%s is not what it was when this began: look at it with assay candidate show, and withdraw what is there now", last.Path)
		}
		return last.proposal(base), nil
	})
	switch {
	case err != nil:
		return err
	case res.Proposal == nil:
		a.notef("%s has no candidate", s.dir)
		return nil
	}
	s.Tidy(ctx, last.Environment)
	a.reportWithdrawn(last, s.landed(res))
	return nil
}

// proposal is the commit that withdraws.
func (w *withdrawal) proposal(base remote.Base) *promote.Proposal {
	env := w.Environment
	rec := history.Record{Outcome: history.Withdraw, Environment: env}
	title := "Withdraw the candidate of " + env.String()
	if w.index > 0 {
		title = "Withdraw a candidate of " + env.String() + " that waits"
	}
	// A marker that could not be read holds none.
	if at := max(w.index, 0); at < len(w.Candidates) {
		rec.Candidate = w.Candidates[at].Metadata.Name
	}
	return &promote.Proposal{
		Base: base.Commit, Files: []promote.File{{Path: w.Path, Before: w.Data, After: w.rest}},
		Record: rec, Title: title, Method: promote.Push,
	}
}
