package object_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

func configMap(name, generateName string, value any) *unstructured.Unstructured {
	metadata := map[string]any{}
	if name != "" {
		metadata["name"] = name
	} else {
		metadata["generateName"] = generateName
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": map[string]any{"v": value},
	}}
}

// brief writes a difference as name: before -> after.
func brief(diffs []object.Difference) []string {
	side := func(o *unstructured.Unstructured) string {
		if o == nil {
			return "none"
		}
		v, _, _ := unstructured.NestedFieldNoCopy(o.Object, "data", "v")
		return fmt.Sprint(v)
	}
	var out []string
	for _, d := range diffs {
		out = append(out, d.Key.Name+": "+side(d.Before)+" -> "+side(d.After))
	}
	return out
}

func TestDiff(t *testing.T) {
	type objs = []*unstructured.Unstructured
	for _, tt := range []struct {
		name string
		a, b objs
		want []string
	}{
		{"equal in another order", objs{configMap("a", "", 1), configMap("b", "", 2)}, objs{configMap("b", "", 2), configMap("a", "", 1)}, nil},
		{"changed, added, removed", objs{configMap("c", "", 1), configMap("r", "", 1)}, objs{configMap("n", "", 1), configMap("c", "", 2)}, []string{"c: 1 -> 2", "n: none -> 1", "r: 1 -> none"}},
		{"numbers by value", objs{configMap("a", "", int64(1))}, objs{configMap("a", "", 1.0)}, nil},
		{"one of two with a name", objs{configMap("a", "", 1), configMap("a", "", 2)}, objs{configMap("a", "", 2), configMap("a", "", 3)}, []string{"a: 1 -> 3"}},
		{"a second one", objs{configMap("a", "", 1)}, objs{configMap("a", "", 1), configMap("a", "", 1)}, []string{"a: none -> 1"}},
		{"generated names", objs{configMap("", "x-", 1), configMap("", "x-", 2), configMap("", "y-", 1)}, objs{configMap("", "y-", 1), configMap("", "x-", 2), configMap("", "x-", 1.0)}, nil},
		{"generated names differ", objs{configMap("", "x-", 1), configMap("", "y-", 2)}, objs{configMap("", "x-", 2), configMap("", "y-", 2)}, []string{": 1 -> 2"}},
		{"another prefix", objs{configMap("", "x-", 1)}, objs{configMap("", "y-", 1)}, []string{": 1 -> none", ": none -> 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, brief(object.Diff(tt.a, tt.b))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDiffIgnoresTheVersion(t *testing.T) {
	a := parse(t, "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: x}}")
	b := parse(t, "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: x}}")
	if got := object.Diff([]*unstructured.Unstructured{a}, []*unstructured.Unstructured{b}); len(got) != 1 || got[0].Before == nil || got[0].After == nil {
		t.Errorf("got %v", got)
	}
}

// A set never differs from itself shuffled; what is taken out is what is found.
func TestDiffProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test needs no secret
	for range 200 {
		var a []*unstructured.Unstructured
		for range 1 + r.IntN(20) {
			name := ""
			if r.IntN(3) > 0 {
				name = fmt.Sprint("n", r.IntN(5))
			}
			a = append(a, configMap(name, fmt.Sprint("g", r.IntN(2)), r.IntN(3)))
		}
		b := append([]*unstructured.Unstructured{}, a...)
		r.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
		if got := object.Diff(a, b); len(got) != 0 {
			t.Fatalf("a shuffled set differs: %v", brief(got))
		}
		got := object.Diff(a, b[1:])
		if len(got) != 1 || got[0].After != nil || !object.Equal(got[0].Before.Object, b[0].Object) {
			t.Fatalf("without %v: %v", b[0].Object, brief(got))
		}
	}
}

func TestEqual(t *testing.T) {
	for _, tt := range []struct {
		a, b any
		want bool
	}{
		{int64(1), 1.0, true},
		{int64(1), 1.5, false},
		{1.5, 1.5, true},
		{int64(1<<53 + 1), float64(1 << 53), false},
		{float64(1 << 63), int64(-1 << 63), false},
		{1e300, 1e300, true},
		{"1", int64(1), false},
		{true, "true", false},
		{nil, nil, true},
		{nil, "", false},
		{[]any{int64(1)}, []any{1.0}, true},
		{[]any{1.0, 2.0}, []any{2.0, 1.0}, false},
		{[]any{}, nil, false},
		{map[string]any{"a": nil}, map[string]any{"b": nil}, false},
		{map[string]any{"a": nil}, map[string]any{}, false},
		{map[string]any{"a": int64(1)}, map[string]any{"a": 1.0}, true},
	} {
		if object.Equal(tt.a, tt.b) != tt.want || object.Equal(tt.b, tt.a) != tt.want {
			t.Errorf("Equal(%v, %v) is not %v", tt.a, tt.b, tt.want)
		}
	}
}
