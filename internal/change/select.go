package change

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
)

// selector says which objects a patch changes.
type selector struct {
	kind, name string // as written, for messages
	one        bool   // it names one object
	match      func(o *unstructured.Unstructured, names []string) bool
}

// selects matches an object by any name that it has.
func (s selector) selects(o *unstructured.Unstructured, names []string) bool {
	return s.match(o, names)
}

// selectTarget matches as Kustomize's target does: by anchored expressions,
// and by labels and annotations.
func selectTarget(target types.Selector) (selector, error) {
	regex, err := types.NewSelectorRegex(&target)
	if err != nil {
		return selector{}, errors.New("holds an expression that is not valid: correct it, or write the name as it is")
	}
	byLabels, err := labels.Parse(target.LabelSelector)
	if err != nil {
		return selector{}, errors.New("labelSelector is not valid: write it as in app=web,tier!=db")
	}
	byAnnotations, err := labels.Parse(target.AnnotationSelector)
	if err != nil {
		return selector{}, errors.New("annotationSelector is not valid: write it as in example.com/team=web")
	}
	match := func(o *unstructured.Unstructured, names []string) bool {
		gvk := o.GroupVersionKind()
		id := resid.NewResIdWithNamespace(resid.NewGvk(gvk.Group, gvk.Version, gvk.Kind), o.GetName(), o.GetNamespace())
		return regex.MatchGvk(id.Gvk) && slices.ContainsFunc(names, regex.MatchName) && regex.MatchNamespace(id.EffectiveNamespace()) &&
			byLabels.Matches(labels.Set(o.GetLabels())) && byAnnotations.Matches(labels.Set(o.GetAnnotations()))
	}
	return selector{kind: target.Kind, name: target.Name, match: match}, nil
}

// selectNamed matches the one object that a strategic merge patch names. A patch
// without namespace matches in any.
func selectNamed(patch map[string]any) (selector, error) {
	text := func(path ...string) string {
		v, _ := get(patch, path)
		s, _ := v.(string)
		return s
	}
	apiVersion, kind, name, namespace := text("apiVersion"), text("kind"), text("metadata", "name"), text("metadata", "namespace")
	if apiVersion == "" || kind == "" || name == "" {
		return selector{}, errors.New("does not say what it changes: give it apiVersion, kind and metadata.name, which Kustomize needs beside a target as well")
	}
	version, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return selector{}, errors.New("its apiVersion is not valid: write it as group/version")
	}
	match := func(o *unstructured.Unstructured, names []string) bool {
		return o.GroupVersionKind() == version.WithKind(kind) && slices.Contains(names, name) && (namespace == "" || namespace == o.GetNamespace())
	}
	return selector{kind: kind, name: name, one: true, match: match}, nil
}

func sorted(seq iter.Seq[string]) []string { return slices.Sorted(seq) }

// ident is what identifies an object within its file.
func ident(o *unstructured.Unstructured) string {
	return fmt.Sprint(o.GroupVersionKind(), o.GetNamespace(), "/", o.GetName())
}
