package variant

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// chooseTargets makes a clone of every workload under test: the plan's
// targets, or the long-running workloads that the change alters.
func (b *build) chooseTargets() error {
	if len(b.plan.Targets) > 0 {
		if err := b.namedTargets(); err != nil {
			return err
		}
	} else {
		b.alteredTargets()
	}
	if len(b.clones) == 0 {
		return b.noTarget()
	}
	if b.plan.Candidate.Name != "" && len(b.clones) > 1 {
		return b.fail("candidate.name", "one name cannot serve %d targets (%s); use nameSuffix", len(b.clones), b.targetNames())
	}
	for _, p := range b.clones {
		if err := b.testable(p); err != nil {
			return err
		}
	}
	return nil
}

func (b *build) namedTargets() error {
	for i, r := range b.plan.Targets {
		at := fmt.Sprintf("targets[%d]", i)
		after, reason := b.candidate.lookUp(r)
		if reason != "" && len(b.baseline.find(r)) == 1 {
			reason = fmt.Sprintf("the change removes %s/%s, so there is nothing to test; list it under spec.untested", r.Kind, r.Name)
		}
		if reason != "" {
			return b.fail(at, "%s", reason)
		}
		before := b.baseline.get(after)
		if after.GetName() == "" {
			return fmt.Errorf("%s: an object with generateName cannot be a target: it has no name that stays; give it a name", name(after))
		}
		if before == nil {
			return b.fail(at, "%s is new, so there is no baseline to compare it with; commit it on its own first, or list it under spec.untested", name(after))
		}
		if b.byKey[b.candidate.key(after)] != nil {
			return b.fail(at, "%s is listed twice; remove one", name(after))
		}
		b.add(b.newClone(target, before, after))
	}
	return nil
}

func (b *build) alteredTargets() {
	altered := b.alteredDependencies()
	changed := map[*unstructured.Unstructured]bool{}
	for _, d := range b.differences {
		changed[d.after] = d.before != nil && !d.metadataOnly()
	}
	for _, o := range b.candidate.list {
		if !object.IsWorkload(o) || b.candidate.anyMeans(b.plan.Untested, o) {
			continue
		}
		before := b.baseline.get(o)
		if before == nil {
			continue
		}
		if changed[o] || b.refersTo(o, altered) {
			b.add(b.newClone(target, before, o))
		}
	}
}

// alteredDependencies returns the ConfigMaps, Secrets and ServiceAccounts
// that the change alters, less those that ship untested by the plan's word.
func (b *build) alteredDependencies() map[object.Key]bool {
	altered := map[object.Key]bool{}
	for _, d := range b.differences {
		if d.after != nil && isDependency(d.after) && !d.metadataOnly() && !b.candidate.anyMeans(b.plan.Untested, d.after) {
			altered[b.candidate.key(d.after)] = true
		}
	}
	return altered
}

func (b *build) refersTo(o *unstructured.Unstructured, keys map[object.Key]bool) bool {
	for _, k := range b.references(o) {
		if keys[k] {
			return true
		}
	}
	return false
}

// testable refuses what cannot be told apart from chance.
func (b *build) testable(p *clone) error {
	if b.isUnstable(p.before) || b.isUnstable(p.after) {
		return fmt.Errorf("%s: differs between two renders of the same files (a random or dated value), so it cannot be a target; give the value a fixed setting", name(p.after))
	}
	return nil
}

func (b *build) isUnstable(o *unstructured.Unstructured) bool {
	return o != nil && b.unstable[b.baseline.key(o)]
}

// noTarget says what the change alters instead of a workload.
func (b *build) noTarget() error {
	var findings []string
	for _, d := range b.differences {
		findings = append(findings, name(d.one())+": "+d.describe())
	}
	return join("the change alters no long-running workload, so there is nothing to test:", findings,
		"List what runs the change under spec.targets in "+b.file+", or commit the change without a marker")
}

func (b *build) targetNames() string {
	var names []string
	for _, p := range b.targets() {
		names = append(names, name(p.after))
	}
	return strings.Join(names, ", ")
}

// lookUp returns the one object that the reference names, or the reason why
// there is none.
func (s *set) lookUp(r spec.Ref) (o *unstructured.Unstructured, reason string) {
	found := s.find(r)
	switch len(found) {
	case 1:
		return found[0], ""
	case 0:
		return nil, s.missing(r)
	}
	var names []string
	for _, o := range found {
		k := s.key(o)
		names = append(names, fmt.Sprintf("%s of group %q in namespace %q", o.GetName(), k.Group, k.Namespace))
	}
	return nil, fmt.Sprintf("%s/%s names %d objects (%s); add group or namespace", r.Kind, r.Name, len(found), strings.Join(names, "; "))
}

// missing explains that nothing has the name, with the names that are near
// or, without any, some that exist.
func (s *set) missing(r spec.Ref) string {
	wanted := r.Kind + "/" + r.Name
	text := "the environment renders no " + wanted
	ofKind, all := s.names(r.Kind)
	if hint := excerpt.DidYouMean(wanted, all); hint != "" {
		return text + "; " + hint
	}
	known := ofKind
	if len(known) == 0 {
		known = all
	}
	if len(known) == 0 {
		return text + "; it renders nothing that has a name"
	}
	return text + "; there is " + excerpt.List(known)
}
