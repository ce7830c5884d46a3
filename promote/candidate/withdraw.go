package candidate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// Which names one candidate of a marker, by its name or by the ID of its
// experiment; all of them where neither is given.
type Which struct {
	Name string
	ID   digest.Selector
}

func (w Which) one() bool { return w != Which{} }

// Withdrawal is what withdrawing makes of a marker.
type Withdrawal struct {
	*Marker
	Index int      // of the one candidate that is withdrawn; -1 withdraws all
	Rest  []byte   // of the marker; nil where nothing is left
	Left  []Queued // once one of several is withdrawn
	plan  *spec.Plan
	promote.Landing
}

// Withdraw takes candidates out of the marker of an environment; nil where there
// are none. A marker that cannot be decoded is withdrawn too: it blocks every
// sync.
func (w Which) Withdraw(ctx context.Context, req render.Request) (*Withdrawal, error) {
	m, err := Read(req)
	if err != nil && (m.Data == nil || w.one() || errors.Is(err, marker.ErrForeign)) {
		return nil, err
	}
	if m.Data == nil {
		return nil, nil
	}
	out := &Withdrawal{Marker: m, Index: -1}
	if out.plan, err = render.Plan(req); err != nil {
		out.plan = nil // a plan that cannot be read does not keep a candidate
	}
	if !w.one() {
		return out, nil
	}
	if out.Index, err = w.find(ctx, m); err != nil {
		return nil, err
	}
	if out.Rest, err = marker.Remove(m.File, out.Index); err != nil || out.Rest == nil {
		return out, err
	}
	left := &Marker{m.Request, marker.File{Path: m.Path, Data: out.Rest, Candidates: slices.Delete(slices.Clone(m.Candidates), out.Index, out.Index+1)}}
	left.FS = left.FS.With(map[string][]byte{m.Path: out.Rest})
	out.Left, err = left.Queue(ctx)
	return out, err
}

// Same reports whether two withdrawals of a marker mean the same: one candidate,
// wherever it is by now, or all of the very same marker.
func (w *Withdrawal) Same(first *Withdrawal) bool {
	return w.Index >= 0 || bytes.Equal(w.Data, first.Data)
}

// Record is what the commit that withdraws tells.
func (w *Withdrawal) Record() history.Record {
	rec := history.Record{Outcome: decision.Withdraw, Environment: w.Environment}
	// A marker that could not be read holds none.
	if at := max(w.Index, 0); at < len(w.Candidates) {
		rec.Candidate = w.Candidates[at].Metadata.Name
	}
	return rec
}

// Title is the subject of that commit.
func (w *Withdrawal) Title() string {
	env, at := w.Environment, max(w.Index, 0)
	switch {
	case w.Index < 0 && len(w.Candidates) > 1:
		return "Withdraw the candidates of " + env.String()
	case w.plan == nil || at >= len(w.Candidates):
		return "Withdraw the candidate of " + env.String()
	}
	return promote.Subject("Withdraw", w.Candidates[at], w.plan, env)
}

// AmbiguousError says that several candidates have the name that is meant.
type AmbiguousError struct {
	File, Name string
	Count      int
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s has %d candidates %s: say which by its ID", e.File, e.Count, e.Name)
}

// find is the place of the one candidate that is meant.
func (w Which) find(ctx context.Context, m *Marker) (int, error) {
	var found []int
	var digests []digest.Digest
	for i, c := range m.Candidates {
		if w.Name != "" && c.Metadata.Name != w.Name {
			continue
		}
		if w.ID != "" {
			tested, err := m.digestOf(ctx, c)
			if err != nil {
				return 0, err
			}
			if !w.ID.Selects(tested) {
				continue
			}
			digests = append(digests, tested)
		}
		found = append(found, i)
	}
	meant := w.Name
	if meant == "" {
		meant = "with the ID " + string(w.ID)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		var names []string
		for _, c := range m.Candidates {
			names = append(names, promote.Label(c))
		}
		return 0, fmt.Errorf("%s has no candidate %s: there are %s", m.Path, meant, excerpt.List(names))
	default:
		if w.ID != "" && digests[0] != digests[1] {
			return 0, fmt.Errorf("%s: %w", m.Path, w.ID.Ambiguous(digests[0], digests[1]))
		}
		return 0, &AmbiguousError{m.Path, meant, len(found)}
	}
}

// digestOf is the digest that a candidate has if it is tested now; empty if it does not
// render.
func (m *Marker) digestOf(ctx context.Context, c spec.Candidate) (digest.Digest, error) {
	data, err := spec.EncodeCandidate(c)
	if err != nil {
		return "", err
	}
	req := m.Request
	req.FS = req.FS.With(map[string][]byte{m.Path: data})
	res, err := render.Environment(ctx, req)
	if ctx.Err() != nil {
		return "", err
	}
	if err != nil {
		return "", nil //nolint:nilerr // it is not the one that is meant
	}
	return res.Digest, nil
}
