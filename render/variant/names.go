package variant

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/render/kustomize"
)

// finalName is what a clone of the variant is called in the cluster. A name that is too long with
// the suffix is shortened; of clones that are called alike, all are.
func (b *build) finalName(p *clone) string {
	switch {
	case p.role == target && b.mode == modeNone:
		return p.after.GetName()
	case p.role == target && b.plan.Candidate.Name != "":
		return b.plan.Candidate.Name
	}
	original := p.after.GetName()
	return joined(original, b.suffix, b.longest[original])
}

// name names the copies, lets references follow and applies the plan's patches.
func (b *build) name() error {
	for _, p := range b.clones {
		p.out.SetName(b.finalName(p))
	}
	patches := b.mode == modeClone && len(b.plan.Candidate.Patches) > 0
	if !patches && !b.anyReferral() {
		return nil
	}
	return kustomize.WithDefaultSchema(func() (err error) {
		// Kustomize panics where metadata is not what it expects.
		defer func() {
			if recover() != nil {
				err = fmt.Errorf("%s: Kustomize cannot name the variant: a field of metadata, or one that a patch left, has an unexpected type", b.targetNames())
			}
		}()
		if err := b.followNames(); err != nil || !patches {
			return err
		}
		return b.patch()
	})
}

// checkNames refuses names that are taken or too long. Names that a patch
// changed are checked like the others.
func (b *build) checkNames() error {
	seen := map[object.Key]bool{}
	for _, p := range b.clones {
		if p.out == nil || b.mode == modeNone && p.role == target {
			continue
		}
		k := b.baseline.key(p.out)
		if b.baseline.byKey[k] != nil || seen[k] {
			return b.fail(b.nameField(p), "the variant of %s would be %s, and the environment has one already; choose another", name(p.after), name(p.out))
		}
		seen[k] = true
		if reason := badName(p.out); reason != "" {
			return b.fail(b.nameField(p), "the variant of %s would be called %s, which is not a name for a %s: %s; choose a shorter or plainer one",
				name(p.after), p.out.GetName(), p.out.GetKind(), reason)
		}
	}
	return nil
}

// nameField is the field of the plan that a clone takes its name from.
func (b *build) nameField(p *clone) string {
	if p.role == target && b.plan.Candidate.Name != "" {
		return "candidate.name"
	}
	return "candidate.nameSuffix"
}

// longestName is the length that the API server or a controller takes for the name
// of an object. StatefulSets and CronJobs append to it what becomes a label's value.
func longestName(o *unstructured.Unstructured) int {
	switch o.GetKind() {
	case "StatefulSet", "CronJob":
		return 52
	case "Job":
		return validation.DNS1123LabelMaxLength
	case "Service":
		return validation.DNS1035LabelMaxLength
	}
	return validation.DNS1123SubdomainMaxLength
}

// badName says why the API server or a controller would refuse the name.
func badName(o *unstructured.Unstructured) string {
	n := o.GetName()
	reasons := validation.IsDNS1123Subdomain(n)
	if o.GetKind() == "Service" {
		reasons = validation.IsDNS1035Label(n)
	}
	if len(reasons) > 0 {
		return strings.Join(reasons, ", ")
	}
	if longest := longestName(o); len(n) > longest {
		return fmt.Sprintf("must be no more than %d characters", longest)
	}
	return ""
}
