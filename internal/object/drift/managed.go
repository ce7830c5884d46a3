package drift

import (
	"bytes"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/assaydev/assay/internal/excerpt"
)

// mostManaged is how long the fields of one manager may be: each is looked for in lists.
const mostManaged = 64 << 10

// release takes out of both objects what the rule's managers wrote, by the managedFields of the one
// in the cluster.
func (i Ignore) release(want, have *unstructured.Unstructured) error {
	if len(i.Managers) == 0 {
		return nil
	}
	for _, entry := range have.GetManagedFields() {
		if entry.FieldsV1 == nil || !slices.Contains(i.Managers, entry.Manager) {
			continue
		}
		if len(entry.FieldsV1.Raw) > mostManaged {
			return fmt.Errorf("managedFieldsManagers: managedFields of %s are longer than %d KiB", excerpt.Of(entry.Manager, 80), mostManaged>>10)
		}
		owned := &fieldpath.Set{}
		if err := owned.FromJSON(bytes.NewReader(entry.FieldsV1.Raw)); err != nil {
			return fmt.Errorf("managedFieldsManagers: read managedFields of %s: %w", excerpt.Of(entry.Manager, 80), err)
		}
		less(want.Object, owned)
		less(have.Object, owned)
	}
	return nil
}

// less removes from a mapping the fields of a set that have none below them in it, and those of the
// set that are empty then.
func less(fields map[string]any, owned *fieldpath.Set) {
	for name, child := range fields {
		at := fieldpath.FieldNameElement(name)
		below, deeper := owned.Children.Get(at)
		switch member := owned.Members.Has(at); {
		case deeper:
			child = lessOf(child, below)
			if fields[name] = child; member && empty(child) {
				delete(fields, name)
			}
		case member:
			delete(fields, name)
		}
	}
}

func lessOf(child any, owned *fieldpath.Set) any {
	switch v := child.(type) {
	case map[string]any:
		less(v, owned)
	case []any:
		return lessItems(v, owned)
	}
	return child
}

// lessItems is less of a list. An item that is named by some of its fields keeps those while there is
// more of it.
func lessItems(list []any, owned *fieldpath.Set) []any {
	var gone []int
	item := func(at fieldpath.PathElement, below *fieldpath.Set) {
		for n := range list {
			if !selects(at, n, list[n]) {
				continue
			}
			if below == nil {
				gone = append(gone, n)
				continue
			}
			named := list[n]
			list[n] = lessOf(named, below)
			if keep(list[n], at) && owned.Members.Has(at) {
				gone = append(gone, n)
			}
		}
	}
	for at := range owned.Members.All() {
		if _, deeper := owned.Children.Get(at); !deeper {
			item(at, nil)
		}
	}
	for at := range owned.Children.All() {
		below, _ := owned.Children.Get(at)
		item(at, below)
	}
	var left []any
	for n, one := range list {
		if !slices.Contains(gone, n) {
			left = append(left, one)
		}
	}
	return left
}

// keep puts the fields back that name an item, and reports whether there are no others.
func keep(item any, at fieldpath.PathElement) (bare bool) {
	fields, ok := item.(map[string]any)
	if !ok || at.Key == nil {
		return empty(item)
	}
	names := 0
	for _, field := range *at.Key {
		if fields[field.Name] == nil {
			fields[field.Name] = field.Value.Unstructured()
		}
		names++
	}
	return len(fields) == names
}

// selects reports whether a path element is about an item of a list.
func selects(at fieldpath.PathElement, n int, item any) bool {
	switch {
	case at.Index != nil:
		return *at.Index == n
	case at.Value != nil:
		return value.Equals(*at.Value, value.NewValueInterface(item))
	case at.Key == nil:
		return false
	}
	fields, ok := item.(map[string]any)
	if !ok {
		return false
	}
	for _, field := range *at.Key {
		have := fields[field.Name]
		if have == nil && field.Name == "protocol" {
			have = "TCP" // the API server's default of a port
		}
		if !value.Equals(field.Value, value.NewValueInterface(have)) {
			return false
		}
	}
	return true
}
