package experiment

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// appendID appends the ID to the names in plain files, and lets the references
// of all resources to them follow. Templates have placed the ID themselves.
//
// It walks the decoded objects, since Kustomize's own transformer would drop
// and retype fields on the way, and knows no engine.
func appendID(resources []resource, id string) error {
	renamed := map[identity]string{}
	for _, r := range resources {
		if r.template {
			continue
		}
		key := identityOf(r)
		if _, ok := renamed[key]; ok {
			return r.errorf("another object of the plain files has this kind and name: give it another name")
		}
		renamed[key] = r.object.GetName() + "-" + id
	}
	for _, r := range resources {
		for _, ref := range referrals(r.object) {
			follow(r.object.Object, strings.Split(ref.path, "/"), ref.GroupKind, renamed)
		}
	}
	for _, r := range resources {
		if !r.template {
			r.object.SetName(renamed[identityOf(r)])
		}
	}
	return nil
}

// identity is what a reference names: it stays in one namespace.
type identity struct {
	schema.GroupKind
	name string
}

func identityOf(r resource) identity {
	return identity{r.object.GroupVersionKind().GroupKind(), r.object.GetName()}
}

// follow replaces the name at the path, in every item of the lists on its way.
func follow(v any, path []string, to schema.GroupKind, renamed map[identity]string) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if name, ok := item.(string); ok && len(path) == 0 {
				if now, ok := renamed[identity{to, name}]; ok {
					v[i] = now
				}
				continue
			}
			follow(item, path, to, renamed)
		}
	case map[string]any:
		if len(path) == 0 {
			return
		}
		name, ok := v[path[0]].(string)
		if !ok || len(path) > 1 {
			follow(v[path[0]], path[1:], to, renamed)
			return
		}
		if now, ok := renamed[identity{to, name}]; ok && !elsewhere(v, to) {
			v[path[0]] = now
		}
	}
}

// elsewhere reports whether a reference says itself that it means another
// kind, as scaleTargetRef and backendRefs do.
func elsewhere(ref map[string]any, to schema.GroupKind) bool {
	kind, ok := ref["kind"].(string)
	return ok && !slices.Contains([]string{"", to.Kind}, kind)
}
