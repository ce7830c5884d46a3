package variant

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// role is why an object is part of the variant.
type role int

const (
	target     role = iota // under test
	dependency             // a target refers to it and the change alters it
	service                // selects a target; traffic isolated
	policy                 // a NetworkPolicy that selects a target; traffic isolated
	peerPolicy             // lets the variant through where a target may pass; traffic isolated
)

// clone is one object of the variant.
type clone struct {
	role   role
	before *unstructured.Unstructured // the baseline's; nil when the change adds it
	after  *unstructured.Unstructured // the candidate's
	out    *unstructured.Unstructured // what runs; nil once a patch deleted it

	key object.Key        // of after, with its namespace; out has the same namespace
	pod map[string]string // the labels of after's pods; nobody changes them
}

// build is the state of one Build.
type build struct {
	file      string
	plan      *spec.PlanSpec
	mode      string
	suffix    string
	unstable  map[object.Key]bool
	baseline  *set
	candidate *set

	differences []difference
	clones      []*clone // add makes it longer
	byKey       map[object.Key]*clone
	longest     map[string]int                        // what the name of a clone may be long, by the name of the original
	tested      []*clone                              // the targets, once they are chosen
	selectable  *podIndex[*clone]                     // by the pods of the targets as the candidate has them
	copied      map[*unstructured.Unstructured]*clone // by the originals, once law 5 is held
	result      Result
}

func newBuild(in Input) (*build, error) {
	if in.Plan == nil {
		in.Plan = &spec.Plan{}
	}
	b := &build{
		file: in.File, plan: &in.Plan.Spec, mode: in.Plan.Spec.Candidate.Mode, suffix: in.Plan.Spec.Candidate.NameSuffix,
		byKey: map[object.Key]*clone{}, longest: map[string]int{}, selectable: newPodIndex[*clone](),
	}
	if b.file == "" {
		b.file = "assay.yaml"
	}
	switch b.mode {
	case "":
		b.mode = modeClone
	case modeClone, modeNone, modeInPlace:
	case modeNative:
		return nil, b.fail("candidate.mode", "native is not supported yet; use clone, or inPlace where a controller splits the traffic itself")
	default:
		return nil, b.fail("candidate.mode", "unknown mode %q; use clone, none or inPlace", b.mode)
	}
	if b.plan.Candidate.RewriteAddresses && (b.mode != modeClone || b.plan.Candidate.Traffic == trafficShared) {
		return nil, b.fail("candidate.rewriteAddresses", "the variant has no Services of its own; it needs mode clone and traffic isolated")
	}
	if b.suffix == "" {
		b.suffix = defaultSuffix
	}
	b.baseline = newSet(in.Baseline, in.Namespace)
	b.candidate = newSet(in.Candidate, in.Namespace)
	for _, s := range []*set{b.baseline, b.candidate} {
		if s.twice != nil {
			return nil, fmt.Errorf("%s: is rendered twice, and Argo CD would apply one of them; remove one before testing a candidate", name(s.twice))
		}
	}
	b.differences = pair(b.baseline, b.candidate)
	b.unstable = map[object.Key]bool{}
	for _, k := range in.Unstable {
		b.unstable[b.baseline.complete(k)] = true
	}
	return b, nil
}

// fail returns an error at a field of the plan.
func (b *build) fail(field, format string, args ...any) error {
	return fmt.Errorf("%s: spec.%s: %s", b.file, field, fmt.Sprintf(format, args...))
}

// add makes the copy of an object, of which out is made already or later, part of the variant.
func (b *build) add(p *clone) {
	b.clones = append(b.clones, p)
	if p.role == target {
		b.tested = append(b.tested, p)
		if p.pod != nil {
			b.selectable.add(p, p.key.Namespace, p.pod)
		}
	}
	if p.role != peerPolicy && b.byKey[p.key] == nil {
		b.byKey[p.key] = p
	}
	name, most := p.after.GetName(), longestName(p.after)
	if known, ok := b.longest[name]; !ok || most < known {
		b.longest[name] = most
	}
}

// newClone is a clone that is no part of the variant yet.
func (b *build) newClone(r role, before, after *unstructured.Unstructured) *clone {
	return &clone{role: r, before: before, after: after, key: b.candidate.key(after), pod: podLabels(after)}
}

// targets returns the clones under test.
func (b *build) targets() []*clone { return b.tested }

// having returns the clones of a role, in order.
func (b *build) having(r role) []*clone {
	var out []*clone
	for _, p := range b.clones {
		if p.role == r {
			out = append(out, p)
		}
	}
	return out
}

func (b *build) warn(format string, args ...any) {
	b.result.Warnings = append(b.result.Warnings, fmt.Sprintf(format, args...))
}

// warnUnused names the fields of the plan that only a clone has a use for.
func (b *build) warnUnused() {
	c := b.plan.Candidate
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"labels", len(c.Labels) > 0},
		{"replicas", c.Replicas != nil},
		{"patches", len(c.Patches) > 0},
	} {
		if f.set {
			b.warn("%s: spec.candidate.%s has no effect in mode %s", b.file, f.name, b.mode)
		}
	}
}

// join makes one error of several findings: at most five, so that a message
// stays short.
func join(head string, findings []string, tail string) error {
	const most = 5
	lines := findings
	if len(findings) > most {
		lines = append(append([]string{}, findings[:most]...), fmt.Sprintf("and %d more", len(findings)-most))
	}
	text := head + "\n  " + strings.Join(lines, "\n  ")
	if tail != "" {
		text += "\n" + tail
	}
	return errors.New(text)
}
