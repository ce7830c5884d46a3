package drift

import (
	"strconv"
	"strings"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// Ignore is a rule for fields that are not compared, as an Application has them in
// spec.ignoreDifferences. Group and kind are globs there; an empty name or namespace is any.
type Ignore struct {
	Group, Kind, Namespace, Name string
	Pointers                     []string // JSON pointers
	Whole                        bool     // of an object that the rule is about nothing is compared
}

// covers reports whether the rule is about an object.
func (i Ignore) covers(key object.Key) bool {
	return matches(i.Group, key.Group) && matches(i.Kind, key.Kind) && (i.Name == "" || i.Name == key.Name) && (i.Namespace == "" || i.Namespace == key.Namespace)
}

// remove takes what is ignored out of both objects.
func (i Ignore) remove(key object.Key, objs ...*unstructured.Unstructured) {
	if !i.covers(key) {
		return
	}
	for _, o := range objs {
		if i.Whole {
			o.Object = map[string]any{}
			continue
		}
		for _, pointer := range i.Pointers {
			cut(o.Object, strings.Split(strings.TrimPrefix(pointer, "/"), "/"))
		}
	}
}

func matches(pattern, text string) bool {
	g, err := glob.Compile(pattern)
	return err == nil && g.Match(text)
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// cut empties the field of a JSON pointer: an item of a list keeps its place.
func cut(at any, path []string) {
	name := unescape.Replace(path[0])
	switch v := at.(type) {
	case map[string]any:
		if len(path) == 1 {
			delete(v, name)
		} else {
			cut(v[name], path[1:])
		}
	case []any:
		n, err := strconv.Atoi(name)
		if err != nil || n < 0 || n >= len(v) {
			return
		}
		if len(path) == 1 {
			v[n] = nil
		} else {
			cut(v[n], path[1:])
		}
	}
}
