package change

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/yamledit"
)

// proven holds that the objects are the baseline with the goals reached, and
// nothing else. There are two forms of that, since Kustomize moves patched items
// of a list to its front.
func (t patchTask) proven(base, objs []*unstructured.Unstructured, goals []goal) error {
	var reason error
	for _, items := range []order{kept, first} {
		want, err := t.wanted(base, goals, items)
		if err != nil {
			return err
		}
		rehash(want, objs)
		differences := object.Diff(want, objs)
		if len(differences) == 0 {
			return nil
		}
		if reason == nil {
			reason = unlike(differences[0])
		}
	}
	return reason
}

// wanted is a deep copy of the baseline with the goals reached.
func (t patchTask) wanted(base []*unstructured.Unstructured, goals []goal, items order) ([]*unstructured.Unstructured, error) {
	out := make([]*unstructured.Unstructured, len(base))
	for i, o := range base {
		for _, g := range goals {
			if !g.is(o) {
				continue
			}
			after, err := t.apply(g.doc, o.Object, object.KeyOf(o).String(), items)
			if err != nil {
				return nil, err
			}
			o = &unstructured.Unstructured{Object: after}
		}
		out[i] = o.DeepCopy()
	}
	return out, nil
}

// unlike says where an object is not as the patch wants it.
func unlike(d object.Difference) error {
	switch {
	case d.Before == nil:
		return fmt.Errorf("the edited kustomization would render %s as well: change its files with a diff", d.Key)
	case d.After == nil:
		return fmt.Errorf("the edited kustomization would no longer render %s: change its files with a diff", d.Key)
	}
	edits := difference(nil, d.After.Object, d.Before.Object)
	at := ""
	if len(edits) > 0 {
		at = " at " + excerpt.Cut(edits[0].Path.String(), longestText)
	}
	return fmt.Errorf("the edited kustomization would not render %s as patched%s, because something that applies later sets it"+
		" (images, replicas, labels, replacements, a prefix, or the plan's options): change it there, or use images or a diff", d.Key, at)
}

// hashed is the name of a generated ConfigMap or Secret: Kustomize's hash, of
// digits and letters that make no words.
var hashed = regexp.MustCompile(`^(.+)-[2456789bcdfghkmt]{10}$`)

// rehash renames what a generator names by its content: the wanted objects, and
// all that refers to them, take the name that now renders.
func rehash(want, objs []*unstructured.Unstructured) {
	has := map[object.Key]bool{}
	for _, o := range want {
		has[object.KeyOf(o)] = true
	}
	renamed := map[string]string{}
	for _, o := range objs {
		if m := hashed.FindStringSubmatch(o.GetName()); m != nil && !has[object.KeyOf(o)] && generated(o) {
			renamed[o.GetKind()+"/"+m[1]] = o.GetName()
		}
	}
	if len(renamed) == 0 {
		return
	}
	names := map[string]string{}
	for _, o := range want {
		if m := hashed.FindStringSubmatch(o.GetName()); m != nil && generated(o) {
			if name, ok := renamed[o.GetKind()+"/"+m[1]]; ok {
				names[o.GetName()] = name
			}
		}
	}
	for _, o := range want {
		replaceTexts(o.Object, names)
	}
}

func generated(o *unstructured.Unstructured) bool {
	return o.GetKind() == "ConfigMap" || o.GetKind() == "Secret"
}

// replaceTexts replaces every text that is one of the names.
func replaceTexts(v any, names map[string]string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = replaceTexts(e, names)
		}
	case []any:
		for i, e := range v {
			v[i] = replaceTexts(e, names)
		}
	case string:
		if name, ok := names[v]; ok {
			return name
		}
	}
	return v
}

// at is the value that a path leads to.
func at(v any, path yamledit.Path) (any, bool) {
	for _, s := range path {
		switch in := v.(type) {
		case map[string]any:
			e, ok := in[s.Key]
			if !ok || s.Field != "" || s.Index >= 0 {
				return nil, false
			}
			v = e
		case []any:
			i := indexOf(in, s)
			if i < 0 {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// indexOf is the position of the item that a step names; -1 where there is none.
func indexOf(list []any, s yamledit.Step) int {
	if s.Field == "" {
		if s.Index < len(list) {
			return s.Index
		}
		return -1
	}
	for i, e := range list {
		if m, ok := e.(map[string]any); ok && m[s.Field] == s.Value {
			return i
		}
	}
	return -1
}

// affix is what a kustomization puts around names.
type affix struct{ prefix, suffix string }

// strip is the name without it; false where the name does not have it.
func (a affix) strip(name string) (string, bool) {
	if len(name) <= len(a.prefix)+len(a.suffix) || !strings.HasPrefix(name, a.prefix) || !strings.HasSuffix(name, a.suffix) {
		return name, false
	}
	return name[len(a.prefix) : len(name)-len(a.suffix)], true
}
