package experiment

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// Target is one workload under test, as templates see it.
type Target struct {
	Baseline, Candidate Version
}

// Version is one side of a target.
type Version struct {
	Name       string // in the cluster
	Kind       string
	APIVersion string
	Namespace  string
	Labels     map[string]string
	PodLabels  map[string]string
	Images     []Image
	Object     map[string]any
}

// Image is one container's image. It prints as the whole reference.
type Image struct {
	Container, Ref, Name, Tag, Digest string
}

// String returns the whole reference.
func (i Image) String() string { return i.Ref }

// VersionOf describes an object to templates; nil is a side that does not
// exist. A namespace that the object does not name is the application's.
func VersionOf(o *unstructured.Unstructured) Version {
	if o == nil {
		return Version{}
	}
	v := Version{
		Name: o.GetName(), Kind: o.GetKind(), APIVersion: o.GetAPIVersion(), Namespace: o.GetNamespace(),
		Labels: o.GetLabels(), Object: o.Object,
	}
	if path, ok := object.PodTemplate(o); ok {
		v.PodLabels, _, _ = unstructured.NestedStringMap(o.Object, append(slices.Clone(path), "metadata", "labels")...)
	}
	for _, image := range object.Images(o) {
		name, tag, digest := object.SplitImage(image.Ref)
		v.Images = append(v.Images, Image{image.Container, image.Ref, name, tag, digest})
	}
	return v
}
