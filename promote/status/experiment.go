package status

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/describe"
	"github.com/assaydev/assay/render"
)

// Live reads from a cluster how what a tip has under test does.
type Live func(ctx context.Context, env spec.Environment, tip promote.Tip) (*describe.Report, error)

// State is where an experiment stands in the cluster.
type State string

// The states.
const (
	NoVerdict State = "no verdict yet" // it runs, or has ended without one
	Concluded State = "concluded"      // there is one
	NotSynced State = "not synced yet" // the cluster has nothing that judges this candidate
	Waiting   State = "waits in Git"   // the promoter has not let it run yet
	ByHand    State = "by hand"        // nothing judges it
	Unknown   State = "cannot be read" // Error says why
)

// Experiment is how the experiment of a candidate stands in the cluster.
type Experiment struct {
	State   State            `json:"state"`
	Stages  []string         `json:"stages,omitempty"`  // of what judges, in its engines' words
	Verdict decision.Outcome `json:"verdict,omitempty"` // what would be done now: promote, reject, hold or superseded
	Reason  string           `json:"reason,omitempty"`
	Expires *time.Time       `json:"expires,omitempty"` // when a hold becomes a reject
	Error   string           `json:"error,omitempty"`
}

// String is the state with what is most telling of it.
func (e *Experiment) String() string {
	switch {
	case e.State == Unknown:
		return string(e.State) + ": " + e.Error
	case e.State == Concluded:
		return string(e.State) + ": " + string(e.Verdict)
	case len(e.Stages) > 0 && e.State == NoVerdict:
		return string(e.State) + ": " + strings.Join(e.Stages, ", ")
	}
	return string(e.State)
}

// experiment asks the cluster. That it cannot be asked is part of the result.
func (s Survey) experiment(ctx context.Context, env spec.Environment, res *render.Result) *Experiment {
	tip := promote.Tip{Rendered: res}
	if s.Since != nil {
		tip.Since = func(ctx context.Context) (time.Time, error) {
			s.turn.Lock()
			defer s.turn.Unlock()
			return s.Since(ctx, env, res)
		}
	}
	r, err := s.Live(ctx, env, tip)
	if err != nil {
		return &Experiment{State: Unknown, Error: excerpt.Line(err.Error())}
	}
	e := &Experiment{State: NoVerdict, Verdict: r.Verdict, Reason: r.Reason, Expires: r.Expires}
	for _, j := range r.Judges {
		if j.Stage != "" && !slices.Contains(e.Stages, j.Stage) {
			e.Stages = append(e.Stages, j.Stage)
		}
	}
	switch {
	case res.Waits():
		e.State = Waiting
	case len(r.Judges) == 0:
		e.State = ByHand
	case r.Verdict == decision.Promote || r.Verdict == decision.Reject:
		e.State = Concluded
	case r.Verdict == decision.Superseded, !slices.ContainsFunc(r.Judges, func(j describe.Judge) bool { return j.Found }):
		e.State = NotSynced
	}
	return e
}
