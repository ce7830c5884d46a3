package promote

import (
	"encoding/json"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
)

// Title is the subject of the commit that makes the edit: the plan's for a promotion,
// else what is done with which version of which app, and where.
func (e *Edit) Title() string {
	verb := "Promote"
	switch e.Outcome {
	case decision.Reject:
		verb = "Reject"
	case decision.Revert:
		verb = "Revert the promotion of"
	default:
		if e.Plan.Spec.Promotion.Title != "" {
			return e.Plan.Spec.Promotion.Title
		}
	}
	return Subject(verb, e.Candidate, e.Plan, e.Environment)
}

// Subject says what is done with a candidate: its name, that of the plan, and the
// environment.
func Subject(verb string, c spec.Candidate, plan *spec.Plan, env spec.Environment) string {
	which := "candidate " + c.Metadata.Name
	if c.Metadata.Name == "" {
		which = "the candidate"
	}
	if plan.Metadata.Name == env.String() {
		return verb + " " + which + " in " + env.String()
	}
	subject := verb + " " + which + " of " + plan.Metadata.Name
	if env.Dir == "." && env.Name == "" {
		return subject
	}
	return subject + " in " + env.String()
}

// Record is what that commit tells.
func (e *Edit) Record(d Decision) (history.Record, error) {
	r := history.Record{
		Outcome: e.Outcome, Environment: e.Environment, Experiment: e.ID, Digest: e.Digest, Candidate: e.Candidate.Metadata.Name,
		Engine: d.Engine, Evidence: d.Evidence, Untested: e.Untested, Reverts: e.Reverts, Beside: e.Beside,
	}
	if d.ByHand() {
		r.Engine, r.Evidence = history.ByHand, d.Reason
	}
	if e.Outcome != decision.Promote {
		return r, nil
	}
	for _, n := range e.Next {
		if n.State != Elsewhere {
			continue
		}
		data, err := json.Marshal(n.Destination)
		if err != nil {
			return r, err
		}
		r.Next = append(r.Next, string(data))
	}
	var err error
	r.Promotion, err = history.PromotionID(r.Environment, e.Digest, e.Candidate)
	return r, err
}
