package controller

import (
	"context"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/span"
	"github.com/assaydev/assay/internal/spec"
)

// Trace is one look at an environment with a candidate, for a tracing system. All looks
// at one candidate have one digest.
type Trace struct {
	spec.Environment
	Applications []string // NAMESPACE/NAME
	Repo, Branch string
	Digest       digest.Digest
	Candidate    string // its name, for people
	Outcome      decision.Outcome
	Commit       string // where there is one

	// Ended says that the candidate is decided, and not under test any more. Began is then the time
	// of its commit, or that of the look where that is not known.
	Ended bool
	Began time.Time

	Spans []span.Span
}

// record has what follows in a look recorded, where that is asked for.
func (p *promoter) record(ctx context.Context, l *look) (context.Context, func(error)) {
	if p.opt.Trace == nil {
		return ctx, func(error) {}
	}
	l.spans = &span.Recorder{}
	return span.Start(l.spans.In(ctx), "look")
}

// trace tells of a look at a candidate.
func (p *promoter) trace(l *look, one *life, o Outcome, ended bool) {
	if l.spans == nil || one.digest == "" {
		return
	}
	t := Trace{
		Environment: l.key.Environment, Repo: l.at.Repo, Branch: l.at.Branch, Digest: one.digest, Candidate: one.candidate.Metadata.Name,
		Outcome: o.Outcome, Commit: o.Commit, Ended: ended, Began: one.origin.Time, Spans: l.spans.Spans(),
	}
	if t.Began.IsZero() || t.Began.After(t.Spans[0].Start) {
		t.Began = t.Spans[0].Start
	}
	for _, name := range namesOf(l.sites) {
		t.Applications = append(t.Applications, name.Namespace+"/"+name.Name)
	}
	p.opt.Trace(t)
}
