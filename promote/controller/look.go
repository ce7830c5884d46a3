package controller

import (
	"context"
	"math"
	"time"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/span"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/branch"
	"github.com/assaydev/assay/render"
)

// look is what one look at an environment learns, for its signals.
type look struct {
	key      Key
	at       Key // with the branch by its name
	sites    []site
	rendered *render.Result // what was decided about last; nil without a candidate
	choice   promote.Choice
	spans    *span.Recorder // nil: nothing is recorded
}

// decides notes what is under test, and what was chosen. A promotion of before, which is
// decided about again for next environments, has no tree at hand.
func (l *look) decides(tip promote.Tip, c promote.Choice) {
	if tip.Rendered != nil && tip.As != nil {
		l.rendered, l.choice = tip.Rendered, c
	}
}

// state is where the look found the experiment.
func (l *look) state(r *promote.Result) state {
	switch {
	case r.Pull != nil && (r.Pull.State == promote.Closed || r.Pull.State == promote.Outdated):
		return held
	case r.Pull != nil && r.Pull.State != promote.Merged:
		return proposed
	case r.Choice.Held == "":
		return "" // there is none, or none any more
	case r.Choice.Outcome == decision.Promote || r.Choice.Outcome == decision.Reject:
		return held
	case r.Choice.Candidate.Spec.Waiting:
		return queued
	case r.Choice.Started.IsZero():
		return waiting
	}
	return running
}

// clocks are the times of the sites' clusters, as far as they are known, and then ours.
func (p *promoter) clocks(l *look) (times []time.Time) {
	for _, s := range l.sites {
		if s.at.Now != nil {
			times = append(times, s.at.Now())
		}
	}
	return append(times, p.now())
}

// now is the time by our own clock.
func (p *promoter) now() time.Time {
	if p.clock == nil {
		return time.Now()
	}
	return p.clock()
}

// until is how long it is to a time, and a bit, by the clock that is there next: one that is wrong has us look
// too early, or once more. Where it has passed by all of them, one look more is made at once, and then it is
// something else that keeps it.
func (p *promoter) until(l *look, due time.Time) time.Duration {
	next := time.Duration(math.MaxInt64)
	for _, now := range p.clocks(l) {
		if left := due.Sub(now); left > 0 {
			next = min(next, left)
		}
	}
	one := p.lives.get(l.key)
	switch {
	case next < math.MaxInt64:
		return next + firstAgain
	case !one.due.Equal(due):
		one.due = due
		return firstAgain
	}
	return awayEvery
}

// signal gives every signal of a look that came to its end: figures, what people are told, and
// the status of the candidate's commit. What cannot be told keeps nothing back.
func (p *promoter) signal(ctx context.Context, s *branch.Session, l *look, r *promote.Result) {
	o := outcomeOf(r)
	if o.at.IsZero() && o.Pull != "" && r.Commit != "" && !p.told.knows(l.sites[0]) {
		o.at = proposedAt(ctx, s, r)
	}
	p.metrics.look(l.key, l.at, l.state(r), l.sites)
	fresh := p.report(ctx, l.sites, o)
	if p.opt.Branch.DryRun {
		return
	}
	now := p.clocks(l)[0]
	one := p.begin(ctx, s, l)
	c := l.choice
	if v := verdictOf(c); l.rendered != nil && v != one.verdict {
		one.verdict = v
		p.metrics.verdict(v)
	}
	landed := r.Commit != "" && r.Edit != nil
	if landed && !one.committed && c.Held == "" && !c.Concluded.IsZero() && (r.Pull == nil || r.Pull.State == promote.Opened || r.Pull.State == promote.Merged) {
		p.metrics.committed(r.Outcome, now.Sub(c.Concluded))
	}
	one.committed = one.committed || landed
	if landed || one.digest != "" && p.opt.CommitStatus {
		p.seek(ctx, s, one)
	}
	if fresh && o.Outcome == decision.Promote && o.State != "open" && !one.origin.Time.IsZero() {
		p.metrics.promoted(namesOf(l.sites), now.Sub(one.origin.Time))
	}
	p.status(ctx, s, one, o)
	ended := r.Outcome == decision.None || landed && o.State != "open"
	p.trace(l, one, o, ended)
	if ended {
		p.lives.end(l.key)
	}
}

// begin is the life of what the look found under test. That of another candidate ends.
func (p *promoter) begin(ctx context.Context, s *branch.Session, l *look) *life {
	one := p.lives.get(l.key)
	if l.rendered == nil || l.rendered.Digest == one.digest {
		return one
	}
	before := *one
	*one = life{digest: l.rendered.Digest, candidate: *l.rendered.Marker}
	if before.status == "" {
		return one
	}
	p.seek(ctx, s, one)
	if one.origin.Commit == before.origin.Commit {
		one.status = before.status // the same candidate, tested anew
	} else {
		p.status(ctx, s, &before, Outcome{Outcome: decision.None})
	}
	return one
}

// seek looks for the candidate's commit, once.
func (p *promoter) seek(ctx context.Context, s *branch.Session, one *life) {
	if one.looked || one.digest == "" {
		return
	}
	at, known, err := s.Origin(ctx, one.candidate)
	if err != nil {
		p.opt.Log.Debug("the commit of a candidate is not known", "experiment", string(one.digest), "error", err.Error())
		return
	}
	if one.looked = true; known {
		one.origin = at
	}
}

// verdictOf is what the experiment says, whatever is made of it.
func verdictOf(c promote.Choice) decision.Outcome {
	if c.Outcome == decision.Promote || c.Outcome == decision.Reject {
		return c.Outcome
	}
	return decision.Hold
}

func namesOf(sites []site) []application.Name {
	var names []application.Name
	for _, s := range sites {
		names = append(names, s.app.Name)
	}
	return names
}
