package candidate

import (
	"context"
	"fmt"
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// RememberedError says that a candidate was rejected before, or promoted and
// reverted.
type RememberedError struct {
	Candidate spec.Candidate
	Decision  history.Decision
}

func (e *RememberedError) Error() string {
	why := ""
	if e.Decision.Evidence != "" {
		why = ": " + excerpt.Of(e.Decision.Evidence, 300)
	}
	return fmt.Sprintf("candidate %s (%s) was %s in commit %s%s", promote.Label(e.Candidate), e.Decision.Experiment, became(e.Decision), git.Short(e.Decision.Commit), why)
}

// unremembered proves the candidate and refuses one that was rejected, or whose
// promotion was reverted. A retry raises the attempt until the experiment is a
// new one.
func (p Put) unremembered(ctx context.Context, m *Marker, c *spec.Candidate, past history.Past, try func(context.Context, spec.Candidate) (*render.Result, error)) (*render.Result, error) {
	for {
		res, err := try(ctx, *c)
		if err != nil {
			return nil, err
		}
		again, err := p.resolve(ctx, m, c, res)
		if err != nil {
			return nil, err
		}
		if again {
			continue
		}
		d, known, err := m.recall(ctx, res, *c, past, p.Retry)
		if !known || err != nil {
			return res, err
		}
		if !p.Retry {
			return nil, &RememberedError{*c, d}
		}
		c.Spec.Attempt++
	}
}

// resolve names images in full, in the candidate and where the marker has its change
// already. It reports whether the candidate is another attempt by that.
func (p Put) resolve(ctx context.Context, m *Marker, c *spec.Candidate, res *render.Result) (again bool, err error) {
	alike, err := promote.Alike(ctx, m.Request, m.File, res.Change)
	if err != nil {
		return false, err
	}
	same := slices.EqualFunc(alike, m.Candidates, func(a, b spec.Candidate) bool { return marker.Same(a.Spec.Change, b.Spec.Change) })
	if same && marker.Same(c.Spec.Change, res.Change) {
		return false, nil
	}
	tried := c.Spec.Attempt
	m.Candidates, c.Spec.Change = alike, res.Change
	p.name(m, c)
	return c.Spec.Attempt != tried, nil
}

// recall is the last decision against what is under test, also where it was said
// in another form, as an image that a diff now edits.
func (m *Marker) recall(ctx context.Context, res *render.Result, c spec.Candidate, past history.Past, retry bool) (history.Decision, bool, error) {
	d, known := history.Recall(past.Decisions, res.Digest)
	if known || retry {
		return d, known, nil
	}
	if d, known, err := m.recallMoved(ctx, c, past); known || err != nil {
		return d, known, err
	}
	if c.Spec.Diff == "" || !slices.ContainsFunc(past.Decisions, against) {
		return d, known, nil
	}
	req, err := m.with(c)
	if err != nil {
		return d, false, err
	}
	forms, err := promote.Forms(ctx, req, res)
	if err != nil {
		return d, false, err
	}
	for _, form := range forms {
		if d, known = history.Recall(past.Decisions, form.Digest); known {
			return d, true, nil
		}
	}
	return d, false, nil
}

func against(d history.Decision) bool {
	return d.Outcome == decision.Reject || d.Outcome == decision.Revert
}

// mostAlike is how many decisions of a candidate's name are looked at.
const mostAlike = 5

// alike warns of the same change under another digest that was rejected, or reverted:
// the baseline, the plan or the experiment was another.
func (m *Marker) alike(ctx context.Context, c spec.Candidate, tested digest.Digest, past history.Past, home Home) []string {
	looked := 0
	for _, d := range past.Told() {
		if !against(d) || d.Digest == tested || d.Candidate != excerpt.Line(excerpt.Inert(c.Metadata.Name)) {
			continue
		}
		if looked++; looked > mostAlike {
			break
		}
		what := "a candidate of this name"
		if change, known := m.changeOf(ctx, d, home); known {
			if !marker.Same(change, c.Spec.Change) {
				continue
			}
			what = "the same change"
		}
		warning := fmt.Sprintf("%s was %s in commit %s, as experiment %s: its baseline, plan or experiment was another", what, became(d), git.Short(d.Commit), d.Experiment)
		if d.Evidence != "" {
			warning += ": " + excerpt.Of(d.Evidence, 300)
		}
		return []string{warning}
	}
	return nil
}

// changeOf is the change that a decision was about, where the repository had it
// before.
func (m *Marker) changeOf(ctx context.Context, d history.Decision, home Home) (spec.Change, bool) {
	before, done, err := home.Before(ctx, d)
	if err != nil {
		return spec.Change{}, false
	}
	defer done()
	then, err := marker.Read(before, d.Environment.Dir, d.Environment.Name)
	if err != nil || len(then.Candidates) == 0 {
		return spec.Change{}, false
	}
	return then.Candidates[0].Spec.Change, true
}

func became(d history.Decision) string {
	if d.Outcome == decision.Revert {
		return "promoted, and reverted"
	}
	return "rejected"
}
