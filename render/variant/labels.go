package variant

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// ownLabel sets the variant's pods apart where no label of the plan does.
const ownLabel = "assay.dev/variant"

// requirePods refuses targets that are known to run no pods.
func (b *build) requirePods() error {
	for _, p := range b.targets() {
		if _, ok := object.PodTemplate(p.after); !ok {
			return fmt.Errorf("%s: has no pod template, so it cannot run beside the baseline as a clone; use candidate.mode none or inPlace in %s", name(p.after), b.file)
		}
	}
	return nil
}

// label puts the plan's labels on the targets and their pods. Selectors
// follow later, once all labels are final.
func (b *build) label() {
	for _, p := range b.targets() {
		if len(b.plan.Candidate.Labels) > 0 {
			setLabels(makeMap(p.out.Object, "metadata", "labels"), b.plan.Candidate.Labels)
			setPodLabels(p.out, b.plan.Candidate.Labels)
		}
	}
}

// scale sets the plan's number of replicas.
func (b *build) scale() {
	if b.plan.Candidate.Replicas == nil {
		return
	}
	for _, p := range b.targets() {
		switch p.out.GetKind() {
		case "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout":
			makeMap(p.out.Object, "spec")["replicas"] = *b.plan.Candidate.Replicas
		default:
			b.warn("%s: spec.candidate.replicas has no effect on %s", b.file, name(p.after))
		}
	}
}

// follow lets the target's own selectors follow its pods' new labels: that of
// the workload, and those of its affinity and spread to pods of its own.
func (p *clone) follow() {
	from, to := p.pod, podLabels(p.out)
	if path, plain := selectorPath(p.out); path != nil {
		if content := subMap(p.out.Object, path...); len(content) > 0 {
			retarget(content, plain, from, to)
		}
	}
	at, _ := object.PodTemplate(p.out)
	spec := subMap(subMap(p.out.Object, at...), "spec")
	followAffinity(spec["affinity"], from, to)
	followAffinity(spec["topologySpreadConstraints"], from, to)
}

// followAffinity rewrites every labelSelector below v that selects the pods
// with the labels from.
func followAffinity(v any, from, to map[string]string) {
	switch x := v.(type) {
	case []any:
		for _, item := range x {
			followAffinity(item, from, to)
		}
	case map[string]any:
		for k, item := range x {
			content, ok := item.(map[string]any)
			if k != "labelSelector" || !ok {
				followAffinity(item, from, to)
				continue
			}
			if match, err := compile(content, false); err == nil && !match.Empty() && match.Matches(labelSet(from)) {
				retarget(content, false, from, to)
			}
		}
	}
}

// addToSelector adds labels to the workload's own selector, if it has one.
func addToSelector(o *unstructured.Unstructured, add map[string]string) {
	path, plain := selectorPath(o)
	if path == nil || len(add) == 0 {
		return
	}
	if subMap(o.Object, path...) == nil {
		return
	}
	if !plain {
		path = append(path, "matchLabels")
	}
	setLabels(makeMap(o.Object, path...), add)
}
