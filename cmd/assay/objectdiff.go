package main

import (
	"reflect"

	"github.com/aymanbagabas/go-udiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// compareObject makes a unified diff of one object's YAML.
func compareObject(d object.Difference, out *output) (change, error) {
	before, after := maskedPair(d.Before, d.After)
	from, err := yamlOf(before, out)
	if err != nil {
		return change{}, err
	}
	to, err := yamlOf(after, out)
	if err != nil {
		return change{}, err
	}
	item := change{Object: d.Key.String(), Change: "changed", Diff: udiff.Unified("baseline", "candidate", from, to)}
	switch {
	case d.Before == nil:
		item.Change = "added"
	case d.After == nil:
		item.Change = "removed"
	}
	return item, out.take(len(item.Diff))
}

// yamlOf prints one side of a diff, which is bounded but not printed itself.
func yamlOf(o *unstructured.Unstructured, out *output) (string, error) {
	if o == nil {
		return "", nil
	}
	side := output{out.where, out.max, out.max}
	data, err := side.yaml(o)
	return string(data), err
}

// What stands for a Secret's value.
const (
	hiddenValue  = "(masked)"
	hiddenBefore = "(masked, before)"
	hiddenAfter  = "(masked, after)"
)

// maskedPair masks both sides of a Secret so that the diff still tells which
// of its values differ.
func maskedPair(before, after *unstructured.Unstructured) (*unstructured.Unstructured, *unstructured.Unstructured) {
	if before == nil || after == nil || !isSecret(before) || !isSecret(after) {
		return masked(before), masked(after)
	}
	maskedBefore, maskedAfter := masked(before), masked(after)
	for _, field := range secretFields() {
		old, _, _ := unstructured.NestedMap(before.Object, field)
		current, _, _ := unstructured.NestedMap(after.Object, field)
		for key, value := range old {
			if other, both := current[key]; both && !reflect.DeepEqual(value, other) {
				setField(maskedBefore, field, key, hiddenBefore)
				setField(maskedAfter, field, key, hiddenAfter)
			}
		}
	}
	return maskedBefore, maskedAfter
}

// masked hides the data of a Secret; other objects are returned as they are.
func masked(o *unstructured.Unstructured) *unstructured.Unstructured {
	if o == nil || !isSecret(o) {
		return o
	}
	o = o.DeepCopy()
	for _, field := range secretFields() {
		switch data := o.Object[field].(type) {
		case nil:
		case map[string]any:
			for key := range data {
				setField(o, field, key, hiddenValue)
			}
		default:
			o.Object[field] = hiddenValue
		}
	}
	return o
}

func isSecret(o *unstructured.Unstructured) bool {
	gvk := o.GroupVersionKind()
	return gvk.Kind == "Secret" && gvk.Group == ""
}

// secretFields are the fields of a Secret that hold secrets.
func secretFields() []string { return []string{"data", "stringData"} }

// setField sets one value of a field that is known to be a map.
func setField(o *unstructured.Unstructured, field, key, value string) {
	if data, ok := o.Object[field].(map[string]any); ok {
		data[key] = value
	}
}
