package variant

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// addServices adds a ClusterIP copy of every Service that selects a target.
func (b *build) addServices() error {
	for _, o := range b.candidate.list {
		if !isService(o) {
			continue
		}
		s, ok, err := b.candidate.selectorOf(o)
		if err != nil {
			return err
		}
		found := b.selectedTargets(s, ok)
		if len(found) == 0 {
			continue
		}
		p := b.newClone(service, b.baseline.get(o), o)
		p.out = o.DeepCopy()
		if err := b.clonable(p); err != nil {
			return err
		}
		strip(p.out)
		confine(p.out)
		if err := b.retargetTo(p.out, found, "spec", "selector"); err != nil {
			return err
		}
		b.add(p)
	}
	return nil
}

func isService(o *unstructured.Unstructured) bool {
	return o.GetKind() == "Service" && o.GroupVersionKind().Group == ""
}

// clonable refuses to copy what differs at every render, or has no name.
func (b *build) clonable(p *clone) error {
	if b.isUnstable(p.before) || b.isUnstable(p.after) {
		return fmt.Errorf("%s: differs between two renders of the same files (a random or dated value), so it cannot be cloned; give the value a fixed setting", name(p.after))
	}
	if p.after.GetName() == "" {
		return fmt.Errorf("%s: an object with generateName cannot be cloned; give it a name", name(p.after))
	}
	return nil
}

// selectedTargets returns the targets whose pods the selector matches, as the
// candidate has them.
func (b *build) selectedTargets(s selector, ok bool) []*clone {
	if !ok {
		return nil
	}
	return b.selectable.matching(s)
}

// retargetTo rewrites a copy's selector from the targets to their variants.
func (b *build) retargetTo(o *unstructured.Unstructured, found []*clone, path ...string) error {
	_, plain := selectorPath(o)
	for _, p := range found {
		retarget(subMap(o.Object, path...), plain, p.pod, podLabels(p.out))
	}
	s, _, err := selectorOf(o)
	if err != nil {
		return err
	}
	for _, p := range found {
		if !s.match.Matches(labelSet(podLabels(p.out))) {
			return fmt.Errorf("%s: selects several targets, and no selector matches the variants of all; "+
				"give the pods of %s one label of the same value and select by it", name(o), b.targetNames())
		}
	}
	return nil
}

// confine makes a copied Service reachable inside the cluster alone, at an
// address of its own. A headless one stays headless.
func confine(o *unstructured.Unstructured) {
	spec := makeMap(o.Object, "spec")
	headless := spec["clusterIP"] == "None"
	for k := range spec {
		if isOutside(k) {
			delete(spec, k)
		}
	}
	if headless {
		spec["clusterIP"] = "None"
	}
	ports, _ := spec["ports"].([]any)
	for _, item := range ports {
		if m, ok := item.(map[string]any); ok {
			delete(m, "nodePort")
		}
	}
}

// isOutside reports whether a field of a Service's spec is about its address,
// or how it is reached from outside: the variant's copy does without.
func isOutside(field string) bool {
	switch field {
	case "type", "clusterIP", "clusterIPs", "externalIPs", "externalName", "externalTrafficPolicy", "healthCheckNodePort", "allocateLoadBalancerNodePorts":
		return true
	}
	return strings.HasPrefix(field, "loadBalancer")
}

// addPolicies adds a copy of every NetworkPolicy that selects a target, for
// its variant. Of the others, rules that let a target through are copied to
// let its variant through too: policies add up, so a copy takes nothing away.
func (b *build) addPolicies() error {
	for _, o := range b.candidate.list {
		if o.GroupVersionKind().GroupKind().String() != "NetworkPolicy.networking.k8s.io" {
			continue
		}
		s, ok, err := b.candidate.selectorOf(o)
		if err != nil {
			return err
		}
		p := b.newClone(policy, b.baseline.get(o), o)
		p.out = o.DeepCopy()
		found := b.selectedTargets(s, ok)
		if len(found) > 0 {
			err = b.retargetTo(p.out, found, "spec", "podSelector")
		} else {
			p.role = peerPolicy
		}
		if err != nil {
			return err
		}
		if !b.extendRules(p) {
			continue
		}
		if err := b.clonable(p); err != nil {
			return err
		}
		strip(p.out)
		b.add(p)
	}
	return nil
}

// extendRules adds the variant's pods to the peers of each rule that names a
// target. A peer policy keeps nothing else. It reports whether there is a policy left.
func (b *build) extendRules(p *clone) bool {
	spec := makeMap(p.out.Object, "spec")
	types := policyTypes(spec)
	var kept []any
	for _, side := range []struct{ kind, rules, peers string }{{"Ingress", "ingress", "from"}, {"Egress", "egress", "to"}} {
		rules, _ := spec[side.rules].([]any)
		var own []any
		for _, r := range rules {
			rule, _ := r.(map[string]any)
			peers, _ := rule[side.peers].([]any)
			added := b.variantPeers(p.key.Namespace, peers)
			if len(added) == 0 {
				continue
			}
			if p.role == peerPolicy {
				rule[side.peers] = added
				own = append(own, rule)
				continue
			}
			rule[side.peers] = append(peers, added...)
		}
		if p.role != peerPolicy {
			continue
		}
		delete(spec, side.rules)
		if len(own) > 0 && slices.Contains(types, side.kind) {
			spec[side.rules] = own
			kept = append(kept, side.kind)
		}
	}
	if p.role != peerPolicy {
		return true
	}
	spec["policyTypes"] = kept
	return len(kept) > 0
}

// policyTypes returns the sides that a NetworkPolicy governs.
func policyTypes(spec map[string]any) []string {
	if listed, _, _ := unstructured.NestedStringSlice(spec, "policyTypes"); len(listed) > 0 {
		return listed
	}
	if rules, _ := spec["egress"].([]any); len(rules) > 0 {
		return []string{"Ingress", "Egress"}
	}
	return []string{"Ingress"}
}

// variantPeers returns a copy, for the variant's pods, of each peer that
// matches the pods of a target, for a policy of the namespace.
func (b *build) variantPeers(namespace string, peers []any) []any {
	var added []any
	for _, item := range peers {
		peer, _ := item.(map[string]any)
		content := subMap(peer, "podSelector")
		if len(content) == 0 {
			continue
		}
		match, err := compile(content, false)
		if err != nil {
			continue
		}
		s := selector{namespace: namespace, equals: equalities(content, false), match: match}
		found := b.selectable.matching(s)
		if _, anyNamespace := peer["namespaceSelector"]; anyNamespace {
			found = slices.DeleteFunc(slices.Clone(b.targets()), func(t *clone) bool { return !match.Matches(labelSet(t.pod)) })
		}
		for _, t := range found {
			twin := runtime.DeepCopyJSON(peer)
			if retarget(subMap(twin, "podSelector"), false, t.pod, podLabels(t.out)) && !contains(added, twin) {
				added = append(added, twin)
			}
		}
	}
	return added
}
