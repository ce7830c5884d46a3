package object

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// kind is a Kubernetes kind without its version.
type kind struct{ group, kind string }

func kindOf(o *unstructured.Unstructured) kind {
	gvk := o.GroupVersionKind()
	return kind{gvk.Group, gvk.Kind}
}

// PodTemplate returns where the object's pod template is. A Pod is its own
// template, at an empty path. Kinds that are not known have one if they keep
// containers where Deployments do.
func PodTemplate(o *unstructured.Unstructured) (path []string, ok bool) {
	switch kindOf(o) {
	case kind{"", "Pod"}:
		path = []string{}
	case kind{"", "PodTemplate"}:
		path = []string{"template"}
	case kind{"batch", "CronJob"}:
		path = []string{"spec", "jobTemplate", "spec", "template"}
	default:
		path = []string{"spec", "template"}
	}
	podSpec := mapAt(o.Object, append(path[:len(path):len(path)], "spec")...)
	if _, ok := podSpec["containers"].([]any); !ok {
		return nil, false
	}
	return path, true
}

// IsWorkload reports whether the object runs pods for good: what a candidate
// can be tested as. A kind that is not known is one if it selects its pods as
// a Deployment does.
func IsWorkload(o *unstructured.Unstructured) bool {
	switch k := kindOf(o); k {
	case kind{"", "Pod"}, kind{"", "PodTemplate"}, kind{"batch", "Job"}, kind{"batch", "CronJob"}:
		return false
	case kind{"apps", "Deployment"}, kind{"apps", "StatefulSet"}, kind{"apps", "DaemonSet"}, kind{"apps", "ReplicaSet"},
		kind{"extensions", "Deployment"}, kind{"extensions", "DaemonSet"}, kind{"extensions", "ReplicaSet"},
		kind{"", "ReplicationController"}, kind{"argoproj.io", "Rollout"}, kind{"serving.knative.dev", "Service"}:
		return true
	}
	_, ok := PodTemplate(o)
	return ok && mapAt(o.Object, "spec", "selector", "matchLabels") != nil
}

// podSpec is the spec of the object's pods, or nil.
func podSpec(o *unstructured.Unstructured) map[string]any {
	path, ok := PodTemplate(o)
	if !ok {
		return nil
	}
	return mapAt(o.Object, append(path[:len(path):len(path)], "spec")...)
}

// mapAt follows path through mappings without copying; nil where it ends.
func mapAt(m map[string]any, path ...string) map[string]any {
	for _, key := range path {
		m, _ = m[key].(map[string]any)
	}
	return m
}
