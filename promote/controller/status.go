package controller

import (
	"context"
	"strings"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/promote/branch"
)

// status gives the candidate's commit the status that an outcome means, where that is
// another than it has. A forge that refuses it keeps nothing back; that is logged once
// for each state. One that does not answer is told by the next look.
func (p *promoter) status(ctx context.Context, s *branch.Session, one *life, o Outcome) {
	if !p.opt.CommitStatus || s.Forge == nil || one.origin.Commit == "" {
		return
	}
	env := s.View.Request.Environment
	now := statusOf(o)
	if now.State == one.status {
		return
	}
	before := one.status
	one.status = now.State
	now.Context = "assay/" + env.String()
	if now.URL == "" && o.Commit != "" {
		now.URL = s.Forge.CommitURL(o.Commit)
	}
	err := s.Forge.SetStatus(ctx, one.origin.Commit, now)
	if isAway(err) {
		one.status = before // the next look tries again
	}
	if err != nil && ctx.Err() == nil {
		p.opt.Log.Info("the commit of the candidate has no status", "environment", env.String(), "commit", one.origin.Commit, "error", err.Error())
	}
}

// statusOf is what an outcome means for the candidate's commit: a candidate that is
// withdrawn, or makes room for another, has failed as one that is rejected.
func statusOf(o Outcome) forge.Status {
	s := forge.Status{State: forge.StatusPending, Description: o.Reason}
	if strings.HasPrefix(o.Pull, "https://") {
		s.URL = o.Pull
	}
	switch {
	case o.State == "open":
		s.Description = string(o.Outcome) + ": its pull request is open"
	case o.Outcome == decision.Promote:
		s.State, s.Description = forge.StatusSuccess, "promoted: "+o.Reason
	case o.Outcome == decision.Reject:
		s.State, s.Description = forge.StatusFailure, "rejected: "+o.Reason
	case o.Outcome == decision.None:
		s.State, s.Description = forge.StatusFailure, "it is not under test any more"
	}
	s.Description = strings.TrimSuffix(excerpt.Line(s.Description), ":")
	return s
}
