package variant

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"sigs.k8s.io/kustomize/api/filters/nameref"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/assaydev/assay/internal/object"
)

// fieldsOf returns the fields of the object that may refer to another one of
// the variant, by the kind referred to. Kustomize's built-in table knows neither
// Rollout nor Knative Service; this one follows wherever the pod template is.
func fieldsOf(o *unstructured.Unstructured) map[string][]string {
	out := map[string][]string{}
	if at, ok := object.PodTemplate(o); ok {
		prefix := strings.Join(append(at[:len(at):len(at)], "spec"), "/") + "/"
		for kind, paths := range object.PodReferences() {
			for _, p := range paths {
				out[kind] = append(out[kind], prefix+p)
			}
		}
	}
	switch o.GroupVersionKind().GroupKind().String() {
	case "StatefulSet.apps":
		out["Service"] = append(out["Service"], "spec/serviceName")
	case "ServiceAccount":
		out["Secret"] = append(out["Secret"], "imagePullSecrets/name", "secrets/name")
	}
	return out
}

// followNames lets references between the clones follow their new names,
// through Kustomize's name references. Of what Kustomize returns only the
// names are taken over: it drops and retypes other things.
func (b *build) followNames() error {
	if !b.anyReferral() {
		return nil
	}
	all, err := b.resources(false)
	if err != nil {
		return err
	}
	renamed, kinds := map[string]string{}, map[string]bool{}
	for _, p := range b.clones {
		renamed[p.after.GetName()] = p.out.GetName()
		kinds[p.after.GetKind()] = true
	}
	for i, res := range all.Resources() {
		p := b.clones[i]
		fields := fieldsOf(p.out)
		if len(fields) == 0 {
			continue
		}
		for _, kind := range slices.Sorted(maps.Keys(fields)) {
			if !kinds[kind] {
				continue
			}
			if path, ok := followKind(res, all, kind, fields[kind]); !ok {
				return fmt.Errorf("%s: the names at %s cannot follow: not the shape that a %s has", name(p.after), path, p.after.GetKind())
			}
		}
		followed, err := content(res)
		if err != nil {
			return fmt.Errorf("%s: %w", name(p.after), err)
		}
		transplant(p.out.Object, followed, renamed)
	}
	return nil
}

// followKind updates the fields of res that name an object of a kind. Where a
// field has not the shape of a name, it returns which.
func followKind(res *resource.Resource, all resmap.ResMap, kind string, paths []string) (path string, ok bool) {
	for _, path := range paths {
		f := nameref.Filter{
			Referrer:           res,
			NameFieldToUpdate:  types.FieldSpec{Path: path},
			ReferralTarget:     resid.Gvk{Kind: kind, Version: "v1"},
			ReferralCandidates: all,
		}
		if err := res.ApplyFilter(f); err != nil {
			return path, false
		}
	}
	return "", true
}

// anyReferral reports whether any clone may be referred to by another.
func (b *build) anyReferral() bool {
	isStatefulSet := func(p *clone) bool { return p.after.GetKind() == "StatefulSet" }
	return len(b.having(dependency)) > 0 || len(b.having(service)) > 0 && slices.ContainsFunc(b.targets(), isStatefulSet)
}

// resources makes Kustomize resources of the clones, which know their old
// names, one for each and in their order. Where whole is false they are meant
// for names alone: all in the namespace that they will have, and those that
// refer to nothing without their content.
func (b *build) resources(whole bool) (resmap.ResMap, error) {
	factory := provider.NewDefaultDepProvider().GetResourceFactory()
	all := resmap.New()
	for _, p := range b.clones {
		o := p.out.DeepCopy()
		if !whole && len(fieldsOf(o)) == 0 {
			o.Object = map[string]any{"apiVersion": o.GetAPIVersion(), "kind": o.GetKind(), "metadata": map[string]any{"name": o.GetName()}}
		}
		if !whole {
			o.SetNamespace(p.key.Namespace)
		}
		res, err := factory.FromMap(o.Object)
		if err != nil {
			return nil, fmt.Errorf("%s: not an object that Kustomize can read", name(p.after))
		}
		if err := rename(res, p); err != nil {
			return nil, err
		}
		if err := all.Append(res); err != nil {
			return nil, fmt.Errorf("%s: two objects of the variant have this name", name(p.out))
		}
	}
	return all, nil
}

// rename gives a resource its old name first, so that Kustomize knows it.
func rename(res *resource.Resource, p *clone) error {
	if err := res.SetName(p.after.GetName()); err != nil {
		return fmt.Errorf("%s: %w", name(p.after), err)
	}
	res.StorePreviousId()
	if err := res.SetName(p.out.GetName()); err != nil {
		return fmt.Errorf("%s: %w", name(p.after), err)
	}
	return nil
}

// content returns what a resource holds, as JSON types.
func content(res *resource.Resource) (map[string]any, error) {
	data, err := res.MarshalJSON()
	if err != nil {
		return nil, errors.New("not an object that Kustomize can write")
	}
	var o unstructured.Unstructured
	if err := o.UnmarshalJSON(data); err != nil {
		return nil, errors.New("not an object that Kustomize can write")
	}
	return o.Object, nil
}

// transplant copies into a every string that b has instead under the new
// name of the one in a, and nothing else.
func transplant(a, b any, renamed map[string]string) {
	switch x := a.(type) {
	case map[string]any:
		y, _ := b.(map[string]any)
		for k, v := range x {
			if s, ok := renames(v, y[k], renamed); ok {
				x[k] = s
			} else {
				transplant(v, y[k], renamed)
			}
		}
	case []any:
		y, _ := b.([]any)
		for i := range min(len(x), len(y)) {
			if s, ok := renames(x[i], y[i], renamed); ok {
				x[i] = s
			} else {
				transplant(x[i], y[i], renamed)
			}
		}
	}
}

// renames reports whether a became b by the renaming.
func renames(a, b any, renamed map[string]string) (string, bool) {
	was, ok := a.(string)
	if !ok {
		return "", false
	}
	is, ok := b.(string)
	return is, ok && was != is && renamed[was] == is
}
