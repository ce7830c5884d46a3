package manifest_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/object/manifest"
)

// texts are files of one document that take much more memory than they have bytes.
func texts() map[string]string {
	head := "kind: A\na:"
	list := func(item string) string { return head + "\n" + strings.Repeat(item+"\n", 10_000) }
	flow := func(item string) string {
		return head + "\n" + strings.Repeat("- ["+strings.Repeat(item+",", 1000)+"]\n", 30)
	}
	var keys, object strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&keys, "%x: 1\n", i)
		fmt.Fprintf(&object, ",\"%x\":{}", i)
	}
	return map[string]string{
		"maps in a list":  list("- {a: 1}"),
		"lists in a list": list("- - - 1"),
		"keys without":    flow("{a}"),
		"pairs":           flow("a: b"),
		"empty lists":     flow("[]"),
		"empty maps":      flow("{}"),
		"letters":         flow("a"),
		"many keys":       "kind: A\n" + keys.String(),
		"JSON":            "{\"kind\":\"A\"" + object.String() + "}",
		"a long text":     "kind: A\na: " + strings.Repeat("x", 1<<20),
	}
}

// TestWeight: no text takes more memory than its weight, whatever it is made of.
func TestWeight(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // so that what is in use at most is what was allocated
	for name, text := range texts() {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		objs, err := manifest.Decode("a.yaml", []byte(text), manifest.Limits{})
		runtime.ReadMemStats(&after)
		if err != nil || len(objs) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		took := int64(after.TotalAlloc - before.TotalAlloc)
		weight, known := manifest.Weight([]byte(text))
		t.Logf("%s: %d bytes of text take %d, the weight is %d, %.1f times the text", name, len(text), took, weight, float64(weight)/float64(len(text)))
		if !known || took > weight {
			t.Errorf("%s: it takes %d bytes, and weighs %d, known %v", name, took, weight, known)
		}
	}
	// Of many documents only the objects stay.
	ordinary := []byte(strings.Repeat("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: productpage\n  labels: {app: productpage}\nspec:\n  replicas: 1\n  paused: false\n---\n", 5000))
	before := live()
	objs, err := manifest.Decode("a.yaml", ordinary, manifest.Limits{})
	took := live() - before
	weight, _ := manifest.Weight(ordinary)
	if err != nil || len(objs) != 5000 || weight < 2*took || weight > 80*int64(len(ordinary)) {
		t.Errorf("%d bytes of ordinary text take %d, and weigh %d, %v", len(ordinary), took, weight, err)
	}
	runtime.KeepAlive(objs)
	if _, known := manifest.Weight([]byte("a: &a {k: v}\nb: [*a, *a]\n")); known {
		t.Error("what aliases take is said to be known")
	}
	if _, known := manifest.Weight([]byte("rules: [{apiGroups: ['*'], verbs: [\"*\"]}]\n")); !known {
		t.Error("a quoted star is taken for an alias")
	}
}

// TestKnownIsBounded: what is kept takes no more memory than was allowed, whatever the texts
// are made of.
func TestKnownIsBounded(t *testing.T) {
	const most = 2 << 20
	for name, text := range texts() {
		if len(text) > 1<<20 {
			continue
		}
		known := manifest.NewKnown(most)
		ctx := known.In(t.Context())
		before := live()
		for i := range 6 {
			if _, err := manifest.DecodeKnown(ctx, "a.yaml", fmt.Appendf(nil, "%s# %d\n", text, i), manifest.Limits{}); err != nil {
				t.Fatal(name, err)
			}
		}
		if took := live() - before; took > most*5/4 || known.Bytes() > most {
			t.Errorf("%s: %d bytes are kept, and %d are counted", name, took, known.Bytes())
		}
		runtime.KeepAlive(known)
	}
}

// live is how much memory is in use.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
