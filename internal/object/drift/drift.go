// Package drift tells whether an object in a cluster still is what Git renders.
//
//  1. Every field that is rendered must be in the cluster with the same value: quantities
//     are compared as such, and what is empty is as good as not there.
//  2. What the cluster has beside that must be what the API server fills in by itself
//     (default.go; for custom resources schema.go), or what a controller lawfully writes
//     (lawful.go).
//  3. What is to be ignored, as an Application and Argo CD's settings declare, is taken out of
//     both first (ignore.go): JSON pointers, jq path expressions within limits (jq.go,
//     confine.go), and fields of managers (managed.go). A rule that cannot be applied is an error.
//
// The status and the object's own metadata are others' to write, and change nothing of what runs.
package drift

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
)

// Difference is one field that differs.
type Difference struct {
	Object object.Key // as it is in the cluster
	Field  string     // as spec.template.spec.containers[web].image; empty of an object that is not there
	Why    string     // for people
}

func (d Difference) String() string {
	if d.Field == "" {
		return fmt.Sprintf("%s %s", d.Object, d.Why)
	}
	return fmt.Sprintf("%s: %s %s", d.Object, d.Field, d.Why)
}

// most is how many differences of one object are told.
const most = 10

// Missing is the difference of an object that the cluster should have, and was not found there by a label.
func Missing(rendered *unstructured.Unstructured, label string) Difference {
	return Difference{Object: object.KeyOf(rendered), Why: "is not in the cluster, or has lost its label " + label}
}

// Rules say what of an object may differ.
type Rules struct {
	Ignore []Ignore

	// Schema reads what the cluster publishes of a kind (ParseSchema). It is asked where an object of a
	// group that may be a CustomResourceDefinition's has fields that are not rendered; nil means
	// that nothing is known, and such fields differ.
	Schema func(context.Context, schema.GroupVersionKind) (*Schema, error)
}

// Of are the fields in which an object of the cluster differs from how Git renders it. Values
// of Secrets are never told: they are not compared. It is an error where that cannot be decided.
func Of(ctx context.Context, rendered, live *unstructured.Unstructured, rules Rules) ([]Difference, error) {
	kind := live.GroupVersionKind()
	if kind.Kind == "Secret" && kind.Group == "" {
		return nil, nil
	}
	c := comparison{key: object.KeyOf(live), known: isKnown(live)}
	want, have := rendered.DeepCopy(), live.DeepCopy()
	if err := normalise(ctx, rules.Ignore, c.key, want, have); err != nil {
		return nil, err
	}
	for _, o := range []*unstructured.Unstructured{want, have} {
		delete(o.Object, "status")
		delete(o.Object, "apiVersion") // another version of the same kind says the same
		delete(o.Object, "kind")
		delete(o.Object, "metadata")
	}
	c.mapping(nil, want.Object, have.Object)
	if !c.unknown || !strings.Contains(kind.Group, ".") {
		return c.found, nil // no CustomResourceDefinition has a group without a dot
	}
	s := &Schema{}
	if rules.Schema != nil {
		var err error
		if s, err = rules.Schema(ctx, kind); err != nil {
			return nil, fmt.Errorf("learn which fields of %s the API server fills in: %w", c.key, err)
		}
	}
	if s.Builtin {
		return c.found, nil // not all of its defaults are in its schema
	}
	s.fill(want.Object)
	c = comparison{key: c.key, known: true, custom: true}
	c.mapping(nil, want.Object, have.Object)
	return c.found, nil
}

// comparison is the state of one Of.
type comparison struct {
	key     object.Key
	known   bool // what the API server fills in is known of the kind
	custom  bool // it is filled in already, by the kind's schema
	unknown bool // there are fields that are not rendered, and that could not be judged
	found   []Difference
}

func (c *comparison) value(path []string, want, have any) {
	switch w := want.(type) {
	case map[string]any:
		if h, ok := have.(map[string]any); ok {
			c.mapping(path, w, h)
			return
		}
	case []any:
		if h, ok := have.([]any); ok {
			c.list(path, w, h)
			return
		}
	}
	if !same(path, want, have) {
		c.differ(path, want, have)
	}
}

func (c *comparison) mapping(path []string, want, have map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		at := append(slices.Clone(path), key)
		value, found := have[key]
		switch {
		case !found && !empty(want[key]) && !zero(want[key]) && !c.moved(at, want, have):
			c.differ(at, want[key], nil)
		case found && empty(want[key]):
			if !empty(value) && !c.lawful(at, value) {
				c.added(at, want, value)
			}
		case found:
			c.value(at, want[key], value)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		at := append(slices.Clone(path), key)
		if _, rendered := want[key]; !rendered && !empty(have[key]) && !c.lawful(at, have[key]) {
			c.added(at, want, have[key])
		}
	}
}

