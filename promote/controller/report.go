package controller

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// Annotation tells on an Application what came of its candidates. It is for people and
// notifications; nothing reads it back.
const Annotation = "assay.dev/outcome"

// Failed is the outcome of a look that could not be finished.
const Failed decision.Outcome = "failed"

// Outcome is what is told of one environment. It holds no time, so that the same outcome
// is the same text.
type Outcome struct {
	spec.Environment
	Outcome   decision.Outcome `json:"outcome"`
	Candidate string           `json:"candidate,omitempty"`
	ID        string           `json:"id,omitempty"`
	Commit    string           `json:"commit,omitempty"`
	Pull      string           `json:"pullRequest,omitempty"` // its URL, or its branch
	State     string           `json:"state,omitempty"`       // of the pull request: open, merged or closed
	Reason    string           `json:"reason,omitempty"`

	earlier bool // nothing is under test, and this is the last decision
}

// outcomeOf is what a result tells.
func outcomeOf(r *promote.Result) Outcome {
	if d := r.Earlier; r.Outcome == decision.None && d != nil {
		// It was merged, or decided by somebody else.
		return Outcome{Outcome: d.Outcome, Candidate: d.Candidate, ID: d.Experiment, Commit: d.Commit, earlier: true}
	}
	o := Outcome{Outcome: r.Outcome, Candidate: r.Candidate, ID: r.ID, Reason: r.Reason, Commit: r.Commit}
	if r.Pull != nil {
		o.Commit, o.Pull, o.State = "", r.Pull.URL, "open"
		if o.Pull == "" {
			o.Pull = r.Pull.Head
		}
		switch r.Pull.State {
		case promote.Merged:
			o.Commit, o.State = r.Commit, "merged"
		case promote.Closed, promote.Outdated:
			o.State = "closed"
		}
	}
	return o
}

// same reports whether nothing is new to people. A reason alone is not: what an experiment
// says while it runs may change with each look.
func (o Outcome) same(as Outcome) bool {
	o.Reason, as.Reason, o.earlier, as.earlier = "", "", false, false
	return o == as
}

// told remembers what was told last, so that nothing is told twice.
type told struct {
	mu   sync.Mutex
	last map[application.Name]map[spec.Environment]Outcome
}

// report tells what came of an environment, by each of its Applications. Of one without a
// candidate there is nothing to tell, unless one was there when it was told last.
func (p *promoter) report(ctx context.Context, sites []site, o Outcome) {
	if p.opt.Branch.DryRun {
		return
	}
	for _, s := range sites {
		o.Environment = s.key.Environment
		if (o.Outcome == decision.None || o.earlier) && !p.told.waits(s.app.Name, o.Environment) {
			continue
		}
		if all, isNew := p.told.add(s.app.Name, o); isNew {
			p.tell(ctx, s.app, all)
		}
	}
}

// add remembers an outcome, and gives all of the Application's, the new one first.
func (t *told) add(app application.Name, o Outcome) (all []Outcome, isNew bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = map[application.Name]map[spec.Environment]Outcome{}
	}
	if t.last[app] == nil {
		t.last[app] = map[spec.Environment]Outcome{}
	}
	if o.same(t.last[app][o.Environment]) {
		return nil, false
	}
	t.last[app][o.Environment] = o
	all = []Outcome{o}
	for _, env := range slices.SortedFunc(maps.Keys(t.last[app]), func(a, b spec.Environment) int { return strings.Compare(a.String(), b.String()) }) {
		if env != o.Environment {
			all = append(all, t.last[app][env])
		}
	}
	return all, true
}

// waits reports whether the last that was told of an environment has not come to its end: a
// hold, a failure, or a pull request that is open.
func (t *told) waits(app application.Name, env spec.Environment) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, found := t.last[app][env]
	return found && (last.State == "open" || last.Outcome == decision.Hold || last.Outcome == decision.Superseded || last.Outcome == Failed)
}

// forget drops what was told of an Application that is gone.
func (t *told) forget(app application.Name) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.last, app)
}

// annotation is the text for outcomes.
func annotation(all []Outcome) string {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b Outcome) int { return strings.Compare(a.Environment.String(), b.Environment.String()) })
	text, _ := json.Marshal(sorted) // strings alone
	return string(text)
}

// title is what an Event is called, in Kubernetes' form.
func (o Outcome) title() string {
	switch o.Outcome {
	case decision.Promote:
		if o.State == "open" {
			return "PromotionProposed"
		}
		return "Promoted"
	case decision.Reject:
		return "Rejected"
	case decision.Superseded:
		return "Superseded"
	case Failed:
		return "PromotionFailed"
	case decision.None:
		return "Withdrawn"
	}
	return "Held"
}

// String is the outcome on one line, for people.
func (o Outcome) String() string {
	text := o.Environment.String()
	if o.ID != "" {
		text += ": candidate " + strings.TrimSpace(o.Candidate+" ("+o.ID+")")
	}
	for _, part := range []string{o.Reason, o.Commit, o.Pull} {
		if part != "" {
			text += ": " + part
		}
	}
	return excerpt.Of(text, longestEvent)
}

// longestEvent is what an Event's message may be, by the API.
const longestEvent = 1024
