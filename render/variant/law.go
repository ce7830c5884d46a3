package variant

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/excerpt"
)

// law5 holds the law that nothing untested ships unseen. Every object in
// which baseline and candidate differ is
//
//   - a target;
//   - or cloned for the variant and used by nothing else, in all that differs;
//   - or what only the targets used, and the candidate removes;
//   - or different in its own labels and annotations alone;
//   - or listed under the plan's untested.
//
// It returns the last two for people, and an error that names all others.
func (b *build) law5() ([]string, error) {
	var untested, findings []string
	b.noteCopied()
	for _, d := range b.differences {
		p := b.cloneOf(d)
		switch {
		case p != nil && p.role == target:
		case b.listedUntested(d):
			untested = append(untested, name(d.one())+" (listed under untested: "+d.describe()+")")
		case p != nil:
			if reason := b.unproven(d, p); reason != "" {
				findings = append(findings, name(d.after)+": "+d.describe()+"; "+reason)
			}
		case d.metadataOnly():
			untested = append(untested, name(d.one())+" (labels and annotations)")
		case d.after == nil && b.usedByTargetsAlone(d.before):
		case b.isUnstable(d.one()):
			finding := name(d.one()) + ": differs between two renders of the same files (a random or dated value)"
			if d.before == nil || d.after == nil {
				finding += ", and a random name cannot be listed: give it a fixed one"
			}
			findings = append(findings, finding)
		default:
			findings = append(findings, name(d.one())+": "+d.describe())
		}
	}
	if len(findings) > 0 {
		return nil, join("the change alters what the experiment on "+b.targetNames()+" does not test:", findings,
			fmt.Sprintf("List a workload under spec.targets in %s to test it too, or under spec.untested what may ship untested", b.file))
	}
	return untested, nil
}

func (b *build) listedUntested(d difference) bool {
	return d.after != nil && b.candidate.anyMeans(b.plan.Untested, d.after) ||
		d.before != nil && b.baseline.anyMeans(b.plan.Untested, d.before)
}

// noteCopied notes which objects of either render the variant has copies of. A peer policy
// copies but rules.
func (b *build) noteCopied() {
	b.copied = make(map[*unstructured.Unstructured]*clone, 2*len(b.clones))
	for _, p := range b.clones {
		if p.role == peerPolicy {
			continue
		}
		b.copied[p.after] = p
		if p.before != nil {
			b.copied[p.before] = p
		}
	}
}

// cloneOf returns the clone that was made from the difference, or nil.
func (b *build) cloneOf(d difference) *clone {
	if p := b.copied[d.after]; p != nil && p.after == d.after && p.out != nil {
		return p
	}
	return nil
}

// unproven says why testing the variant's copy does not prove the difference.
func (b *build) unproven(d difference, p *clone) string {
	var users []string
	switch p.role {
	case service:
		if outside := outsidePaths(d); len(outside) > 0 {
			return "the variant's copy is a ClusterIP, which has no " + strings.Join(outside, ", ")
		}
		users = append(b.otherPods(d), b.users(d)...)
	case policy:
		users = b.otherPods(d)
	default:
		users = b.users(d)
	}
	if len(users) == 0 {
		return ""
	}
	slices.Sort(users)
	return excerpt.List(slices.Compact(users)) + " uses it too"
}

// outsidePaths returns the fields that differ and that the variant's Service
// does not have.
func outsidePaths(d difference) []string {
	if d.before == nil || d.after == nil {
		return nil
	}
	var out []string
	for _, p := range paths(d.before.Object["spec"], d.after.Object["spec"]) {
		first, _, _ := strings.Cut(p, ".")
		first, _, _ = strings.Cut(first, "[")
		if isOutside(first) || strings.HasSuffix(p, ".nodePort") {
			out = append(out, "spec."+p)
		}
	}
	return out
}

// otherPods returns the workloads beside the targets that the object selects,
// before or after the change.
func (b *build) otherPods(d difference) []string {
	var out []string
	for _, o := range []*unstructured.Unstructured{d.before, d.after} {
		if o == nil {
			continue
		}
		s, ok, err := b.baseline.selectorOf(o)
		if err != nil || !ok {
			continue
		}
		for _, w := range slices.Concat(b.baseline.pods().matching(s), b.candidate.pods().matching(s)) {
			if b.copied[w] == nil {
				out = append(out, name(w))
			}
		}
	}
	return out
}

// users returns the objects of both renders that mention the differing one,
// less those of the variant.
func (b *build) users(d difference) []string {
	var out []string
	for _, o := range []*unstructured.Unstructured{d.before, d.after} {
		if o == nil {
			continue
		}
		for _, w := range slices.Concat(b.baseline.list, b.candidate.list) {
			if b.copied[w] == nil && w != d.before && w != d.after && b.baseline.sameNamespace(w, o) && mentions(w, o) {
				out = append(out, name(w))
			}
		}
	}
	return out
}

// usedByTargetsAlone reports whether what the change removes was used by the
// targets, which now run without it, and by nothing else.
func (b *build) usedByTargetsAlone(o *unstructured.Unstructured) bool {
	return isDependency(o) && len(b.users(difference{before: o})) == 0 &&
		slices.ContainsFunc(b.targets(), func(p *clone) bool {
			return slices.Contains(b.references(p.before), b.baseline.key(o))
		})
}
