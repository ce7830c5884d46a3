// Package candidate is the life of a marker: how a change is put under test in an
// environment, looked at, and withdrawn.
//
//  1. Read finds the environment's marker, whether it exists or not.
//  2. A Put derives a candidate from it (change.go, patch.go, from.go), proves it,
//     holds it against what was decided before (memory.go), and gives it its place
//     among those that wait: a Placement.
//  3. A Withdrawal takes one candidate out of the marker, or all (withdraw.go).
//  4. Queue says what becomes of each (queue.go).
//
// Nothing is written here: packages worktree and branch bring the new content of
// the marker to where the environment lives.
package candidate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/change"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// Marker is an environment and its marker, whether it exists or not.
type Marker struct {
	render.Request
	marker.File
}

// Read reads the marker of an environment. One that cannot be decoded is returned
// with the error.
func Read(req render.Request) (*Marker, error) {
	file, err := marker.Read(req.FS, req.Dir, req.Name)
	return &Marker{req, file}, err
}

// replaceable reads a marker that is to be replaced, as one that cannot be
// decoded may be.
func replaceable(req render.Request) (*Marker, error) {
	m, err := Read(req)
	if err != nil && (m.Data == nil || errors.Is(err, marker.ErrForeign)) {
		return nil, err
	}
	return m, nil
}

// Replaced is the marker with another content; nil removes it. A link is followed,
// unless it is what is removed.
func (m *Marker) Replaced(data []byte) (f git.File, err error) {
	if data != nil {
		f, err = promote.Before(m.FS, m.Path)
	} else {
		f.Before = m.Data
		f.Path, err = m.FS.Place(m.Path, true)
	}
	f.After = data
	return f, err
}

// Derive makes a candidate for an environment as it is now.
type Derive func(ctx context.Context, m *Marker) (Derived, error)

// Derived is a candidate as it was made.
type Derived struct {
	spec.Candidate
	LeftOut []string // files that what it was made from changes, and the candidate does not
	Live    string   // why there is nothing to test: the environment has the change; empty where it has not

	// Check holds the render with the candidate, or why it failed, against what the
	// candidate was made from; nil where that is the candidate itself.
	Check func(*render.Result, error) error
}

// Put says which candidate is to be put under test.
type Put struct {
	Derive Derive
	Name   string // for people; empty: that of the same change in the marker, or one after the change
	Retry  bool   // test the same change again, as a new attempt
	Loose  bool   // Helm values may be as they are set already, as many of a whole file are
	Pull   bool   // on a server, open a pull request for it

	Preempt bool // take the place of the one under test, whatever it tests and the plan's queue says
	Queue   bool // wait for the one under test, whatever the plan's queue says
}

// Placement is a candidate in its place in the marker, proven.
type Placement struct {
	*Marker
	Candidate spec.Candidate
	Queue     []spec.Candidate
	After     []byte // of the marker
	Rendered  *render.Result
	Past      history.Past // that it was held against
	LeftOut   []string     // files that a bump changes, and the candidate does not
	Warnings  []string     // of what was decided about the same change before
	Lost      []object.Key // targets of the one under test whose test ends
	promote.Landing

	// Live says that the environment runs the change already: nothing is put under test,
	// and what is rendered is nil. It names where that is.
	Live string
}

// Home tells of where the environment lives.
type Home struct {
	Branch func(context.Context) (string, error)       // that it is on
	Past   func(context.Context) (history.Past, error) // asked for once the candidate is known

	// Before gives the repository as it was before a decision, to be closed.
	Before func(context.Context, history.Decision) (*envfs.FS, func(), error)
}

