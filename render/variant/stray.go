package variant

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// Stray refuses injected objects whose pods a Service or a workload of the
// baseline selects: traffic would reach them, or a controller count them.
// It is for isolated traffic.
func (r *Result) Stray(injected []*unstructured.Unstructured) error { return r.live.stray(injected) }

func (s *set) stray(injected []*unstructured.Unstructured) error {
	selectors, err := s.selectors()
	if err != nil {
		return err
	}
	for _, o := range injected {
		for _, pod := range podsOf(o) {
			for _, sel := range selectors.matching(s.key(o).Namespace, pod) {
				if !steers(sel.owner) {
					continue
				}
				return fmt.Errorf("%s: %s selects %s, which matches its pods although traffic is isolated; give its pods labels of their own",
					name(o), name(sel.owner), sel.match)
			}
		}
	}
	return nil
}

// steers reports whether what the object selects gets traffic from it, or is its own.
func steers(o *unstructured.Unstructured) bool {
	return isService(o) || object.IsWorkload(o)
}

// podsOf returns the labels of each kind of pod that the object makes.
func podsOf(o *unstructured.Unstructured) []map[string]string {
	var out []map[string]string
	add := func(content map[string]any) {
		pod := map[string]string{}
		for k, v := range subMap(content, "metadata", "labels") {
			if s, ok := v.(string); ok {
				pod[k] = s
			}
		}
		out = append(out, pod)
	}
	if pod := podLabels(o); pod != nil {
		out = append(out, pod)
	}
	body := subMap(o.Object, "spec")
	switch o.GroupVersionKind().GroupKind().String() {
	case "TestRun.k6.io":
		for _, field := range []string{"initializer", "starter", "runner"} {
			add(subMap(body, field))
		}
	case "Experiment.argoproj.io":
		for _, m := range mappings(body["templates"]) {
			add(subMap(m, "template"))
		}
	case "AnalysisRun.argoproj.io":
		for _, m := range mappings(body["metrics"]) {
			add(subMap(m, "provider", "job", "spec", "template"))
		}
	}
	return out
}

// mappings returns the items of a list that are mappings.
func mappings(list any) []map[string]any {
	items, _ := list.([]any)
	var out []map[string]any
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
