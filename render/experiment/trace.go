package experiment

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// leavesNoTrace refuses what would keep the object, or something made for it,
// once the experiment is over. The variant's copies lose the same
// (strip.go of render/variant).
func leavesNoTrace(r resource, _ Input, _ Options) error {
	annotations := r.object.GetAnnotations()
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if reason := traceOf(key, annotations[key]); reason != "" {
			return r.errorf("the annotation %s%s: remove it", key, reason)
		}
	}
	for _, field := range []string{"ownerReferences", "finalizers", "uid", "resourceVersion"} {
		v, ok, _ := unstructured.NestedFieldNoCopy(r.object.Object, "metadata", field)
		if items, isList := v.([]any); !ok || v == nil || isList && len(items) == 0 {
			continue
		}
		reason := "is the cluster's to set"
		if field == "ownerReferences" || field == "finalizers" {
			reason = "binds its life to others than the experiment"
		}
		return r.errorf("metadata.%s %s: remove the field", field, reason)
	}
	return nil
}

// traceOf says what an annotation would leave behind, if anything.
func traceOf(key, value string) string {
	switch {
	case key == "argocd.argoproj.io/sync-options":
		if option, ok := optionOf(value, keeps); ok {
			return ": " + option + " keeps it after the experiment"
		}
	case key == "argocd.argoproj.io/compare-options":
		if option, ok := optionOf(value, hides); ok {
			return ": " + option + " hides from Argo CD that it is left over"
		}
	case key == "argocd.argoproj.io/tracking-id":
		return " is Argo CD's own, and could give it to another application, which keeps it"
	case key == "helm.sh/resource-policy":
		return " keeps it after the experiment"
	case strings.HasPrefix(key, "external-dns.alpha.kubernetes.io/"):
		return " publishes it outside the cluster"
	}
	return ""
}

func keeps(name, value string) bool {
	return (name == "Prune" || name == "Delete") && value != "true"
}

func hides(name, value string) bool {
	return name == "IgnoreExtraneous" && value != "false"
}

// optionOf returns the first option of a comma-separated annotation that is bad.
func optionOf(annotation string, bad func(name, value string) bool) (string, bool) {
	for option := range strings.SplitSeq(annotation, ",") {
		option = strings.TrimSpace(option)
		if name, value, _ := strings.Cut(option, "="); bad(name, value) {
			return option, true
		}
	}
	return "", false
}
