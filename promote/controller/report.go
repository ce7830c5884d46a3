package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

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
	State     string           `json:"state,omitempty"`       // of the pull request: open, merged or closed; of a candidate: waiting
	Reason    string           `json:"reason,omitempty"`
	SyncWaits string           `json:"syncWaits,omitempty"` // the window that Argo CD waits for before it syncs

	earlier bool      // nothing is under test, and this is the last decision
	at      time.Time // when it came to this; zero where that is not known
}

// outcomeOf is what a result tells.
func outcomeOf(r *promote.Result) Outcome {
	if d := r.Earlier; r.Outcome == decision.None && d != nil {
		// It was merged, or decided by somebody else.
		return Outcome{Outcome: d.Outcome, Candidate: d.Candidate, ID: d.Experiment, Commit: d.Commit, earlier: true, at: d.Time}
	}
	o := Outcome{Outcome: r.Outcome, Candidate: r.Candidate, ID: r.ID, Reason: r.Reason, Commit: r.Commit, SyncWaits: r.SyncWaits, at: time.Now()}
	if r.Choice.Held != "" {
		o.at = r.Choice.Started
	}
	if r.Choice.Candidate.Spec.Waiting {
		o.State = "waiting"
	}
	if r.Pull != nil {
		o.Commit, o.Pull, o.State = "", r.Pull.URL, "open"
		if o.Pull == "" {
			o.Pull = r.Pull.Head
		}
		switch r.Pull.State {
		case promote.Merged:
			o.Commit, o.State = r.Commit, "merged"
		case promote.Closed, promote.Outdated:
			o.State, o.at = "closed", time.Time{}
		case promote.Adopted, promote.Pushed:
			o.at = time.Time{} // by an earlier look, maybe
		}
	}
	return o
}

// same reports whether nothing is new to people. A reason alone is not: what an experiment
// says while it runs may change with each look.
func (o Outcome) same(as Outcome) bool {
	return o.identity() == as.identity()
}

// identity is an outcome less what may change while it stays the same one.
func (o Outcome) identity() Outcome {
	o.Reason, o.SyncWaits, o.earlier, o.at = "", "", false, time.Time{}
	return o
}

// waits reports whether an outcome has not come to its end: a hold, a failure, or a pull
// request that is open.
func (o Outcome) waits() bool {
	return o.State == "open" || o.Outcome == decision.Hold || o.Outcome == decision.Superseded || o.Outcome == Failed
}

// recent is how long an Event is kept by an API server, as a rule.
const recent = time.Hour

// untold reports whether an outcome that is seen at the first look since the start may not
// have been told before it. A failure is of this very look, and what is recent, as the
// Application may be, may have come between. Anything else was told.
func (o Outcome) untold(app application.Deployed) bool {
	return o.Outcome == Failed || o.Outcome != "" && (time.Since(o.at) < recent || time.Since(app.Created) < recent)
}

// told remembers what was told since the start, so that nothing is told twice. Nothing is read
// back from the cluster: what was told before the start is not known, and need not be.
//
//   - The annotation is written once every environment of the Application has been looked at, so
//     that it never holds fewer than it did. The first time it is written whatever it holds: a
//     commit made just before the end of an earlier process is in Git, and so in the annotation.
//   - An Event of the first look is only made of what is recent, and its name follows from what
//     it tells: where it was made before, there is no second one.
//   - What goes to and fro is told to the API server at most so often of one Application: Events that are
//     too many are left out, and the annotation is written later.
type told struct {
	now func() time.Time // nil is the system's

	mu   sync.Mutex
	apps map[application.Name]*outcomes
}

// How often an Application is told something, by Events and by its annotation each.
const (
	tellBurst = 25
	tellEvery = time.Minute
)

// outcomes are those of one Application, by what was looked at.
type outcomes struct {
	last  map[Key]Outcome // without an Outcome where there was nothing to tell
	whole bool            // the annotation has been written
	late  bool            // it is to be written later

	events, patches *rate.Limiter
}

func newOutcomes() *outcomes {
	pace := rate.Every(tellEvery)
	return &outcomes{last: map[Key]Outcome{}, events: rate.NewLimiter(pace, tellBurst), patches: rate.NewLimiter(pace, tellBurst)}
}

// news is what is to be told of an Application.
type news struct {
	key     Key
	outcome Outcome   // of one environment
	fresh   bool      // it is new to people
	event   bool      // it gets an Event
	again   bool      // which may have been made since the start, and counts once more
	write   bool      // the annotation is to be written
	all     []Outcome // and what it holds
}

