package branch

import (
	"cmp"
	"context"
	"fmt"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// Ask says whether the candidate that is rendered at hand is to wait in its marker, and why. It is given nil
// where nothing is under test, or it does not render: then nothing is done, whatever it says.
type Ask func(ctx context.Context, res *render.Result) (waits bool, why string, err error)

// Admit has the candidate under test wait in its marker, or lets it run, as ask says of it on each tip anew,
// by a commit of its own that is pushed, whatever the plan's method. It returns the commit; empty where
// nothing was to be done. Either is proven before: the candidate and its digest stay the same.
func (s Server) Admit(ctx context.Context, ask Ask) (commit string, err error) {
	a, err := s.land(ctx, func(ctx context.Context, base remote.Base) (*Proposal, error) {
		p, err := s.admission(ctx, base, ask)
		if failed := base.Tree.Failed(); failed != nil {
			return nil, failed // what could not be read says nothing
		}
		return p, err
	})
	if err != nil || a.proposal == nil {
		return "", err
	}
	return a.commit, nil
}

// admission is the commit that a tip takes; nil where it takes none.
func (s Server) admission(ctx context.Context, base remote.Base, ask Ask) (*Proposal, error) {
	req := s.View.In(base.Tree)
	if err := Present(req); err != nil {
		return nil, err
	}
	m, err := marker.Read(req.FS, req.Dir, req.Name)
	var res *render.Result
	if err == nil && len(m.Candidates) > 0 {
		res, err = render.Environment(ctx, req)
	}
	if failed := cmp.Or(ctx.Err(), base.Tree.Failed()); failed != nil {
		return nil, failed
	}
	if err != nil || res == nil {
		_, _, err := ask(ctx, nil) // what does not render runs nothing
		return nil, err
	}
	waits, why, err := ask(ctx, res)
	if err != nil || waits == res.Waits() || s.DryRun {
		return nil, err
	}
	return s.admit(ctx, base, req, m, res, waits, why)
}

// admit makes and proves the commit.
func (s Server) admit(ctx context.Context, base remote.Base, req render.Request, m marker.File, res *render.Result, waits bool, why string) (*Proposal, error) {
	f, err := promote.Before(req.FS, m.Path)
	if err != nil {
		return nil, err
	}
	if dir, err := req.FS.Locate(req.Dir); err != nil || !envfs.Within(f.Path, dir) {
		return nil, cmp.Or(err, fmt.Errorf("%s is a link that leads out of the environment, where nothing is edited: put the marker itself there", m.Path))
	}
	if f.After, err = marker.SetWaiting(m, waits); err != nil {
		return nil, err
	}
	edited := req
	edited.FS = req.FS.With(map[string][]byte{f.Path: f.After})
	then, err := render.Environment(ctx, edited)
	if err != nil {
		return nil, err
	}
	if then.Digest != res.Digest || then.Waits() != waits {
		return nil, fmt.Errorf("%s: with spec.waiting edited it is another experiment: %s; nothing is written", f.Path, then.ID)
	}
	outcome, verb := decision.Admit, "Admit"
	if waits {
		outcome, verb = decision.Wait, "Hold back"
	}
	p := &Proposal{Base: base.Commit, Title: promote.Subject(verb, *res.Marker, res.Plan, req.Environment), Body: why, Method: Push}
	p.Files = append(p.Files, f)
	p.Record = history.Record{
		Outcome: outcome, Environment: req.Environment, Experiment: res.ID, Digest: res.Digest,
		Candidate: res.Marker.Metadata.Name, Evidence: why,
	}
	return p, nil
}
