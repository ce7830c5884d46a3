package change

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
)

// rendered are the names of all images in the objects, sorted.
func rendered(objs []*unstructured.Unstructured) []string {
	var names []string
	for _, o := range objs {
		for _, image := range object.Images(o) {
			name, _, _ := object.SplitImage(image.Ref)
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// tags are those that the image renders with, for a suffix to be added to.
func (t imageTask) tags(name string) ([]string, error) {
	var tags []string
	for _, o := range t.Baseline {
		for _, image := range object.Images(o) {
			n, tag, _ := object.SplitImage(image.Ref)
			if n != name {
				continue
			}
			if tag == "" {
				return nil, t.fault("tagSuffix", "%s has no tag in %s: use newTag", name, object.KeyOf(o))
			}
			tags = append(tags, tag)
		}
	}
	return tags, nil
}

// find returns the known names that a full or short name stands for: the name
// itself, or every name that ends in it after a slash.
func find(name string, known []string) []string {
	if slices.Contains(known, name) {
		return []string{name}
	}
	var out []string
	for _, k := range known {
		if strings.HasSuffix(k, "/"+name) {
			out = append(out, k)
		}
	}
	return out
}

// resolve returns the one known name that the image's name stands for. Once the
// change is made its new name renders instead, and stands for it as well.
func (t imageTask) resolve(known []string) (string, error) {
	found := find(t.image.Name, known)
	if len(found) == 0 && t.image.NewName != "" && slices.Contains(known, t.image.NewName) {
		found = []string{t.image.NewName}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", t.fault("name", "the environment has no image %s: %s", t.image.Name, names(t.image.Name, known))
	default:
		return "", t.fault("name", "%s could be %s: write the whole name", t.image.Name, excerpt.Or(found))
	}
}

// names lists what exists, near ones first.
func names(word string, known []string) string {
	if len(known) == 0 {
		return "it renders none"
	}
	last := func(s string) string { return s[strings.LastIndex(s, "/")+1:] }
	short := make([]string, len(known))
	for i, k := range known {
		short[i] = last(k)
	}
	near := excerpt.Near(word, known)
	for _, s := range excerpt.Near(last(word), short) {
		for i, k := range known {
			if short[i] == s && !slices.Contains(near, k) {
				near = append(near, k)
			}
		}
	}
	return suggest(near, known)
}

// suggest names what is known, near ones first.
func suggest(near, known []string) string {
	if len(near) == 0 {
		return thereAre(known)
	}
	if len(near) == len(known) {
		return "did you mean " + excerpt.Or(near) + "?"
	}
	return "did you mean " + excerpt.Or(near) + "? There are " + excerpt.List(rank(near, known))
}

func thereAre(known []string) string {
	if len(known) == 1 {
		return "there is " + known[0]
	}
	return "there are " + excerpt.List(known)
}

// rank is all of known, those in first before the others.
func rank(first, known []string) []string {
	out := slices.Clone(first)
	for _, k := range known {
		if !slices.Contains(first, k) {
			out = append(out, k)
		}
	}
	return out
}
