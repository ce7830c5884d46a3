package controller

import (
	"context"
	"errors"

	"github.com/assaydev/assay/promote/branch"
)

// endStale ends each sync that still waits for an experiment which Git no longer has: a
// PostSync hook makes Argo CD wait for every object to become healthy, and until then
// it does not sync the commit that took the experiment away (argo-cd 11494). The trees
// of the two commits prove that it is gone.
func (p *promoter) endStale(ctx context.Context, s *branch.Session, sites []site) error {
	var failed []error
	for _, of := range sites {
		op := of.app.Operation
		revision := op.Of(of.place)
		if !op.Waits() || revision == "" || p.opt.Branch.DryRun {
			continue
		}
		stale, err := s.Superseded(ctx, revision)
		if err == nil && stale {
			p.opt.Log.Info("ended a sync that waits for an experiment which Git no longer has", "application", of.app.Name.String(), "revision", revision)
			err = p.end(ctx, of.app)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