// report tells what came of an environment, by each of its Applications. It reports whether
// that is new to anybody.
func (p *promoter) report(ctx context.Context, sites []site, o Outcome) (fresh bool) {
	if p.opt.Branch.DryRun {
		return false
	}
	for _, s := range sites {
		o.Environment = s.key.Environment
		n := p.told.add(s.app, s.key, o, p.permitted(s))
		if n.fresh {
			p.metrics.told(s.app.Name, n.outcome)
			fresh = true
		}
		if n.event || n.write {
			p.tell(ctx, s.app, n)
		}
	}
	return fresh
}

// permitted are the keys of all that the Application of a site deploys, as far as its AppProject
// lets it: the others are never looked at.
func (p *promoter) permitted(of site) []Key {
	sites, _ := p.sites(of.app)
	var keys []Key
	for _, s := range sites {
		if of.project.Permits(of.app.Name, s.place, p.locate(s.place.Target).Cluster, p.opt.Namespace) == nil {
			keys = append(keys, s.key)
		}
	}
	return keys
}

// add remembers what came of one of the environments that an Application deploys, and says what
// is to be told. Of one without a candidate there is nothing to tell, unless one was there when
// it was told last.
func (t *told) add(app application.Deployed, key Key, o Outcome, deployed []Key) news {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.apps == nil {
		t.apps = map[application.Name]*outcomes{}
	}
	of := t.apps[app.Name]
	if of == nil {
		of = newOutcomes()
		t.apps[app.Name] = of
	}
	now := time.Now()
	if t.now != nil {
		now = t.now()
	}
	n := news{key: key, outcome: o}
	before, again := of.last[key]
	kept := len(of.last)
	maps.DeleteFunc(of.last, func(k Key, _ Outcome) bool { return !slices.Contains(deployed, k) })
	isNew := !again || !o.same(before) && (before.waits() || o.Outcome != decision.None && !o.earlier)
	if isNew {
		if !again && o.Outcome == decision.None {
			n.outcome = Outcome{Environment: o.Environment}
		}
		of.last[key] = n.outcome
		n.fresh, n.again = again || n.outcome.untold(app), again
		n.event = n.fresh && of.events.AllowN(now, 1)
	}
	if slices.ContainsFunc(deployed, func(k Key) bool { _, looked := of.last[k]; return !looked }) {
		return n
	}
	if isNew || len(of.last) != kept || !of.whole {
		n.write = of.patches.AllowN(now, 1)
		of.whole, of.late = n.write, !n.write
	}
	if n.write {
		for _, o := range of.last {
			if o.Outcome != "" {
				n.all = append(n.all, o)
			}
		}
	}
	return n
}

// before is when to look again, which is soon where the annotation of an Application is still to be written.
func (t *told) before(again time.Duration, sites []site) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	late := slices.ContainsFunc(sites, func(s site) bool {
		of := t.apps[s.app.Name]
		return of != nil && of.late
	})
	if soon := jittered(tellEvery); late && (again == 0 || again > soon) {
		return soon
	}
	return again
}

// knows reports whether an environment has been looked at since the start.
func (t *told) knows(s site) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.apps[s.app.Name]
	if of == nil {
		return false
	}
	_, looked := of.last[s.key]
	return looked
}

// leave drops what was told of an environment that another replica looks at from now on.
func (t *told) leave(key Key, apps []application.Name) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range apps {
		if of := t.apps[name]; of != nil {
			delete(of.last, key)
			of.whole = false
		}
	}
}

// forget drops what was told of an Application that is gone.
func (t *told) forget(app application.Name) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.apps, app)
}

// annotation is the text for outcomes; nil, which takes it away, where there are none.
func annotation(all []Outcome) any {
	if len(all) == 0 {
		return nil
	}
	sorted := slices.SortedFunc(slices.Values(all), func(a, b Outcome) int { return strings.Compare(a.Environment.String(), b.Environment.String()) })
	text, _ := json.Marshal(sorted) // strings alone
	return string(text)
}

// label is what an outcome is counted as: a pull request that is open is not a decision yet.
func (o Outcome) label() string {
	switch {
	case o.State == "open":
		return "propose"
	case o.Outcome == decision.None:
		return "withdraw"
	}
	return string(o.Outcome)
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
	if o.SyncWaits != "" {
		text += "; the sync waits: " + o.SyncWaits
	}
	return excerpt.Of(text, longestEvent)
}

// eventName names the Event of an outcome by all that it is, so that the same one is made once,
// whoever makes it. A commit is the same whether this process made it or found it.
func (n news) eventName(app application.Deployed) string {
	o := n.outcome.identity()
	if o.Commit != "" {
		o.Pull, o.State = "", ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []string{app.UID, n.key.String(), string(o.Outcome), o.ID, o.Commit, o.Pull, o.State}))
	const most = 200 // of the 253 that a name may have
	return strings.TrimRight(app.Name.Name[:min(len(app.Name.Name), most)], "-.") + "." + hex.EncodeToString(sum[:10])
}

// longestEvent is what an Event's message may be, by the API.
const longestEvent = 1024