// Place derives the candidate, proves it and puts it in its place.
func (p Put) Place(ctx context.Context, req render.Request, home Home) (*Placement, error) {
	req.Memo = new(render.Memo)
	m, err := replaceable(req)
	if err != nil {
		return nil, err
	}
	d, err := p.Derive(ctx, m)
	if err != nil {
		return nil, err
	}
	c := d.Candidate
	if d.Live != "" {
		return &Placement{Marker: m, Candidate: c, Queue: m.Candidates, After: m.Data, Live: d.Live}, nil
	}
	p.name(m, &c)
	past, err := home.Past(ctx)
	if err != nil {
		return nil, err
	}
	res, err := p.unremembered(ctx, m, &c, past, func(ctx context.Context, c spec.Candidate) (*render.Result, error) {
		res, err := m.try(ctx, c, home.Branch)
		if d.Check != nil && ctx.Err() == nil {
			err = d.Check(res, err)
		}
		return res, err
	})
	if err != nil {
		if live, ok := m.live(ctx, c.Spec.Change, err); ok {
			return &Placement{Marker: m, Candidate: c, Queue: m.Candidates, After: m.Data, Past: past, Live: live}, nil
		}
		return nil, m.unwritten(m.misspelt(ctx, c.Spec.Change, err))
	}
	if err := p.whole(res.Idle); err != nil {
		return nil, err
	}
	placed := &Placement{Marker: m, Candidate: c, Rendered: res, LeftOut: d.LeftOut, Past: past}
	if placed.Lost, err = promote.Loses(ctx, m.Request, m.File, res); err != nil {
		return nil, err
	}
	queue, err := p.queue(placed)
	if err != nil {
		return nil, err
	}
	placed.Queue = marker.Put(m.Candidates, c, queue)
	if !p.Retry {
		placed.Warnings = m.alike(ctx, c, res.Digest, past, home)
	}
	placed.After, err = m.encode(placed.Queue)
	return placed, err
}

// encode is the marker with other documents: as it is, where they are the same.
func (m *Marker) encode(queue []spec.Candidate) ([]byte, error) {
	after, err := marker.Encode(queue)
	if err != nil {
		return nil, err
	}
	now, err := marker.Encode(m.Candidates)
	if err == nil && len(queue) > 0 && bytes.Equal(now, after) {
		return m.Data, nil
	}
	return after, nil
}

// queue is the plan's, or that of the options. A candidate of other targets takes the
// place of the one under test only if that was asked for.
func (p Put) queue(placed *Placement) (string, error) {
	now, c := placed.Candidates, placed.Candidate
	queue := placed.Rendered.Plan.Spec.Queue
	waits := len(now) > 1 && slices.ContainsFunc(now[1:], func(other spec.Candidate) bool { return marker.Same(other.Spec.Change, c.Spec.Change) })
	switch {
	case p.Preempt:
		return preempt, nil
	case p.Queue && queue == preempt, waits && queue == preempt:
		return "every", nil
	case queue == preempt && len(placed.Lost) > 0:
		return "", &OtherTargetsError{New: c, Targets: placed.Rendered.Targets, Old: now[0], Lost: placed.Lost}
	}
	return queue, nil
}

// preempt is the queue of a plan that says nothing else.
const preempt = "preempt"

// OtherTargetsError is returned for a candidate that would end the test of others.
type OtherTargetsError struct {
	New     spec.Candidate
	Targets []object.Key
	Old     spec.Candidate // that is under test
	Lost    []object.Key   // its targets that the new one does not test
}

func (e *OtherTargetsError) Error() string {
	return fmt.Sprintf("candidate %s of %s would take the place of candidate %s, and end the test of %s: wait for its verdict",
		promote.Label(e.New), object.Names(e.Targets), promote.Label(e.Old), object.Names(e.Lost))
}

// whole refuses a change of which a part does nothing: it would be dropped without
// a word.
func (p Put) whole(idle []change.Idle) error {
	for _, part := range idle {
		if p.Loose && part.Holds && strings.HasPrefix(part.Field, "values.") {
			continue
		}
		return fmt.Errorf("a part of the change does nothing: %s; correct it, or leave it out", part)
	}
	return nil
}

// Preempted is the candidate whose place the new one takes.
func (p *Placement) Preempted() (spec.Candidate, bool) {
	if len(p.Candidates) == 0 || len(p.Queue) == 0 || marker.Same(p.Candidates[0].Spec.Change, p.Queue[0].Spec.Change) {
		return spec.Candidate{}, false
	}
	return p.Candidates[0], true
}

