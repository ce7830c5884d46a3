package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/promote"
)

// revertThere undoes a promotion on a branch of a server.
func (a *app) revertThere(ctx context.Context, opt revertOptions) error {
	s, err := a.connect(ctx, opt.server, opt.environment)
	if err != nil {
		return err
	}
	defer s.close()
	d, past, err := s.promotion(ctx, opt)
	if err != nil {
		return err
	}
	if by, ok := d.Reverted(past.Decisions); ok {
		return a.revertedAlready(opt, s.place(), d, "by commit "+git.Short(by.Commit))
	}
	decision := promote.Decision{Outcome: promote.Revert, Reason: opt.reason}
	var preview *promote.Edit
	res, err := s.Land(ctx, func(ctx context.Context, base remote.Base) (*promote.Proposal, error) {
		p := s.place()
		p.Request = s.Open(base.Tree)
		e, err := p.prepareRevert(ctx, s.Repo.Tree, opt.files, d)
		if err != nil || opt.dryRun {
			preview = e
			return nil, err
		}
		return s.Propose(base, e, decision)
	})
	switch {
	case errors.Is(err, promote.ErrReverted):
		return a.revertedAlready(opt, s.place(), d, "in the files")
	case err != nil:
		return a.explainLaw(err)
	case preview != nil:
		r, err := newReport(s.place(), preview, decision)
		if err != nil {
			return err
		}
		return a.reportDryRun(opt.decideOptions, preview, r)
	}
	return a.reportThere(opt.decideOptions, s, res)
}

// promotion finds the one that is meant, and what was before it.
func (s *session) promotion(ctx context.Context, opt revertOptions) (history.Decision, history.Past, error) {
	past, err := s.Past(ctx, s.place().Environment)
	if err != nil {
		return history.Decision{}, past, err
	}
	if opt.commitID != "" {
		if opt.commitID, err = wholeCommit(opt.commitID, past.Decisions); err != nil {
			return history.Decision{}, past, err
		}
	}
	d, err := opt.promotion(past, s.dir)
	if err != nil || d.Parent != "" {
		return d, past, err
	}
	parents, err := s.Repo.Parents(ctx, d.Commit)
	if len(parents) > 0 {
		d.Parent = parents[0]
	}
	return d, past, err
}

// wholeCommit makes a whole commit id of its first digits.
func wholeCommit(short string, list []history.Decision) (string, error) {
	found := ""
	for _, d := range list {
		for _, id := range []string{d.Commit, d.Head} {
			if !strings.HasPrefix(id, short) || id == found {
				continue
			}
			if found != "" {
				return "", fmt.Errorf("--commit-id %s: several commits begin like that: give more digits", short)
			}
			found = id
		}
	}
	if found == "" {
		return "", fmt.Errorf("--commit-id %s: no commit that tells of a decision begins like that", short)
	}
	return found, nil
}
