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
	Experiment string    // its ID
	Started    time.Time // when what judges began to test it; zero where nothing does yet
	Expires    time.Time // when a hold becomes a reject; zero where it never does, or that is not known
	Concluded  time.Time // when the verdict was reached; zero for a hold, and where that is not known

	// Absent says that there is no candidate since there is no environment: see IsEnvironment.
	Absent bool

	// Shut says that a promotion is held for a window alone, which opens at Opens; zero where
	// that is not known.
	Shut  bool
	Opens time.Time

	// SyncWaits says which window of Argo CD's is closed, so that what is decided lands in Git
	// and is synced later. It is not part of what is written.
	SyncWaits string
}

// Decider decides about the candidate under test.
type Decider struct {
	Wanted decision.Outcome // the only outcome that is to be carried out; empty: whatever it is

	// Choose decides at whatever tree the candidate is found.
	Choose func(ctx context.Context, tip Tip) (Choice, error)
}

// Tip is the tree that is decided about.
type Tip struct {
	// Rendered is the environment there. It may be nil for a decision by hand: a
	// candidate that does not render can be rejected.
	Rendered *render.Result

	// Since tells when the branch began to hold what is under test (UnderTestSince);
	// zero where that is not known, and nil where it is not to be asked.
	Since func(context.Context) (time.Time, error)

	// Now is the time by the clock of who dated the objects; nil is ours. It is asked once
	// they have been read.
	Now func() time.Time

	// Here is the time by our own clock; nil is the system's.
	Here func() time.Time

	// AnyTime lets a promotion land outside of the plan's windows: a person said so, or it
	// landed before.
	AnyTime bool

	// As renders the environment of the same tree as another view of it asks; nil where
	// the tree is not at hand.
	As func(ctx context.Context, view View) (*render.Result, error)
}

// clock is the time by the clock of who dated the objects.
func (t Tip) clock() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

// here is the time by our own clock.
func (t Tip) here() time.Time {
	if t.Here == nil {
		return time.Now()
	}
	return t.Here()
}

// ByHand is the decision of people. While the plan's windows are closed a promotion is held
// (OutsideWindows lets it land). The ID may be empty.
func ByHand(outcome decision.Outcome, reason string, id digest.Selector) Decider {
	return Decider{outcome, func(_ context.Context, tip Tip) (Choice, error) {
		return tip.inWindows(Choice{Decision: Decision{Outcome: outcome, Reason: reason, ID: id}}, tip.clock())
	}}
}

// ByVerdict follows the verdict of an experiment's objects, if it is the wanted
// outcome; whatever it is where wanted is empty. They are looked for on each
// tree anew.
func ByVerdict(find Objects, wanted decision.Outcome) Decider {
	return Decider{wanted, func(ctx context.Context, tip Tip) (Choice, error) {
		res := tip.Rendered
		if res == nil {
			return Choice{}, &MissingError{InputReason, "follow verdict: the candidate does not render: reject it by hand and say why"}
		}
		c, err := Read(ctx, tip, find)
		switch {
		case err != nil || c.Held != "":
		case wanted == decision.Promote && c.Outcome == decision.Reject:
			c.Held = decision.Reject
		case wanted == decision.Reject && c.Outcome == decision.Promote:
			return c, &MissingError{InputReason, fmt.Sprintf("not rejected: the verdict is promote: %s; to reject it anyway, say why", c.Reason)}
		case res.Plan.Spec.Promotion.Paused:
			return c, &MissingError{InputReason, fmt.Sprintf("the plan %s is paused (spec.promotion.paused) and the verdict is %s: to follow it anyway, %[2]s it by hand and say why",
				res.Plan.Metadata.Name, c.Outcome)}
		}
		if err != nil {
			return c, err
		}
		return tip.inWindows(c, tip.clock())
	}}
}

// Read looks for the objects of what a tip has under test, and reads their verdict. It
// carries out nothing: a verdict that decides is a Choice that is not held.
func Read(ctx context.Context, tip Tip, find Objects) (Choice, error) {
	res := tip.Rendered
	if res.Waits() {
		return waits(res, WaitsInGit), nil
	}
	objs, err := find(ctx, res)
	if err != nil {
		return Choice{}, err
	}
	if len(objs) == 0 && len(res.Judges()) > 0 {
		return waits(res, absent(res)), nil
	}
	v, err := judge(ctx, tip, objs)
	if err != nil {
		return Choice{}, err
	}
	c := Choice{Decision: Decision{
		Outcome: v.Outcome, Digest: v.Digest, Reason: v.Message, Engine: v.Engine, Evidence: v.Evidence, Metrics: v.Metrics,
	}, Candidate: *res.Marker, Experiment: res.ID, Started: v.Started, Expires: v.Expires, Concluded: v.Concluded}
	if v.Outcome == decision.Superseded || v.Outcome == decision.Hold {
		c.Held = v.Outcome
	}
	return c, nil
}

// WaitsInGit is why a candidate is not tested that its marker has wait. Whatever a cluster has of it is of
// before.
const WaitsInGit = "it waits in Git (spec.waiting of the marker) until the promoter lets it run"

// waits is the choice for a candidate that nothing is known of yet.
func waits(res *render.Result, why string) Choice {
	return Choice{Held: decision.Hold, Decision: Decision{Reason: why}, Candidate: *res.Marker, Experiment: res.ID}
}

// Meaning is a decider that means the candidate with the ID alone; without one it
// is the decider.
func Meaning(id digest.Selector, decide Decider) Decider {
	if id == "" {
		return decide
	}
	return Decider{decide.Wanted, func(ctx context.Context, tip Tip) (Choice, error) {
		c, err := decide.Choose(ctx, tip)
		if c.Held == "" {
			c.ID = id
		}
		return c, err
	}}
}

// judge reads the verdict on what is under test. Since when the branch holds
// it is asked for only where that matters.
func judge(ctx context.Context, tip Tip, objs []*unstructured.Unstructured) (verdict.Verdict, error) {
	res := tip.Rendered
	deadline, err := deadlineOf(res)
	if err != nil {
		return verdict.Verdict{}, err
	}
	opt := verdict.Options{Engines: res.Plan.Spec.Experiment.Engines}
	expect := verdict.Expect{Digest: res.Digest, Namespace: res.Namespace, Judges: res.Judges(), Deadline: deadline, Now: tip.clock()}
	if tip.Since != nil && expect.NeedsSince(opt) {
		if expect.Since, err = tip.Since(ctx); err != nil {
			return verdict.Verdict{}, err
		}
	}
	return verdict.Judge(ctx, objs, expect, opt)
}

// deadlineOf is how long the experiment may take; zero is for ever.
func deadlineOf(res *render.Result) (time.Duration, error) {
	deadline, err := time.ParseDuration(string(res.Plan.Spec.Experiment.Deadline))
	if err != nil {
		return 0, fmt.Errorf("parse spec.experiment.deadline of the plan: %w", err)
	}
	return deadline, nil
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
		return &MissingError{InputID, fmt.Sprintf("%s: candidate %s is under test, and %d more waiting: confirm that you mean %s", e.Marker, Label(e.Candidate), e.Waiting, e.ID)}
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
func Label(c spec.Candidate) string { return LabelOf(c.Metadata.Name) }

// LabelOf names a candidate for people by its name, which may be empty.
func LabelOf(name string) string {
	if name == "" {
		return "without a name"
	}
	return name
}
