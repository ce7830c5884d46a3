// Package object answers questions about rendered Kubernetes objects. It
// changes none of them, and knows nothing of files or of the cluster.
//
//  1. Identity: KeyOf, Find, and how Argo CD treats the object (IsHook,
//     IsPostSync, IsHelmTest, SyncWave).
//  2. Workloads: PodTemplate, IsWorkload, Images by Kustomize's rule, and the
//     References of the pods.
//  3. Selection: SelectorOf and Selects.
//  4. Sets: Equal and Diff compare by value, MarshalYAML prints.
package object

import (
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Key identifies an object in one environment. The version is not part of it.
type Key struct {
	Group, Kind, Namespace, Name string
}

// KeyOf returns the object's identity.
func KeyOf(o *unstructured.Unstructured) Key {
	gvk := o.GroupVersionKind()
	return Key{gvk.Group, gvk.Kind, o.GetNamespace(), o.GetName()}
}

// String is the form that messages use: Kind/name, or Kind/namespace/name.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Kind + "/" + k.Name
	}
	return k.Kind + "/" + k.Namespace + "/" + k.Name
}

// compare orders keys by what people look for first: kind, name, namespace.
func (k Key) compare(l Key) int {
	for _, pair := range [][2]string{{k.Kind, l.Kind}, {k.Group, l.Group}, {k.Namespace, l.Namespace}, {k.Name, l.Name}} {
		if c := strings.Compare(pair[0], pair[1]); c != 0 {
			return c
		}
	}
	return 0
}

const (
	helmHook = "helm.sh/hook"
	argoHook = "argocd.argoproj.io/hook"
	syncWave = "argocd.argoproj.io/sync-wave"
)

// IsHook reports whether Argo CD runs the object as a hook, or not at all,
// instead of keeping it in sync. Neither Helm's crd-install nor an
// object whose only hook is Skip is a hook to Argo CD.
func IsHook(o *unstructured.Unstructured) bool {
	annotations := o.GetAnnotations()
	if v, ok := annotations[argoHook]; ok {
		return strings.TrimSpace(v) != "Skip"
	}
	v, ok := annotations[helmHook]
	return ok && v != "crd-install"
}

// IsPostSync reports whether Argo CD runs the object as a hook after the sync:
// by its own annotation, or by Helm's as it maps them.
func IsPostSync(o *unstructured.Unstructured) bool {
	annotations := o.GetAnnotations()
	if v, ok := annotations[argoHook]; ok {
		return listed(v, "PostSync")
	}
	return listed(annotations[helmHook], "post-install", "post-upgrade")
}

// listed reports whether a comma-separated list holds one of the names.
func listed(list string, names ...string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if slices.Contains(names, strings.TrimSpace(item)) {
			return true
		}
	}
	return false
}

// IsHelmTest reports whether the object is a Helm test hook, which Argo CD never applies.
func IsHelmTest(o *unstructured.Unstructured) bool {
	annotations := o.GetAnnotations()
	if _, ok := annotations[argoHook]; ok {
		return false
	}
	return listed(annotations[helmHook], "test", "test-success", "test-failure")
}

// SyncWave is the object's wave in Argo CD; 0 when it names none.
func SyncWave(o *unstructured.Unstructured) int {
	wave, err := strconv.Atoi(o.GetAnnotations()[syncWave])
	if err != nil {
		return 0
	}
	return wave
}

// Find returns the objects of ref's kind and name, in order. An empty group or
// namespace in ref matches any.
func Find(objs []*unstructured.Unstructured, ref Key) []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, o := range objs {
		k := KeyOf(o)
		if k.Kind == ref.Kind && k.Name == ref.Name &&
			(ref.Group == "" || ref.Group == k.Group) && (ref.Namespace == "" || ref.Namespace == k.Namespace) {
			out = append(out, o)
		}
	}
	return out
}

// Applied leaves out Helm's test hooks, which Argo CD never applies.
func Applied(objs []*unstructured.Unstructured) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(objs), IsHelmTest)
}

// Names lists objects for people.
func Names(keys []Key) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.String()
	}
	return strings.Join(names, ", ")
}