// Waits reports whether the candidate is not the first.
func (p *Placement) Waits() bool {
	return len(p.Queue) > 0 && !marker.Same(p.Queue[0].Spec.Change, p.Candidate.Spec.Change)
}

// Changes reports whether the marker is to be written.
func (p *Placement) Changes() bool { return !bytes.Equal(p.After, p.Data) }

// Called is the candidate for people.
func (p *Placement) Called() string {
	return fmt.Sprintf("candidate %s (%s)", promote.Label(p.Candidate), p.Rendered.ID)
}

// Record is what the commit that sets the candidate tells.
func (p *Placement) Record() history.Record {
	return history.Record{
		Outcome: decision.Candidate, Environment: p.Environment, Experiment: p.Rendered.ID, Digest: p.Rendered.Digest,
		Candidate: p.Candidate.Metadata.Name, Untested: p.Rendered.Untested,
		Beside: promote.Displaced(p.Environment, p.Candidates, p.Queue),
	}
}

// Title is the subject of that commit.
func (p *Placement) Title() string {
	verb := "Test"
	if p.Waits() {
		verb = "Queue"
	}
	return promote.Subject(verb, p.Candidate, p.Rendered.Plan, p.Environment)
}

// name names the candidate, and takes over what the marker says of the same
// change already.
func (p Put) name(m *Marker, c *spec.Candidate) {
	c.Spec.Attempt, c.Spec.Waiting = 0, false
	switch {
	case p.Name != "":
		c.Metadata.Name = p.Name
	case c.Metadata.Name == "":
		c.Metadata.Name = nameAfter(c.Spec.Change)
	}
	for _, other := range m.Candidates {
		if !marker.Same(other.Spec.Change, c.Spec.Change) {
			continue
		}
		c.Spec.Attempt, c.Spec.Waiting = other.Spec.Attempt, other.Spec.Waiting
		c.Metadata.Annotations = other.Metadata.Annotations
		if p.Name == "" {
			c.Metadata.Name = other.Metadata.Name
		}
	}
	if p.Retry {
		c.Spec.Attempt++
	}
}

// longestName is enough to know a change by.
const longestName = 100

// nameAfter names a candidate after its first new tag or digest, else after what it
// changes. Values, which may be secret, are left out.
func nameAfter(c spec.Change) string {
	for _, image := range c.Images {
		switch {
		case image.NewTag != "":
			return image.NewTag
		case image.Digest != "":
			_, hash, _ := strings.Cut(image.Digest, ":")
			return hash[:min(12, len(hash))]
		}
	}
	if len(c.Values) > 0 && len(c.Patches) == 0 && c.Diff == "" {
		return excerpt.Of(strings.Join(leaves(c.Values, ""), ", "), longestName)
	}
	return excerpt.Of(Describe(c), longestName)
}

// leaves are the keys of values, as --set has them.
func leaves(values map[string]any, above string) (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if inner, ok := values[key].(map[string]any); ok && len(inner) > 0 {
			keys = append(keys, leaves(inner, above+key+".")...)
		} else {
			keys = append(keys, above+key)
		}
	}
	return keys
}

// try renders the environment with the candidate under test, and proves that
// promoting and rejecting it would hold.
func (m *Marker) try(ctx context.Context, c spec.Candidate, branch func(context.Context) (string, error)) (*render.Result, error) {
	req, err := m.with(c)
	if err != nil {
		return nil, err
	}
	res, err := render.Environment(ctx, req)
	if err != nil {
		return nil, err
	}
	return res, promote.Prove(ctx, req, res, branch)
}

// with is the environment with the candidate under test.
func (m *Marker) with(c spec.Candidate) (render.Request, error) {
	data, err := spec.EncodeCandidate(c)
	req := m.Request
	req.FS = req.FS.With(map[string][]byte{m.Path: data})
	return req, err
}

// without renders the environment without its marker.
func (m *Marker) without(ctx context.Context) (*render.Result, error) {
	req := m.Request
	req.FS = req.FS.With(map[string][]byte{m.Path: nil})
	return render.Environment(ctx, req)
}
