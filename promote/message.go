package promote

import (
	"encoding/json"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/history"
)

// Title is the subject of the commit that makes the edit.
func (e *Edit) Title() string {
	switch e.Outcome {
	case decision.Reject:
		return "Reject the candidate of " + e.Plan.Metadata.Name
	case decision.Revert:
		return "Revert the promotion of " + e.Plan.Metadata.Name
	}
	return e.Plan.Spec.Promotion.Title
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
