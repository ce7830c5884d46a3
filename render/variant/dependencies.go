package variant

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// isDependency reports whether an object is of a kind that is cloned with the
// targets that refer to it.
func isDependency(o *unstructured.Unstructured) bool {
	if o.GroupVersionKind().Group != "" {
		return false
	}
	switch o.GetKind() {
	case "ConfigMap", "Secret", "ServiceAccount":
		return true
	}
	return false
}

// references returns what the object's pods use, and what a ServiceAccount
// brings with it, with the namespaces filled in.
func (b *build) references(o *unstructured.Unstructured) []object.Key {
	out := object.References(o)
	for i := range out {
		out[i].Namespace = b.candidate.key(o).Namespace
	}
	if isDependency(o) && o.GetKind() == "ServiceAccount" {
		for _, list := range []string{"imagePullSecrets", "secrets"} {
			items, _, _ := unstructured.NestedSlice(o.Object, list)
			for _, item := range items {
				if m, ok := item.(map[string]any); ok {
					secret, _ := m["name"].(string)
					out = append(out, object.Key{Kind: "Secret", Namespace: b.candidate.key(o).Namespace, Name: secret})
				}
			}
		}
	}
	return out
}

// addDependencies adds a clone for what the targets refer to and the change
// alters, and for what those refer to in turn.
func (b *build) addDependencies() error {
	altered := map[object.Key]difference{}
	for _, d := range b.differences {
		if d.after != nil && isDependency(d.after) && d.after.GetName() != "" && !d.metadataOnly() {
			altered[b.candidate.key(d.after)] = d
		}
	}
	wanted := map[*unstructured.Unstructured]bool{}
	for queue := b.clones; len(queue) > 0; queue = queue[1:] {
		for _, k := range b.references(queue[0].after) {
			d, ok := altered[k]
			if !ok || wanted[d.after] || b.sharesUntested(d) {
				continue
			}
			if b.isUnstable(d.before) || b.isUnstable(d.after) {
				return fmt.Errorf("%s: differs between two renders of the same files (a random or dated value), so it cannot be cloned for %s; "+
					"give the value a fixed setting, or list the object under spec.untested in %s", name(d.after), name(queue[0].after), b.file)
			}
			wanted[d.after] = true
			queue = append(queue, b.newClone(dependency, d.before, d.after))
		}
	}
	for _, d := range b.differences {
		if wanted[d.after] {
			b.add(b.newClone(dependency, d.before, d.after))
		}
	}
	return nil
}

// sharesUntested reports whether the variant uses the baseline's object
// although the change alters it: the plan says that it ships untested, and a
// clone would not be the same thing. A value that is random at every render
// has no candidate to clone, and a ServiceAccount's clone has no roles.
func (b *build) sharesUntested(d difference) bool {
	if d.before == nil || d.before.GetName() != d.after.GetName() || !b.candidate.anyMeans(b.plan.Untested, d.after) {
		return false
	}
	return b.isUnstable(d.after) || d.after.GetKind() == "ServiceAccount"
}
