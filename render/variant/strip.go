package variant

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	syncOptions    = "argocd.argoproj.io/sync-options"
	compareOptions = "argocd.argoproj.io/compare-options"
	pruneLast      = "PruneLast=true"
)

// strip takes from a copy what would make Argo CD run it as a hook, force it,
// keep it or track it as the original, and what would publish it outside. An
// injected object that has such a thing is refused (trace.go of
// render/experiment).
func strip(o *unstructured.Unstructured) {
	if annotations := subMap(o.Object, "metadata", "annotations"); annotations != nil {
		for k := range annotations {
			switch {
			case strings.HasPrefix(k, "helm.sh/hook"),
				strings.HasPrefix(k, "external-dns.alpha.kubernetes.io/"),
				k == "helm.sh/resource-policy",
				k == "argocd.argoproj.io/hook",
				k == "argocd.argoproj.io/hook-delete-policy",
				k == "argocd.argoproj.io/tracking-id",
				k == "kubectl.kubernetes.io/last-applied-configuration":
				delete(annotations, k)
			}
		}
		dropOptions(annotations, syncOptions, "Replace", "Force", "Prune", "Delete")
		dropOptions(annotations, compareOptions, "IgnoreExtraneous")
	}
	for _, f := range []string{"labels", "annotations"} {
		if len(subMap(o.Object, "metadata", f)) == 0 {
			unstructured.RemoveNestedField(o.Object, "metadata", f)
		}
	}
	for _, f := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "selfLink", "managedFields", "ownerReferences", "finalizers"} {
		unstructured.RemoveNestedField(o.Object, "metadata", f)
	}
	delete(o.Object, "status")
}

// dropOptions removes options by name from a comma-separated annotation.
func dropOptions(annotations map[string]any, key string, names ...string) {
	value, ok := annotations[key].(string)
	if !ok {
		return
	}
	var kept []string
	for option := range strings.SplitSeq(value, ",") {
		option = strings.TrimSpace(option)
		if option != "" && !hasOption(names, option) {
			kept = append(kept, option)
		}
	}
	if len(kept) == 0 {
		delete(annotations, key)
		return
	}
	annotations[key] = strings.Join(kept, ",")
}

func hasOption(names []string, option string) bool {
	for _, n := range names {
		if option == n || strings.HasPrefix(option, n+"=") {
			return true
		}
	}
	return false
}

// addOption adds one option to a comma-separated annotation of the object.
func addOption(o *unstructured.Unstructured, key, option string) {
	annotations := makeMap(o.Object, "metadata", "annotations")
	var options []string
	value, _ := annotations[key].(string)
	for have := range strings.SplitSeq(value, ",") {
		if have = strings.TrimSpace(have); have == option {
			return
		} else if have != "" {
			options = append(options, have)
		}
	}
	annotations[key] = strings.Join(append(options, option), ",")
}

// subMap returns the map at a path of the content, or nil.
func subMap(content map[string]any, path ...string) map[string]any {
	for _, k := range path {
		next, ok := content[k].(map[string]any)
		if !ok {
			return nil
		}
		content = next
	}
	return content
}

// makeMap returns the map at a path of the content, and makes it where it is missing.
func makeMap(content map[string]any, path ...string) map[string]any {
	for _, k := range path {
		next, ok := content[k].(map[string]any)
		if !ok {
			next = map[string]any{}
			content[k] = next
		}
		content = next
	}
	return content
}
