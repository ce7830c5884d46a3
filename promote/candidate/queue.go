package candidate

import (
	"context"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// The states of a candidate in a marker.
const (
	Tested  = "under test"
	Waiting = "waiting"
)

// Queued is a candidate in a marker, and what becomes of it.
type Queued struct {
	spec.Candidate
	State  string        `json:"state"`
	ID     string        `json:"id,omitempty"` // of what is under test
	Digest digest.Digest `json:"digest,omitempty"`
	Error  string        `json:"error,omitempty"` // why it does not render
}

// Queue are the candidates of a marker, with their states.
func Queue(candidates []spec.Candidate) []Queued {
	list := make([]Queued, len(candidates))
	for i, c := range candidates {
		list[i] = Queued{Candidate: c, State: Waiting}
	}
	if len(list) > 0 && !list[0].Spec.Waiting {
		list[0].State = Tested
	}
	return list
}

// Queue says what becomes of each candidate of the marker. That one does not
// render is part of the answer.
func (m *Marker) Queue(ctx context.Context) ([]Queued, error) {
	list := Queue(m.Candidates)
	if len(list) == 0 {
		return list, nil
	}
	res, err := render.Environment(ctx, m.Request)
	switch {
	case ctx.Err() != nil:
		return nil, err
	case err != nil:
		list[0].Error = excerpt.Line(err.Error())
	default:
		list[0].ID, list[0].Digest = res.ID, res.Digest
	}
	return list, nil
}
