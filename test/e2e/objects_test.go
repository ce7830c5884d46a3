//go:build e2e

package e2e_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	experimentLabel     = "assay.dev/experiment"
	candidateAnnotation = "assay.dev/candidate"
	maxDiff             = 4 << 10
)

// identity is what an object is called in messages and comparisons.
func identity(o *unstructured.Unstructured) string {
	name := o.GetName()
	if name == "" {
		name = o.GetGenerateName() + "*"
	}
	return strings.Join([]string{o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), name}, " ")
}

// withoutTestHooks drops Helm's test hooks, which Argo CD never applies and
// which charts fill with random names.
func withoutTestHooks(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(objects), func(o *unstructured.Unstructured) bool {
		for hook := range strings.SplitSeq(o.GetAnnotations()["helm.sh/hook"], ",") {
			if hook = strings.TrimSpace(hook); hook == "test" || hook == "test-success" {
				return true
			}
		}
		return false
	})
}

// difference is empty when both hold the same objects, in whatever order.
func difference(t *testing.T, want, got []*unstructured.Unstructured) string {
	t.Helper()
	diff := gocmp.Diff(byIdentity(t, want), byIdentity(t, got))
	if len(diff) > maxDiff {
		diff = diff[:maxDiff] + "\n..."
	}
	return diff
}

// byIdentity indexes objects; several of one identity are numbered in the
// order of their content.
func byIdentity(t *testing.T, objects []*unstructured.Unstructured) map[string]any {
	t.Helper()
	type entry struct {
		text   string
		object map[string]any
	}
	all := map[string][]entry{}
	for _, o := range withoutTestHooks(objects) {
		text, err := json.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		all[identity(o)] = append(all[identity(o)], entry{string(text), o.Object})
	}
	index := map[string]any{}
	for id, entries := range all {
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.text, b.text) })
		for n, e := range entries {
			index[id+" #"+strconv.Itoa(n+1)] = e.object
		}
	}
	return index
}

// wave is the sync wave that Argo CD applies an object in.
func wave(t *testing.T, o *unstructured.Unstructured) int {
	t.Helper()
	text := o.GetAnnotations()["argocd.argoproj.io/sync-wave"]
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: sync wave %q", identity(o), text)
	}
	return n
}

// containers lists the containers of an object's pod template.
func containers(t *testing.T, o *unstructured.Unstructured) []map[string]any {
	t.Helper()
	list, _, err := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	if err != nil {
		t.Fatalf("%s: %v", identity(o), err)
	}
	var all []map[string]any
	for _, item := range list {
		if c, ok := item.(map[string]any); ok {
			all = append(all, c)
		}
	}
	return all
}

// firstImage is the name of the first image that a long-running workload uses.
func firstImage(t *testing.T, objects []*unstructured.Unstructured) string {
	t.Helper()
	for _, o := range objects {
		if !slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"}, o.GetKind()) {
			continue
		}
		for _, c := range containers(t, o) {
			if image, ok := c["image"].(string); ok {
				return imageName(image)
			}
		}
	}
	return ""
}

// imageName drops the tag and the digest.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		image = image[:colon]
	}
	return image
}
