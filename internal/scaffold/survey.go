package scaffold

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// Suffix is what the variant's objects are named with when the plan says
// nothing else.
const Suffix = "-candidate"

// Target is a workload that a candidate may replace.
type Target struct {
	Group string
	Kind  string
	Name  string

	Service   string // that selects it; empty where none does
	Port      int64
	Namespace string // of both; empty where it is not known
}

// String is the form that flags and messages use.
func (t Target) String() string { return t.Kind + "/" + t.Name }

// URL is where the candidate answers, by the suffix of its names. Live traffic, which
// is shared with the baseline, has no suffix. It is empty where no Service selects the
// target.
func (t Target) URL(suffix string) string {
	if t.Service == "" {
		return ""
	}
	host := t.Service + suffix
	if t.Namespace != "" {
		host += "." + t.Namespace
	}
	if t.Port != 80 {
		host += fmt.Sprintf(":%d", t.Port)
	}
	return "http://" + host + "/"
}

// Survey lists the workloads of a rendered environment. Objects that name no namespace
// are in the given one, if it is known.
func Survey(objs []*unstructured.Unstructured, namespace string) []Target {
	var targets []Target
	for _, o := range objs {
		if !object.IsWorkload(o) || o.GetName() == "" {
			continue
		}
		t := Target{Group: o.GroupVersionKind().Group, Kind: o.GetKind(), Name: o.GetName()}
		if service, port := serviceOf(objs, o); service != nil {
			t.Service, t.Port, t.Namespace = service.GetName(), port, cmp.Or(service.GetNamespace(), namespace)
		}
		targets = append(targets, t)
	}
	return targets
}

// Images lists the names of the images that objects run, sorted.
func Images(objs []*unstructured.Unstructured) []string {
	names := map[string]bool{}
	for _, o := range objs {
		for _, image := range object.Images(o) {
			name, _, _ := object.SplitImage(image.Ref)
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// serviceOf finds the first Service that selects the workload's pods, and the
// port to reach it on.
func serviceOf(objs []*unstructured.Unstructured, workload *unstructured.Unstructured) (*unstructured.Unstructured, int64) {
	path, ok := object.PodTemplate(workload)
	if !ok {
		return nil, 0
	}
	labels, _, _ := unstructured.NestedStringMap(workload.Object, append(slices.Clone(path), "metadata", "labels")...)
	for _, o := range objs {
		if o.GetKind() != "Service" || o.GroupVersionKind().Group != "" || o.GetNamespace() != workload.GetNamespace() {
			continue
		}
		selector, _, _ := unstructured.NestedMap(o.Object, "spec", "selector")
		if port := httpPort(o); port > 0 && len(selector) > 0 && object.Selects(selector, labels) {
			return o, port
		}
	}
	return nil, 0
}

// httpPort is the port named http, else the first one.
func httpPort(service *unstructured.Unstructured) int64 {
	ports, _, _ := unstructured.NestedSlice(service.Object, "spec", "ports")
	var first int64
	for _, item := range ports {
		port, ok := item.(map[string]any)
		if !ok {
			continue
		}
		number := integer(port["port"])
		if port["name"] == "http" {
			return number
		}
		if first == 0 {
			first = number
		}
	}
	return first
}

func integer(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}
