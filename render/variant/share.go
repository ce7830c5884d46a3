package variant

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// share leaves the labels that live traffic finds the pods by, and adds those
// of the plan to the pods and to the workload's own selector: two controllers
// whose selectors match the same pods fight over them.
func (b *build) share() {
	for _, p := range b.targets() {
		p.follow()
		addToSelector(p.out, b.plan.Candidate.Labels)
		if s, ok, err := selectorOf(p.out); err == nil && ok && s.match.Matches(labelSet(p.pod)) {
			own := map[string]string{ownLabel: strings.Trim(b.suffix, "-._")}
			setPodLabels(p.out, own)
			addToSelector(p.out, own)
		}
	}
}

// selected lists for people what of the baseline selects the variant's pods.
func (b *build) selected(live *selectorIndex) []string {
	all := newSelectorIndex(slices.Concat(live.list, b.baseline.watchers()))
	var out []string
	for _, p := range b.targets() {
		pod := labelSet(podLabels(p.out))
		for _, s := range all.matching(p.key.Namespace, pod) {
			out = append(out, name(s.owner)+" selects "+name(p.out))
			for _, h := range b.autoscalers(s.owner) {
				out = append(out, name(h)+" counts "+name(p.out)+", through "+name(s.owner))
			}
			for _, subset := range b.subsets(s.owner, pod) {
				out = append(out, subset+" selects "+name(p.out)+", through "+name(s.owner))
			}
		}
	}
	sort.Strings(out)
	return out
}

// autoscalers returns the baseline's HorizontalPodAutoscalers of a workload.
// They measure the pods that the workload's selector matches.
func (b *build) autoscalers(workload *unstructured.Unstructured) []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, o := range b.baseline.list {
		if k := b.baseline.key(o); k.Group != "autoscaling" || k.Kind != "HorizontalPodAutoscaler" || !b.baseline.sameNamespace(o, workload) {
			continue
		}
		if ref := subMap(o.Object, "spec", "scaleTargetRef"); ref["kind"] == workload.GetKind() && ref["name"] == workload.GetName() {
			out = append(out, o)
		}
	}
	return out
}

// subsets returns the subsets that Istio's DestinationRules make of a
// Service's pods and that hold a pod with these labels.
func (b *build) subsets(owner *unstructured.Unstructured, pod labels.Set) []string {
	var out []string
	if !isService(owner) {
		return nil
	}
	for _, o := range b.baseline.list {
		if b.baseline.key(o).Kind != "DestinationRule" || !b.baseline.sameNamespace(o, owner) {
			continue
		}
		host, _ := subMap(o.Object, "spec")["host"].(string)
		if host, _, _ = strings.Cut(host, "."); host != owner.GetName() {
			continue
		}
		items, _ := subMap(o.Object, "spec")["subsets"].([]any)
		for _, item := range items {
			subset, _ := item.(map[string]any)
			if match, err := compile(subMap(subset, "labels"), true); err == nil && match.Matches(pod) {
				out = append(out, fmt.Sprintf("%s subset %v", name(o), subset["name"]))
			}
		}
	}
	return out
}
