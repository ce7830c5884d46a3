// Package verdict reads what became of an experiment from its objects.
//
//  1. Read decodes the objects that someone saved, or the cluster sent (read.go).
//  2. Judge finds those that judge, by name and namespace, and holds them to the
//     experiment's digest: a verdict counts for nothing else (match.go).
//  3. The CEL expressions of each one's engine are compiled, bounded and
//     evaluated over the object and its children (expression.go, evaluate.go).
//  4. The findings become one outcome: all must promote, one rejects
//     (outcome.go). No verdict by the deadline rejects as well (deadline.go).
//     What each engine measured is told beside it (internal/engine/evidence).
//
// Whatever is not evidence is hold: an object that still runs, that contradicts
// itself, or that an expression cannot read.
package verdict

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/engine/evidence"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// Expect is what the verdict must be of.
type Expect struct {
	Digest digest.Digest // of the experiment under test

	// Judges are all objects that judge (render.Result.Judges), by their
	// names in the cluster. One whose name does not hold the ID outlives the
	// candidate: it may still be as it was before.
	Judges []object.Key

	// Namespace is where the environment is deployed to: that of every object
	// that names none. It is empty where that is not known.
	Namespace string

	// Candidate is what the experiment calls the candidate, where it names
	// several. Empty means the one that it tests.
	Candidate string

	// Since is when the branch began to hold the ID. Zero means that it is not known:
	// an engine whose objects outlive a candidate then decides nothing.
	Since time.Time

	// Deadline is how long the experiment may take up to Now: without a
	// verdict by then, it is a reject. Zero is for ever.
	Deadline time.Duration
	Now      time.Time
}

// Options say how to judge.
type Options struct {
	Engines []spec.Engine // the plan's own
}

// Verdict is what the objects of one experiment say together. Message and
// Evidence are one line each, and fit for a commit message.
type Verdict struct {
	Outcome  decision.Outcome
	Digest   digest.Digest // that it was reached on
	Running  bool          // it is hold, and may become another
	Engine   string        // the engines' names
	Objects  []string      // that were read, as Kind/name or Kind/namespace/name
	Message  string        // why
	Evidence string        // what it rests on

	Started time.Time // when the first object began to test the candidate; zero where none has
	Expires time.Time // when a hold becomes a reject; zero where it never does, or that is not known

	Concluded time.Time // when it was reached, as far as the objects tell; zero for a hold

	Metrics []evidence.Metric // what the engines looked at, as far as their objects tell
}

// ErrNoJudge is returned for an experiment that has no verdict, ever.
var ErrNoJudge = errors.New("judge experiment: nothing in it judges: add an object of an engine to its resources, or decide by hand and say why")

// Judge returns the verdict of the objects. Objects that do not judge are
// there for those that do, as the Jobs of a k6 TestRun. An error means that they
// cannot be a verdict on what is expected, or that ctx has ended.
func Judge(ctx context.Context, objs []*unstructured.Unstructured, expect Expect, opt Options) (Verdict, error) {
	if expect.Digest == "" {
		return Verdict{}, errors.New("judge experiment: the digest under test is missing")
	}
	if len(expect.Judges) == 0 {
		return Verdict{}, ErrNoJudge
	}
	engines := engine.With(opt.Engines)
	objs, err := expect.distinct(objs)
	if err != nil {
		return Verdict{}, err
	}
	m := matcher{objs: objs, expect: expect, engines: engines}
	judges, err := m.judges()
	if err != nil {
		return Verdict{}, err
	}
	if old, ok, err := m.superseded(judges); ok || err != nil {
		return old, err
	}
	e := evaluator{objs: objs, expect: expect}
	findings := make([]finding, len(judges))
	for i, j := range judges {
		if findings[i], err = e.judge(ctx, j); err != nil {
			return Verdict{}, fmt.Errorf("judge %s: %w", j.key, err)
		}
	}
	v := combine(findings, expect.Digest)
	v.Started = expect.began(judges)
	if v.Outcome == decision.Hold {
		v.Expires = expect.expires(judges, findings)
	} else {
		v.Concluded = concluded(judges, expect.Now)
	}
	if !v.Expires.IsZero() && expect.Now.After(v.Expires) {
		v.Outcome, v.Running, v.Concluded, v.Expires = decision.Reject, false, v.Expires, time.Time{}
		v.Message = excerpt.Of(fmt.Sprintf("no verdict within %s: %s", expect.Deadline, v.Message), longestLine)
	}
	return v, nil
}
