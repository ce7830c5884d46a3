package variant

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// set is one render, indexed. Helm test hooks are not part of it: Argo CD
// never applies them.
type set struct {
	namespace string
	list      []*unstructured.Unstructured
	keys      map[*unstructured.Unstructured]object.Key // of those in list
	byKey     map[object.Key]*unstructured.Unstructured
	selecting *selectorIndex                        // once asked for
	running   *podIndex[*unstructured.Unstructured] // likewise
	twice     *unstructured.Unstructured            // the last object whose identity another one has; nil if there is none
}

func newSet(objs []*unstructured.Unstructured, namespace string) *set {
	s := &set{
		namespace: namespace,
		keys:      make(map[*unstructured.Unstructured]object.Key, len(objs)),
		byKey:     make(map[object.Key]*unstructured.Unstructured, len(objs)),
	}
	for _, o := range objs {
		if object.IsHelmTest(o) {
			continue
		}
		k := s.key(o)
		s.list, s.keys[o] = append(s.list, o), k
		if k.Name == "" {
			continue
		}
		if s.byKey[k] != nil {
			s.twice = o
		}
		s.byKey[k] = o
	}
	return s
}

// key identifies an object, with the namespace that it will have.
func (s *set) key(o *unstructured.Unstructured) object.Key {
	if k, ok := s.keys[o]; ok {
		return k
	}
	return s.complete(object.KeyOf(o))
}

func (s *set) complete(k object.Key) object.Key {
	if k.Namespace == "" {
		k.Namespace = s.namespace
	}
	return k
}

// get returns the set's object of the same identity as o, or nil.
func (s *set) get(o *unstructured.Unstructured) *unstructured.Unstructured {
	return s.byKey[s.key(o)]
}

// sameNamespace reports whether two objects of one environment share a namespace.
func (s *set) sameNamespace(a, b *unstructured.Unstructured) bool {
	return s.key(a).Namespace == s.key(b).Namespace
}

// find returns every object that a reference of the plan may mean.
func (s *set) find(r spec.Ref) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, o := range s.list {
		if s.means(r, o) {
			found = append(found, o)
		}
	}
	return found
}

// means reports whether a reference of the plan names the object. One with
// generateName goes by that, one with a content hash by what is before it.
func (s *set) means(r spec.Ref, o *unstructured.Unstructured) bool {
	k := s.key(o)
	if k.Name == "" {
		k.Name = o.GetGenerateName()
	}
	stem, hashed := unhashed(k)
	return k.Kind == r.Kind && (k.Name == r.Name || hashed && stem == r.Name) &&
		(r.Group == "" || k.Group == r.Group) &&
		(r.Namespace == "" || k.Namespace == r.Namespace)
}

// anyMeans reports whether one of the references names the object.
func (s *set) anyMeans(refs []spec.Ref, o *unstructured.Unstructured) bool {
	for _, r := range refs {
		if s.means(r, o) {
			return true
		}
	}
	return false
}

// names returns Kind/name of every object, those of the kind first.
func (s *set) names(kind string) (ofKind, all []string) {
	for _, o := range s.list {
		if o.GetName() == "" {
			continue
		}
		n := o.GetKind() + "/" + o.GetName()
		if o.GetKind() == kind {
			ofKind = append(ofKind, n)
		}
		all = append(all, n)
	}
	return ofKind, all
}

// name is how messages call an object.
func name(o *unstructured.Unstructured) string {
	if o.GetName() == "" {
		return o.GetKind() + "/" + o.GetGenerateName() + " (generateName)"
	}
	return object.KeyOf(o).String()
}
