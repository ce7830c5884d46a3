package object

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// SelectorOf returns what the object selects by labels: pods, or Services for
// a ServiceMonitor. ok is false for an object that selects nothing. The
// namespace is the caller's to compare.
func SelectorOf(o *unstructured.Unstructured) (selector labels.Selector, ok bool, err error) {
	content, plain := selectorContent(o)
	if content == nil || plain && len(content) == 0 {
		return nil, false, nil
	}
	if selector, err = compile(content, plain); err != nil {
		return nil, false, fmt.Errorf("read selector of %s: %w", KeyOf(o), err)
	}
	return selector, true, nil
}

// selectorContent finds the selector; plain means that it is a mapping of labels.
func selectorContent(o *unstructured.Unstructured) (content map[string]any, plain bool) {
	spec := mapAt(o.Object, "spec")
	switch kindOf(o) {
	case kind{"", "Service"}, kind{"", "ReplicationController"}, kind{"networking.istio.io", "Gateway"}:
		return mapAt(spec, "selector"), true
	case kind{"networking.k8s.io", "NetworkPolicy"}, kind{"extensions", "NetworkPolicy"}:
		return mapAt(spec, "podSelector"), false
	case kind{"networking.istio.io", "Sidecar"}, kind{"networking.istio.io", "EnvoyFilter"}, kind{"networking.istio.io", "ServiceEntry"}:
		return mapAt(spec, "workloadSelector", "labels"), true
	case kind{"networking.istio.io", "DestinationRule"}:
		return mapAt(spec, "workloadSelector"), false
	case kind{"policy", "PodDisruptionBudget"}, kind{"monitoring.coreos.com", "ServiceMonitor"}, kind{"monitoring.coreos.com", "PodMonitor"},
		kind{"security.istio.io", "PeerAuthentication"}, kind{"security.istio.io", "AuthorizationPolicy"}, kind{"security.istio.io", "RequestAuthentication"}:
		return mapAt(spec, "selector"), false
	}
	if _, ok := PodTemplate(o); ok && len(spec) > 0 {
		return mapAt(spec, "selector"), false
	}
	return nil, false
}

// Selects reports whether a selector as written in an object matches the
// labels: a label selector with matchLabels and matchExpressions, or else a
// mapping of labels. An empty one matches everything, one that is not valid nothing.
func Selects(selector map[string]any, set map[string]string) bool {
	plain := false
	for key, v := range selector {
		if _, text := v.(string); text || key != "matchLabels" && key != "matchExpressions" {
			plain = true
		}
	}
	match, err := compile(selector, plain)
	return err == nil && match.Matches(labels.Set(set))
}

func compile(content map[string]any, plain bool) (labels.Selector, error) {
	if plain {
		content = map[string]any{"matchLabels": content}
	}
	var s metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(content, &s, true); err != nil {
		return nil, err
	}
	return metav1.LabelSelectorAsSelector(&s)
}
