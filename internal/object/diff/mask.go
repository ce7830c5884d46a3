package diff

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

// lastApplied is where kubectl apply keeps all of an object. A Secret that was
// exported from a cluster and committed still has it.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// places are the maps in which a Secret holds secrets.
func places() [][]string {
	return [][]string{{"data"}, {"stringData"}, {"metadata", "annotations"}}
}

func secret(place []string, key string) bool { return len(place) == 1 || key == lastApplied }

// maskedPair masks both sides of a Secret so that the diff still tells which
// of its values differ.
func maskedPair(before, after *unstructured.Unstructured) (*unstructured.Unstructured, *unstructured.Unstructured) {
	maskedBefore, maskedAfter := Masked(before), Masked(after)
	if before == nil || after == nil || !isSecret(before) || !isSecret(after) {
		return maskedBefore, maskedAfter
	}
	for _, place := range places() {
		current := fields(after, place)
		for key, value := range fields(before, place) {
			if other, both := current[key]; both && secret(place, key) && !reflect.DeepEqual(value, other) {
				fields(maskedBefore, place)[key] = hiddenBefore
				fields(maskedAfter, place)[key] = hiddenAfter
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
	for _, place := range places() {
		values := fields(o, place)
		for key := range values {
			if secret(place, key) {
				values[key] = hiddenValue
			}
		}
		if all, ok := o.Object[place[0]]; ok && len(place) == 1 && all != nil && values == nil { // no map, as it should be
			o.Object[place[0]] = hiddenValue
		}
	}
	return o
}

func isSecret(o *unstructured.Unstructured) bool {
	gvk := o.GroupVersionKind()
	return gvk.Kind == "Secret" && gvk.Group == ""
}

// fields is the map in that place; nil where there is none.
func fields(o *unstructured.Unstructured, place []string) map[string]any {
	value, _, _ := unstructured.NestedFieldNoCopy(o.Object, place...)
	out, _ := value.(map[string]any)
	return out
}
