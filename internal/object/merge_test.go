package object

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func parseObjects(t *testing.T, texts ...string) []*unstructured.Unstructured {
	t.Helper()
	var list []*unstructured.Unstructured
	for _, text := range texts {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

func TestMerge(t *testing.T) {
	const conflict = "conflict"
	thing := func(spec string) []*unstructured.Unstructured {
		if spec == "" {
			return nil
		}
		return parseObjects(t, "{apiVersion: v1, kind: Thing, metadata: {name: a}, spec: "+spec+"}")
	}
	for _, c := range []struct{ name, base, ours, theirs, want string }{
		{"nothing", "{a: 1}", "{a: 1}", "{a: 1}", "{a: 1}"},
		{"theirs alone", "{a: 1}", "{a: 1}", "{a: 2}", "{a: 2}"},
		{"ours alone", "{a: 1}", "{a: 2}", "{a: 1}", "{a: 2}"},
		{"both alike", "{a: 1}", "{a: 2}", "{a: 2}", "{a: 2}"},
		{"both", "{a: 1}", "{a: 2}", "{a: 3}", conflict},
		{"different fields", "{a: 1, b: 1}", "{a: 2, b: 1}", "{a: 1, b: 2}", "{a: 2, b: 2}"},
		{"null is a value", "{a: 1, b: 1}", "{a: 1, b: 2}", "{a: null, b: 1}", "{a: null, b: 2}"},
		{"a field goes, another comes", "{a: 1}", "{a: 1, b: 2}", "{}", "{b: 2}"},
		{"a field goes that changed", "{a: 1}", "{a: 2}", "{}", conflict},
		{"items by name", "{l: [{name: x, v: 1}, {name: w, v: 1}]}", "{l: [{name: x, v: 2}, {name: w, v: 1}]}", "{l: [{name: x, v: 1}, {name: w, v: 2}]}", "{l: [{name: x, v: 2}, {name: w, v: 2}]}"},
		{"an item comes first", "{l: [{name: x, v: 1}]}", "{l: [{name: x, v: 2}]}", "{l: [{name: w}, {name: x, v: 1}]}", "{l: [{name: w}, {name: x, v: 2}]}"},
		{"an item of ours comes", "{l: [{name: x, v: 1}]}", "{l: [{name: w}, {name: x, v: 1}]}", "{l: [{name: x, v: 2}]}", "{l: [{name: w}, {name: x, v: 2}]}"},
		{"an item goes that changed", "{l: [{name: x, v: 1}, {name: w}]}", "{l: [{name: x, v: 2}, {name: w}]}", "{l: [{name: w}]}", conflict},
		{"items on both sides", "{l: [{name: x}]}", "{l: [{name: x}, {name: w}]}", "{l: [{name: x}, {name: z}]}", conflict},
		{"items without names", "{l: [1, 2]}", "{l: [1, 3]}", "{l: [0, 2]}", conflict},
		{"items that share a name", "{l: [{name: x, v: 1}, {name: x, v: 1}]}", "{l: [{name: x, v: 2}, {name: x, v: 1}]}", "{l: [{name: x, v: 1}, {name: x, v: 2}]}", conflict},
		{"another type", "{a: {b: 1}}", "{a: {b: 2}}", "{a: [1]}", conflict},
		{"an object comes", "", "", "{a: 1}", "{a: 1}"},
		{"an object goes", "{a: 1}", "{a: 1}", "", ""},
		{"an object goes that changed", "{a: 1}", "{a: 2}", "", conflict},
		{"an object comes twice", "", "{a: 1}", "{a: 2}", conflict},
	} {
		got, conflicts := Merge(thing(c.base), thing(c.ours), thing(c.theirs))
		want := thing(c.want)
		if c.want == conflict {
			if len(conflicts) != 1 || conflicts[0].Name != "a" {
				t.Errorf("%s: conflicts %v", c.name, conflicts)
			}
			want = thing(c.ours)
		} else if len(conflicts) > 0 {
			t.Errorf("%s: conflicts %v", c.name, conflicts)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestMergeOfObjectsThatShareAName(t *testing.T) {
	one, two := "{apiVersion: v1, kind: Thing, metadata: {name: a}, v: 1}", "{apiVersion: v1, kind: Thing, metadata: {name: a}, v: 2}"
	base, ours := parseObjects(t, one, one), parseObjects(t, one, two)
	if got, conflicts := Merge(base, base, ours); len(conflicts) > 0 || len(Diff(got, ours)) > 0 {
		t.Errorf("%v, %v", got, conflicts)
	}
	if _, conflicts := Merge(base, ours, parseObjects(t, two, two)); len(conflicts) != 1 {
		t.Errorf("conflicts %v", conflicts)
	}
}

// TestMergeOfOneSide holds for any objects: without a change of ours the result
// is theirs, without one of theirs it is ours, and the sides may be exchanged.
func TestMergeOfOneSide(t *testing.T) {
	r := rand.New(rand.NewSource(1)) //nolint:gosec // a test must be repeatable
	any3 := func() []*unstructured.Unstructured {
		var list []*unstructured.Unstructured
		for _, name := range []string{"a", "b", "c"} {
			if r.Intn(4) > 0 {
				list = append(list, parseObjects(t, fmt.Sprintf("{apiVersion: v1, kind: Thing, metadata: {name: %s}, l: [{name: x, v: %d}, {name: w, v: %d}], m: {v: %d}}", name, r.Intn(2), r.Intn(2), r.Intn(3)))...)
			}
		}
		return list
	}
	for range 300 {
		x, y, z := any3(), any3(), any3()
		if got, conflicts := Merge(x, x, y); len(conflicts) > 0 || len(Diff(got, y)) > 0 {
			t.Fatalf("theirs: %v, %v", Diff(got, y), conflicts)
		}
		if got, conflicts := Merge(x, y, x); len(conflicts) > 0 || len(Diff(got, y)) > 0 {
			t.Fatalf("ours: %v, %v", Diff(got, y), conflicts)
		}
		a, first := Merge(x, y, z)
		b, second := Merge(x, z, y)
		if !cmp.Equal(first, second) || len(first) == 0 && len(Diff(a, b)) > 0 {
			t.Fatalf("the sides matter: %v", Diff(a, b))
		}
	}
}