// added is a field that only the cluster has: it must be what the API server fills in.
func (c *comparison) added(path []string, beside map[string]any, have any) {
	switch fields, isMapping := have.(map[string]any); {
	case !c.known:
		c.unknown = true
		return
	case c.custom && isWritten(c.key, path, have), !c.custom && isDefault(path, beside, have):
		return
	case isMapping && (c.custom && len(written[c.key.Group+"/"+c.key.Kind]) > 0 || !c.custom && opens(path)):
		// The server makes the parents of what it fills in.
		c.mapping(path, map[string]any{}, fields)
		return
	}
	c.differ(path, nil, have)
}

// list compares lists item by item: by their names where all have one, as the API server
// merges them, else in order.
func (c *comparison) list(path []string, want, have []any) {
	by := keyOf(want, have)
	if by == "" {
		for i := range max(len(want), len(have)) {
			at := append(slices.Clone(path), fmt.Sprintf("[%d]", i))
			switch {
			case i >= len(have):
				c.differ(at, want[i], nil)
			case i >= len(want):
				c.differ(at, nil, have[i])
			default:
				c.value(at, want[i], have[i])
			}
		}
		return
	}
	theirs := index(have, by)
	for _, item := range want {
		fields, _ := item.(map[string]any) // it is one, as keyOf found the name in it
		name := text(fields[by])
		at := append(slices.Clone(path), "["+name+"]")
		if other, found := theirs[name]; found {
			c.value(at, item, other)
		} else {
			c.differ(at, item, nil)
		}
		delete(theirs, name)
	}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		if at := append(slices.Clone(path), "["+name+"]"); !c.lawful(at, theirs[name]) {
			c.differ(at, nil, theirs[name])
		}
	}
}

// keyOf is the field that names the items of both lists; empty where none does.
func keyOf(lists ...[]any) string {
	for _, by := range []string{"name", "mountPath", "containerPort", "port"} {
		if !slices.ContainsFunc(lists, func(list []any) bool { return len(index(list, by)) != len(list) }) {
			return by
		}
	}
	return ""
}

// index has the items of a list by a field of theirs; those that lack it, and all but the
// last of a name, are not in it.
func index(list []any, by string) map[string]any {
	out := map[string]any{}
	for _, item := range list {
		if fields, ok := item.(map[string]any); ok && fields[by] != nil {
			out[text(fields[by])] = item
		}
	}
	return out
}

func (c *comparison) differ(path []string, want, have any) {
	if len(c.found) == most {
		return
	}
	why := fmt.Sprintf("is %s in the cluster, and Git renders %s", show(have), show(want))
	switch {
	case have == nil:
		why = fmt.Sprintf("is not in the cluster, and Git renders %s", show(want))
	case want == nil:
		why = fmt.Sprintf("is %s in the cluster, and Git does not render it", show(have))
	}
	c.found = append(c.found, Difference{c.key, field(path), why})
}

// field is a path for people.
func field(path []string) string {
	var b strings.Builder
	for _, part := range path {
		switch {
		case strings.HasPrefix(part, "["):
			b.WriteString(excerpt.Of(part, 80))
		case strings.ContainsAny(part, "./[] "):
			b.WriteString("[" + strconv.Quote(excerpt.Of(part, 80)) + "]")
		case b.Len() == 0:
			b.WriteString(part)
		default:
			b.WriteString("." + excerpt.Of(part, 80))
		}
	}
	return b.String()
}

func show(value any) string {
	switch v := value.(type) {
	case map[string]any:
		return "a mapping"
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	}
	return excerpt.Word(excerpt.Of(text(value), 80), 80)
}

func text(value any) string { return fmt.Sprint(value) }

// zero reports whether a value is what the API server drops of fields that are not pointers.
func zero(value any) bool { return value == false || value == int64(0) || value == float64(0) }

// empty reports whether a value is as good as not there.
func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return !slices.ContainsFunc(slices.Collect(maps.Values(v)), func(one any) bool { return !empty(one) })
	}
	return false
}

// holds reports whether a value is a mapping or a list.
func holds(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// same compares two values that are not both mappings or lists.
func same(path []string, want, have any) bool {
	if empty(want) && empty(have) {
		return true
	}
	if holds(want) || holds(have) {
		return false
	}
	if text(want) == text(have) {
		return true
	}
	if !slices.ContainsFunc(path, func(part string) bool { return slices.Contains(quantities, part) }) {
		return false
	}
	w, bad := resource.ParseQuantity(text(want))
	h, worse := resource.ParseQuantity(text(have))
	return bad == nil && worse == nil && w.Cmp(h) == 0
}

// quantities are the fields at or below which values are Kubernetes' quantities.
var quantities = []string{"resources", "sizeLimit", "divisor", "averageValue", "value", "capacity", "hard", "tolerance"}
