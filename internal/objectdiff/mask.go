package objectdiff

import (
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

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
		return Masked(before), Masked(after)
	}
	maskedBefore, maskedAfter := Masked(before), Masked(after)
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

// Masked hides the data of a Secret. Other objects, and nil, are returned as
// they are; the object itself is never changed.
func Masked(o *unstructured.Unstructured) *unstructured.Unstructured {
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
