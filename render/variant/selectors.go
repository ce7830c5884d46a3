package variant

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/assaydev/assay/internal/object"
)

// selector is what an object selects pods by.
type selector struct {
	owner     *unstructured.Unstructured
	namespace string         // of the owner, where a set says it
	equals    map[string]any // labels that every pod has which it matches, as written; there may be others
	match     labels.Selector
}

// selectorOf returns what the object selects pods by, and false when it
// selects none or, with an empty selector, all.
func selectorOf(o *unstructured.Unstructured) (selector, bool, error) {
	path, plain := selectorPath(o)
	content := subMap(o.Object, path...)
	if path == nil || len(content) == 0 {
		return selector{}, false, nil
	}
	match, err := compile(content, plain)
	if err != nil {
		return selector{}, false, fmt.Errorf("%s: %s: %w", name(o), field(path[0], path[1]), err)
	}
	return selector{owner: o, equals: equalities(content, plain), match: match}, !match.Empty(), nil
}

// equalities are the labels that a selector's content asks for with their values.
func equalities(content map[string]any, plain bool) map[string]any {
	if plain {
		return content
	}
	return subMap(content, "matchLabels")
}

// selectorOf is that of an object of the set.
func (s *set) selectorOf(o *unstructured.Unstructured) (selector, bool, error) {
	found, ok, err := selectorOf(o)
	found.namespace = s.key(o).Namespace
	return found, ok, err
}

// selectorPath is object.SelectorPath for what owns pods, sends them traffic or
// confines them: that a copy is told apart by these selectors is what isolates it. The
// path is nil for the others, which only watch.
func selectorPath(o *unstructured.Unstructured) (path []string, plain bool) {
	switch o.GroupVersionKind().GroupKind().String() {
	case "Service", "ReplicationController", "PodDisruptionBudget.policy", "NetworkPolicy.networking.k8s.io":
	default:
		if at, ok := object.PodTemplate(o); !ok || len(at) == 0 {
			return nil, false
		}
	}
	return object.SelectorPath(o)
}

// compile makes a matcher of a selector's content.
func compile(content map[string]any, plain bool) (labels.Selector, error) {
	if equals, ok := content["matchLabels"].(map[string]any); ok && !plain && len(content) == 1 {
		content, plain = equals, true
	}
	if plain {
		set, err := stringMap(content)
		return labels.SelectorFromSet(set), err
	}
	var s metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &s); err != nil {
		return nil, errors.New("not a label selector")
	}
	return metav1.LabelSelectorAsSelector(&s)
}

func stringMap(m map[string]any) (map[string]string, error) {
	out := make(map[string]string, len(m))
	for k, v := range m {
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("the value of label %s is not a string; quote it", k)
		}
		out[k] = s
	}
	return out, nil
}

// watchers returns the objects that select pods, but neither own them nor send
// them traffic: a PodMonitor, or a policy of the mesh.
func (s *set) watchers() []selector {
	var out []selector
	for _, o := range s.list {
		if path, _ := selectorPath(o); path != nil || o.GetKind() == "ServiceMonitor" || o.GetKind() == "ServiceEntry" {
			continue
		}
		if match, ok, err := object.SelectorOf(o); err == nil && ok && !match.Empty() {
			path, plain := object.SelectorPath(o)
			out = append(out, selector{o, s.key(o).Namespace, equalities(subMap(o.Object, path...), plain), match})
		}
	}
	return out
}

// selectors returns every selector of the render that selects some pods.
func (s *set) selectors() (*selectorIndex, error) {
	if s.selecting != nil {
		return s.selecting, nil
	}
	var list []selector
	for _, o := range s.list {
		sel, ok, err := s.selectorOf(o)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, sel)
		}
	}
	s.selecting = newSelectorIndex(list)
	return s.selecting, nil
}

// pods returns the pods of the render.
func (s *set) pods() *podIndex[*unstructured.Unstructured] {
	if s.running == nil {
		s.running = newPodIndex[*unstructured.Unstructured]()
		for _, o := range s.list {
			if pod := podLabels(o); pod != nil {
				s.running.add(o, s.key(o).Namespace, pod)
			}
		}
	}
	return s.running
}

// podLabels returns a copy of the labels of the object's pods.
func podLabels(o *unstructured.Unstructured) map[string]string {
	at, ok := object.PodTemplate(o)
	if !ok {
		return nil
	}
	out := map[string]string{}
	for k, v := range subMap(subMap(o.Object, at...), "metadata", "labels") {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// setPodLabels adds labels to the object's pods.
func setPodLabels(o *unstructured.Unstructured, add map[string]string) {
	at, ok := object.PodTemplate(o)
	if !ok || len(add) == 0 {
		return
	}
	setLabels(makeMap(makeMap(o.Object, at...), "metadata", "labels"), add)
}

func setLabels(to map[string]any, add map[string]string) {
	for k, v := range add {
		to[k] = v
	}
}

// retarget rewrites a selector that matches pods with the labels from, so
// that it matches the same pods once their labels are to. It reports whether
// anything had to change. The content is changed in place.
func retarget(content map[string]any, plain bool, from, to map[string]string) bool {
	equals := content
	if !plain {
		equals = subMap(content, "matchLabels")
	}
	changed := false
	for k, v := range equals {
		if moved, ok := to[k]; ok && v == from[k] && moved != from[k] {
			equals[k] = moved
			changed = true
		}
	}
	if plain {
		return changed
	}
	expressions, _ := content["matchExpressions"].([]any)
	for _, e := range expressions {
		m, _ := e.(map[string]any)
		k, _ := m["key"].(string)
		if moved, ok := to[k]; ok && m["operator"] == "In" && moved != from[k] && from[k] != "" {
			m["values"] = []any{moved}
			changed = true
		}
	}
	return changed
}
