package object

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Difference is one object on which two sets do not agree. Before is nil for
// an object that only the second set has, After for one that only the first has.
type Difference struct {
	Key           Key
	Before, After *unstructured.Unstructured
}

// Diff compares two sets of objects by value, whatever their order. The result
// is sorted by key. Objects that share a key, or have generateName and so no
// name, are compared as multisets: equal ones cancel out, and what is left is
// paired in order.
func Diff(a, b []*unstructured.Unstructured) []Difference {
	before, after := byIdentity(a), byIdentity(b)
	var out []Difference
	for id, olds := range before {
		out = appendDifferences(out, id.Key, olds, after[id])
	}
	for id, news := range after {
		if _, ok := before[id]; !ok {
			out = appendDifferences(out, id.Key, nil, news)
		}
	}
	// Stable: what shares an identity stays in order.
	slices.SortStableFunc(out, func(d, e Difference) int {
		return cmp.Or(d.Key.compare(e.Key), cmp.Compare(d.one().GetGenerateName(), e.one().GetGenerateName()))
	})
	return out
}

func (d Difference) one() *unstructured.Unstructured {
	if d.Before != nil {
		return d.Before
	}
	return d.After
}

// identity is a key, and what stands for the name where there is none.
type identity struct {
	Key
	generateName string
}

func byIdentity(objs []*unstructured.Unstructured) map[identity][]*unstructured.Unstructured {
	out := make(map[identity][]*unstructured.Unstructured, len(objs))
	for _, o := range objs {
		id := identity{Key: KeyOf(o)}
		if id.Name == "" {
			id.generateName = o.GetGenerateName()
		}
		out[id] = append(out[id], o)
	}
	return out
}

func appendDifferences(out []Difference, k Key, before, after []*unstructured.Unstructured) []Difference {
	before, after = cancel(before, after)
	for i := range max(len(before), len(after)) {
		d := Difference{Key: k}
		if i < len(before) {
			d.Before = before[i]
		}
		if i < len(after) {
			d.After = after[i]
		}
		out = append(out, d)
	}
	return out
}

// cancel returns what is left of both once equal objects are taken out in pairs.
func cancel(a, b []*unstructured.Unstructured) (left, right []*unstructured.Unstructured) {
	if len(a) <= 1 && len(b) <= 1 {
		if len(a) == 1 && len(b) == 1 && Same(a[0], b[0]) {
			return nil, nil
		}
		return a, b
	}
	// Many objects of one identity: count by content, so that the cost stays linear.
	count := map[string]int{}
	for _, o := range b {
		count[fingerprint(o)]++
	}
	for _, o := range a {
		if id := fingerprint(o); count[id] > 0 {
			count[id]--
		} else {
			left = append(left, o)
		}
	}
	for _, o := range slices.Backward(b) {
		if id := fingerprint(o); count[id] > 0 {
			count[id]--
			right = append(right, o)
		}
	}
	slices.Reverse(right)
	return left, right
}

// fingerprint is the object's JSON, which writes 1 and 1.0 alike. What has no
// JSON (an infinite number) equals nothing but itself.
func fingerprint(o *unstructured.Unstructured) string {
	data, err := json.Marshal(o.Object)
	if err != nil {
		return fmt.Sprintf("%p", o)
	}
	return string(data)
}

// Same is Equal of two objects. Renders of trees much alike have many in common.
func Same(a, b *unstructured.Unstructured) bool { return a == b || Equal(a.Object, b.Object) }

// Equal compares JSON values: 1 and 1.0 are the same number, whatever their Go types.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, ok := b[k]; !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Equal)
	case string, bool, nil:
		return a == b
	}
	return equalNumbers(a, b)
}

func equalNumbers(a, b any) bool {
	i, isInt := integer(a)
	j, alsoInt := integer(b)
	if isInt || alsoInt {
		return isInt && alsoInt && i == j
	}
	f, ok := a.(float64)
	g, also := b.(float64)
	return ok && also && f == g
}

// integer converts without loss.
func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case float64:
		// 2^63 itself does not fit.
		if v == math.Trunc(v) && v >= math.MinInt64 && v < math.MaxInt64 {
			return int64(v), true
		}
	}
	return 0, false
}
