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
	path, plain := SelectorPath(o)
	content := mapAt(o.Object, path...)
	if path == nil || content == nil || plain && len(content) == 0 {
		return nil, false, nil
	}
	if selector, err = compile(content, plain); err != nil {
		return nil, false, fmt.Errorf("read selector of %s: %w", KeyOf(o), err)
	}
	return selector, true, nil
}

// SelectorPath says where an object of the kind keeps what it selects by labels; plain
// means that it is a mapping of labels. The path is nil for an object that selects
// nothing.
func SelectorPath(o *unstructured.Unstructured) (path []string, plain bool) {
	switch kindOf(o) {
	case kind{"", "Service"}, kind{"", "ReplicationController"}, kind{"networking.istio.io", "Gateway"}:
		return []string{"spec", "selector"}, true
	case kind{"networking.k8s.io", "NetworkPolicy"}, kind{"extensions", "NetworkPolicy"}:
		return []string{"spec", "podSelector"}, false
	case kind{"networking.istio.io", "Sidecar"}, kind{"networking.istio.io", "EnvoyFilter"}, kind{"networking.istio.io", "ServiceEntry"}:
		return []string{"spec", "workloadSelector", "labels"}, true
	case kind{"networking.istio.io", "DestinationRule"}:
		return []string{"spec", "workloadSelector"}, false
	case kind{"policy", "PodDisruptionBudget"}, kind{"monitoring.coreos.com", "ServiceMonitor"}, kind{"monitoring.coreos.com", "PodMonitor"},
		kind{"security.istio.io", "PeerAuthentication"}, kind{"security.istio.io", "AuthorizationPolicy"}, kind{"security.istio.io", "RequestAuthentication"}:
		return []string{"spec", "selector"}, false
	}
	if template, ok := PodTemplate(o); ok && len(template) > 0 {
		return []string{"spec", "selector"}, false
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
