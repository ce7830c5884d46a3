package object

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/pkg/util"
)

// Image is one image that the object names.
type Image struct {
	Path      []any  // to the reference: mapping keys (string) and list positions (int)
	Container string // the container's name, or the volume's
	Ref       string // as written
}

// Images returns the object's images by the rule of Kustomize's image
// transformer: of each item of any list called containers or initContainers at
// any depth, and of image volumes. A CustomResourceDefinition has none. The order
// is that of sorted keys.
func Images(o *unstructured.Unstructured) []Image {
	var out []Image
	if o.GetKind() != "CustomResourceDefinition" {
		out = containerImages(out, make([]any, 0, 16), o.Object)
	}
	for _, path := range [][]any{{"spec"}, {"spec", "template", "spec"}} {
		out = volumeImages(out, path, o.Object)
	}
	return out
}

// containerImages walks what may hold a list of containers. Siblings share the memory of path.
func containerImages(out []Image, path []any, v any) []Image {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range nesting(v) {
			at := append(path, key)
			out = containerImages(out, at, v[key])
			if key == "containers" || key == "initContainers" {
				out = listImages(out, at, v[key])
			}
		}
	case []any:
		for i, item := range v {
			out = containerImages(out, append(path, i), item)
		}
	}
	return out
}

// nesting are the keys of what is a mapping or a list, sorted.
func nesting(m map[string]any) []string {
	var keys []string
	for key, v := range m {
		switch v.(type) {
		case map[string]any, []any:
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func listImages(out []Image, path []any, list any) []Image {
	items, _ := list.([]any)
	for i, item := range items {
		m, _ := item.(map[string]any)
		if ref, ok := m["image"].(string); ok {
			name, _ := m["name"].(string)
			out = append(out, Image{join(path, i, "image"), name, ref})
		}
	}
	return out
}

func volumeImages(out []Image, path []any, v map[string]any) []Image {
	for _, key := range path {
		v, _ = v[key.(string)].(map[string]any)
	}
	items, _ := v["volumes"].([]any)
	for i, item := range items {
		m, _ := item.(map[string]any)
		if ref, ok := mapAt(m, "image")["reference"].(string); ok {
			name, _ := m["name"].(string)
			out = append(out, Image{join(path, "volumes", i, "image", "reference"), name, ref})
		}
	}
	return out
}

// join copies: paths of images must not share memory.
func join(path []any, more ...any) []any { return slices.Concat(path, more) }

// SplitImage splits a reference as Kustomize does: registry/name:tag@digest.
func SplitImage(ref string) (name, tag, digest string) { return util.SplitImageName(ref) }
