package describe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
)

// Workload is one of the variant's, and its pods.
type Workload struct {
	Object string   `json:"object"`
	Images []string `json:"images"`
	Ready  int      `json:"ready"` // pods
	Pods   []Pod    `json:"pods"`
	Error  string   `json:"error,omitempty"` // why they are not known
}

// Pod is one pod.
type Pod struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	Why   string `json:"why,omitempty"` // it is not ready
}

// workload lists the pods that its selector matches.
func workload(ctx context.Context, o *unstructured.Unstructured, list List, namespace string) Workload {
	w := Workload{Object: object.KeyOf(o).String(), Pods: []Pod{}}
	for _, image := range object.Images(o) {
		w.Images = append(w.Images, image.Ref)
	}
	selector, _, _ := unstructured.NestedStringMap(o.Object, "spec", "selector", "matchLabels")
	if len(selector) == 0 {
		if path, ok := object.PodTemplate(o); ok {
			selector, _, _ = unstructured.NestedStringMap(o.Object, append(slices.Clone(path), "metadata", "labels")...)
		}
	}
	if len(selector) == 0 {
		return w // it would match every pod
	}
	if o.GetNamespace() != "" {
		namespace = o.GetNamespace()
	}
	pods, err := list(ctx, schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, namespace, labels.Set(selector).String())
	if err != nil {
		w.Error = excerpt.Line(err.Error())
	}
	for _, pod := range pods {
		p := podOf(pod)
		if p.Ready {
			w.Ready++
		}
		w.Pods = append(w.Pods, p)
	}
	slices.SortFunc(w.Pods, func(a, b Pod) int { return strings.Compare(a.Name, b.Name) })
	return w
}

// podOf reads whether a pod is ready, and what it says where it is not.
func podOf(o *unstructured.Unstructured) Pod {
	p := Pod{Name: o.GetName()}
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, item := range conditions {
		c, _ := item.(map[string]any)
		switch {
		case c["type"] == "Ready":
			p.Ready = c["status"] == "True"
		case c["type"] == "PodScheduled" && c["status"] == "False":
			p.Why = joined(c, "")
		}
	}
	if p.Ready {
		p.Why = ""
		return p
	}
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		statuses, _, _ := unstructured.NestedSlice(o.Object, "status", field)
		for _, item := range statuses {
			s, _ := item.(map[string]any)
			name, _ := s["name"].(string)
			for _, state := range []string{"waiting", "terminated"} {
				is, found, _ := unstructured.NestedMap(s, "state", state)
				if found && p.Why == "" && is["reason"] != "Completed" {
					p.Why = joined(is, name)
				}
			}
		}
	}
	if phase, _, _ := unstructured.NestedString(o.Object, "status", "phase"); p.Why == "" {
		p.Why = excerpt.Of(phase, 100)
	}
	return p
}

// joined is a reason and a message, after who says so.
func joined(state map[string]any, who string) string {
	var parts []string
	for _, part := range []any{who, state["reason"], state["message"]} {
		if text := fmt.Sprint(part); part != nil && text != "" {
			parts = append(parts, text)
		}
	}
	return excerpt.Of(strings.Join(parts, ": "), 300)
}
