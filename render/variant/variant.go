// Package variant derives what runs beside the baseline while a candidate is
// under test, and refuses what the test would not cover.
//
//  1. Index both renders and pair the objects in which they differ: changed,
//     added, removed, or renamed by a content hash (differences.go).
//  2. Choose the targets: the plan's, or the workloads that the change alters
//     (targets.go).
//  3. Find what the targets refer to and the change alters: it is cloned with
//     them (dependencies.go).
//  4. Copy targets and dependencies from the candidate, less what would bind
//     Argo CD to them (strip.go), and apply labels and replicas (labels.go).
//  5. Keep the traffic apart (isolate.go, network.go), or let it reach the
//     variant (share.go).
//     What addresses a target's Service is pointed at the copy, if the plan says so
//     (address.go).
//  6. Name the copies, let references follow (references.go) and apply the
//     plan's patches, which must keep the change (names.go, patch.go, kept.go).
//  7. Check the outcome: law 5 (law.go), names, references, selectors and what
//     two sets of pods cannot share (checks.go).
//
// The inputs are never changed, and equal inputs give equal results.
package variant

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// Input is an environment rendered without and with the change.
type Input struct {
	Plan      *spec.Plan
	File      string // the plan's path, for messages; empty means assay.yaml
	Marker    string // likewise
	Namespace string // where objects go that name no namespace; may be empty
	Baseline  []*unstructured.Unstructured
	Candidate []*unstructured.Unstructured
	Unstable  []object.Key // objects that differ between two renders of the same files
}

// SameIn reports whether the variant has the same objects where those that name no namespace
// go to another one. It may say no although it has.
func (in Input) SameIn(namespace string) bool {
	if namespace == in.Namespace {
		return true
	}
	if in.Plan != nil {
		p := in.Plan.Spec
		if p.Candidate.RewriteAddresses || slices.ContainsFunc(slices.Concat(p.Targets, p.Untested), func(r spec.Ref) bool { return r.Namespace != "" }) {
			return false
		}
	}
	// A namespace has no other use than to tell objects apart.
	silent, named := false, false
	for _, o := range slices.Concat(in.Baseline, in.Candidate) {
		switch at := o.GetNamespace(); at {
		case "":
			silent = true
		case in.Namespace, namespace:
			named = true
		}
	}
	return !silent || !named
}

// Target is a workload under test.
type Target struct {
	Baseline  *unstructured.Unstructured
	Candidate *unstructured.Unstructured // as it runs in the cluster, under its final name
}

// Result is the variant and what people should know of it.
type Result struct {
	Targets  []Target
	Objects  []*unstructured.Unstructured // added to the output; not stamped yet
	Replaced []*unstructured.Unstructured // mode inPlace: stand in for the baseline's objects of the same key

	// Before and After hold every object of the variant before naming, as
	// the baseline and the candidate have it: what the ID hashes. An object
	// that the change adds is in After alone.
	Before, After []*unstructured.Unstructured

	Untested []string // what ships untested
	Selected []string // traffic shared: what selects the variant's pods
	Warnings []string

	// Rewritten is what of the variant differs from what is promoted, because the plan
	// points it at the variant's copies.
	Rewritten []string

	live *set // the baseline
}

// The modes and the kinds of traffic of a plan.
const (
	modeClone   = "clone"
	modeNone    = "none"
	modeInPlace = "inPlace"
	modeNative  = "native"

	trafficShared = "shared"

	defaultSuffix = "-candidate"
)

// ErrNothing is returned for a change of files that changes no object.
var ErrNothing = errors.New("the change alters nothing in what the environment renders")

// Build derives the variant. It fails when the change alters an object that
// nothing tests, or when the variant cannot run beside the baseline.
func Build(ctx context.Context, in Input) (*Result, error) {
	b, err := newBuild(in)
	if err != nil {
		return nil, err
	}
	if len(b.differences) == 0 {
		return nil, fmt.Errorf("%s: %w: name another version, or remove the file", in.Marker, ErrNothing)
	}
	if err := b.chooseTargets(); err != nil {
		return nil, err
	}
	if err := b.addDependencies(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch b.mode {
	case modeNone:
		err = b.keep()
	case modeInPlace:
		b.replace()
	default:
		err = b.copyTargets()
	}
	if err != nil {
		return nil, err
	}
	if b.result.Untested, err = b.law5(); err != nil {
		return nil, err
	}
	return b.finish(), nil
}

// copyTargets makes the variant's own copy of everything that it clones.
func (b *build) copyTargets() error {
	for _, p := range b.clones {
		p.out = p.after.DeepCopy()
		strip(p.out)
	}
	if err := b.requirePods(); err != nil {
		return err
	}
	b.label()
	b.scale()
	if b.plan.Candidate.Traffic == trafficShared {
		b.share()
	} else if err := b.isolate(); err != nil {
		return err
	}
	b.addresses()
	if err := b.name(); err != nil {
		return err
	}
	return b.check()
}

// keep is mode none: an engine runs the pods from the targets as the
// candidate has them. Only what they refer to is cloned.
func (b *build) keep() error {
	b.warnUnused()
	for _, p := range b.clones {
		p.out = p.after.DeepCopy()
		if p.role != target {
			strip(p.out)
		}
	}
	if err := b.name(); err != nil {
		return err
	}
	if err := b.checkNames(); err != nil {
		return err
	}
	return b.checkReferences()
}

// replace is mode inPlace: the candidate's objects stand in for the
// baseline's, under their own names.
func (b *build) replace() {
	b.warnUnused()
	for _, p := range b.clones {
		p.out = p.after.DeepCopy()
		if p.role == dependency && b.baseline.get(p.out) != nil {
			b.warn("%s changes in place: the baseline's pods read it too", name(p.out))
		}
	}
}

// finish sorts the clones into the result.
func (b *build) finish() *Result {
	r := &b.result
	r.live = b.baseline
	for _, p := range b.clones {
		if p.before != nil {
			r.Before = append(r.Before, p.before)
		}
		r.After = append(r.After, p.after)
		if p.role == target {
			r.Targets = append(r.Targets, Target{Baseline: p.before, Candidate: p.out})
		}
		switch {
		case p.out == nil: // a patch of the plan deleted it
		case b.mode == modeInPlace && b.baseline.get(p.out) != nil:
			r.Replaced = append(r.Replaced, p.out)
		case b.mode == modeNone && p.role == target:
		default:
			r.Objects = append(r.Objects, p.out)
		}
	}
	return r
}
