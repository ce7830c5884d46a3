package promote

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine/evidence"
	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Decision is what is to become of a candidate, and why.
type Decision struct {
	Outcome  decision.Outcome
	ID       digest.Selector // the experiment that people mean; empty: the one under test
	Digest   digest.Digest   // the experiment that was judged; empty by hand
	Reason   string          // for people: why, or what the verdict says
	Engine   string          // what judged; empty by hand
	Evidence string          // what the verdict rests on
	Metrics  []evidence.Metric
}

// ByHand reports whether people decided.
func (d Decision) ByHand() bool { return d.Engine == "" }

// Choice is a decision, or why there is none.
type Choice struct {
	Decision
	Held decision.Outcome // empty: the decision is to be carried out

	// What is under test, where a verdict was asked for.
	Candidate  spec.Candidate
	Experiment string // its ID
}

// Decider decides about the candidate under test.
type Decider struct {
	Wanted decision.Outcome // the only outcome that is to be carried out; empty: whatever it is

	// Choose decides at whatever tree the candidate is found. res may be nil for a
	// decision by hand: a candidate that does not render can be rejected. since
	// tells when it began to be under test.
	Choose func(ctx context.Context, res *render.Result, since Since) (Choice, error)
}

// Since tells when the branch began to hold what is under test (UnderTestSince); zero where
// that is not known.
type Since func(context.Context) (time.Time, error)

// ByHand is the decision of people. The ID may be empty.
func ByHand(outcome decision.Outcome, reason string, id digest.Selector) Decider {
	return Decider{outcome, func(context.Context, *render.Result, Since) (Choice, error) {
		return Choice{Decision: Decision{Outcome: outcome, Reason: reason, ID: id}}, nil
	}}
}

// ByVerdict follows the verdict of an experiment's objects, if it is the wanted
// outcome; whatever it is where wanted is empty. They are looked for on each
// tree anew.
func ByVerdict(find Objects, wanted decision.Outcome) Decider {
	return Decider{wanted, func(ctx context.Context, res *render.Result, since Since) (Choice, error) {
		if res == nil {
			return Choice{}, &MissingError{InputReason, "follow verdict: the candidate does not render: reject it by hand and say why"}
		}
		objs, err := find(ctx, res)
		if err != nil {
			return Choice{}, err
		}
		if len(objs) == 0 && len(res.Judges()) > 0 {
			return Choice{Held: decision.Hold, Decision: Decision{Reason: absent(res)}, Candidate: *res.Marker, Experiment: res.ID}, nil
		}
		v, err := judge(ctx, res, objs, since)
		if err != nil {
			return Choice{}, err
		}
		c := Choice{Decision: Decision{
			Outcome: v.Outcome, Digest: v.Digest, Reason: v.Message, Engine: v.Engine, Evidence: v.Evidence, Metrics: v.Metrics,
		}, Candidate: *res.Marker, Experiment: res.ID}
		switch {
		case v.Outcome == decision.Superseded:
			c.Held = decision.Superseded
		case v.Outcome == decision.Hold:
			c.Held = decision.Hold
		case wanted == decision.Promote && v.Outcome == decision.Reject:
			c.Held = decision.Reject
		case wanted == decision.Reject && v.Outcome == decision.Promote:
			return c, &MissingError{InputReason, fmt.Sprintf("not rejected: the verdict is promote: %s; to reject it anyway, say why", v.Message)}
		case res.Plan.Spec.Promotion.Paused:
			return c, &MissingError{InputReason, fmt.Sprintf("the plan %s is paused (spec.promotion.paused) and the verdict is %s: to follow it anyway, %[2]s it by hand and say why",
				res.Plan.Metadata.Name, v.Outcome)}
		}
		return c, nil
	}}
}

// Meaning is a decider that means the candidate with the ID alone; without one it
// is the decider.
func Meaning(id digest.Selector, decide Decider) Decider {
	if id == "" {
		return decide
	}
	return Decider{decide.Wanted, func(ctx context.Context, res *render.Result, since Since) (Choice, error) {
		c, err := decide.Choose(ctx, res, since)
		if c.Held == "" {
			c.ID = id
		}
		return c, err
	}}
}

// judge reads the verdict on what is under test. Since when the branch holds
// it is asked for only where that matters.
func judge(ctx context.Context, res *render.Result, objs []*unstructured.Unstructured, since Since) (verdict.Verdict, error) {
	deadline, err := time.ParseDuration(string(res.Plan.Spec.Experiment.Deadline))
	if err != nil {
		return verdict.Verdict{}, fmt.Errorf("parse spec.experiment.deadline of the plan: %w", err)
	}
	opt := verdict.Options{Engines: res.Plan.Spec.Experiment.Engines}
	expect := verdict.Expect{Digest: res.Digest, Namespace: res.Namespace, Judges: res.Judges(), Deadline: deadline, Now: time.Now()}
	if since != nil && expect.NeedsSince(opt) {
		if expect.Since, err = since(ctx); err != nil {
			return verdict.Verdict{}, err
		}
	}
	return verdict.Judge(ctx, objs, expect, opt)
}

// AnotherError says that a decision means another candidate than the one under
// test.
type AnotherError struct {
	Decision Decision
	Edit     *Edit // of what is under test
}

func (e *AnotherError) Error() string {
	meant := cmp.Or(string(e.Decision.ID), string(e.Decision.Digest))
	if meant == "" {
		meant = "the one that was there first"
	}
	return fmt.Sprintf("%s: under test is candidate %s, not %s: look at it, and decide again", e.Edit.Marker, e.Edit.called(), meant)
}

// Guard refuses a decision that means another candidate than the one under
// test, with an AnotherError, or that does not say which of several it means.
func (e *Edit) Guard(d Decision) error {
	switch {
	case d.ID != "" && e.ID == "":
		return fmt.Errorf("%s: the candidate under test does not render, so that it has no ID: decide without an ID, or repair it", e.Marker)
	case d.ID != "" && !d.ID.Selects(e.Digest), d.Digest != "" && d.Digest != e.Digest:
		return &AnotherError{d, e}
	case d.ID == "" && d.ByHand() && e.Waiting > 0 && e.ID != "":
		return &MissingError{InputID, fmt.Sprintf("%s: %d more wait behind candidate %s: say that %s is meant", e.Marker, e.Waiting, Label(e.Candidate), e.ID)}
	}
	return nil
}

// Unambiguous refuses a decision that means an ID which two experiments have, as
// the past tells. It is asked only where that matters.
func (e *Edit) Unambiguous(d Decision, past func() (history.Past, error)) error {
	if !d.ID.IsID() || e.Digest == "" {
		return nil
	}
	p, err := past()
	if err != nil {
		return err
	}
	if other, found := history.Another(p.Decisions, e.Digest); found {
		return fmt.Errorf("%s: %w", e.Marker, d.ID.Ambiguous(e.Digest, other))
	}
	return nil
}

// called names the candidate under test for people.
func (e *Edit) called() string {
	if e.ID == "" {
		return Label(e.Candidate)
	}
	return fmt.Sprintf("%s (%s)", Label(e.Candidate), e.ID)
}

// Label names a candidate for people.
func Label(c spec.Candidate) string {
	if c.Metadata.Name == "" {
		return "without a name"
	}
	return c.Metadata.Name
}
