// Package object answers questions about one rendered Kubernetes object: its
// identity, its pod template, its images, what it refers to and selects, and
// how two sets of objects differ. It changes nothing.
package object

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Key identifies an object in one environment. The version is no part of it.
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
