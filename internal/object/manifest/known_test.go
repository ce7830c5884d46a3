package manifest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object/manifest"
)

// TestDecodeKnown: what is kept is what Decode gives, for the same limits alone, and errors
// are those of the file that is named.
func TestDecodeKnown(t *testing.T) {
	texts := []string{
		"apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\napiVersion: v1\nkind: B\n", "# nothing\n", "kind: [\n", "", "{\"kind\": \"A\"}",
		"kind: Deep\na: {b: {c: {d: 1}}}\n",
	}
	ctx := manifest.NewKnown(1 << 20).In(t.Context())
	for round := range 3 {
		for i, text := range texts {
			for _, lim := range []manifest.Limits{{}, {Depth: 3}, {Documents: 1}} {
				file := fmt.Sprintf("%d-%d.yaml", round, i)
				want, wantErr := manifest.Decode(file, []byte(text), lim)
				got, err := manifest.DecodeKnown(ctx, file, []byte(text), lim)
				if fmt.Sprint(err) != fmt.Sprint(wantErr) {
					t.Errorf("%s: %v, want %v", file, err, wantErr)
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s:\n%s", file, diff)
				}
			}
		}
	}
	one, _ := manifest.DecodeKnown(ctx, "a.yaml", []byte(texts[0]), manifest.Limits{})
	two, _ := manifest.DecodeKnown(ctx, "b.yaml", []byte(texts[0]), manifest.Limits{})
	if len(one) != 2 || one[0] != two[0] {
		t.Error("nothing is kept")
	}
	more, _ := manifest.DecodeKnown(ctx, "b.yaml", []byte("kind: C\n---\n"+texts[0]), manifest.Limits{})
	if len(more) != 3 || one[0] != more[1] || one[1] != more[2] {
		t.Error("a file that got longer is decoded afresh")
	}
	if again, _ := manifest.DecodeKnown(ctx, "b.yaml", []byte(texts[4]), manifest.Limits{}); len(again) != 1 || again[0].GetKind() != "A" {
		t.Errorf("of a stream: %v", again)
	}
	one[0] = nil
	if three, _ := manifest.DecodeKnown(ctx, "c.yaml", []byte(texts[0]), manifest.Limits{}); three[0] == nil {
		t.Error("who changes the list changes what is kept")
	}
}

// TestKnownFindsFaultsAgain: what stands around a document that is known is read as it is, with
// its lines.
func TestKnownFindsFaultsAgain(t *testing.T) {
	ctx := manifest.NewKnown(1 << 20).In(t.Context())
	const good = "kind: A\n---\nkind: B\n"
	if _, err := manifest.DecodeKnown(ctx, "a.yaml", []byte(good), manifest.Limits{}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		good + "---\nkind: [\n", "a: 1\n---\n" + good, good + "--- text\n", good + "---\na: &a [1]\nb: [*a, *b]\n", good + "---\nkind: A\nb: \xff\n",
	} {
		want, wantErr := manifest.Decode("b.yaml", []byte(text), manifest.Limits{})
		got, err := manifest.DecodeKnown(ctx, "b.yaml", []byte(text), manifest.Limits{})
		if wantErr == nil || fmt.Sprint(err) != fmt.Sprint(wantErr) || len(got) != len(want) {
			t.Errorf("%q: %v with %d objects, want %v with %d", text, err, len(got), wantErr, len(want))
		}
	}
}

func TestJSONOfKnown(t *testing.T) {
	const text = "kind: A\na: {b: [1, 1.5, x<y, null, true]}\n"
	decode := func(ctx context.Context) *unstructured.Unstructured {
		t.Helper()
		objs, err := manifest.DecodeKnown(ctx, "a.yaml", []byte(text), manifest.Limits{})
		if err != nil || len(objs) != 1 {
			t.Fatal(objs, err)
		}
		return objs[0]
	}
	known := manifest.NewKnown(1 << 20)
	for _, ctx := range []context.Context{t.Context(), known.In(t.Context()), known.In(t.Context())} {
		o := decode(ctx)
		want, err := json.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := manifest.JSON(ctx, o); string(got) != string(want) || err != nil {
				t.Errorf("%s, %v, want %s", got, err, want)
			}
		}
	}
	ctx := known.In(t.Context())
	if o := decode(ctx); manifest.KnownJSON(ctx, o) == nil || manifest.KnownJSON(ctx, o.DeepCopy()) != nil || manifest.KnownJSON(t.Context(), o) != nil {
		t.Error("the JSON of an object is not kept with it, or with another")
	}
	bad := &unstructured.Unstructured{Object: map[string]any{"a": math.NaN()}}
	if _, err := manifest.JSON(ctx, bad); err == nil {
		t.Error("no error for what has no JSON")
	}
}

func TestRemember(t *testing.T) {
	calls := 0
	made := func(ctx context.Context, use string, keep bool, texts ...string) string {
		t.Helper()
		var parts [][]byte
		for _, text := range texts {
			parts = append(parts, []byte(text))
		}
		data, err := manifest.Remember(ctx, use, parts, func() ([]byte, bool, error) {
			calls++
			return fmt.Appendf(nil, "%q", texts), keep, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	known := manifest.NewKnown(1 << 20)
	for _, tt := range []struct {
		ctx   context.Context
		use   string
		keep  bool
		texts []string
		calls int
	}{
		{t.Context(), "a", true, []string{"x"}, 1},
		{known.In(t.Context()), "a", false, []string{"x"}, 1},
		{known.In(t.Context()), "a", true, []string{"x"}, 1},
		{known.In(t.Context()), "a", true, []string{"x"}, 0},
		{known.In(t.Context()), "b", true, []string{"x"}, 1},
		{known.In(t.Context()), "a", true, []string{"x", ""}, 1},
		{known.In(t.Context()), "a", true, []string{"", "x"}, 1},
		{known.In(t.Context()), "a", true, []string{"", "x"}, 0},
	} {
		calls = 0
		if got := made(tt.ctx, tt.use, tt.keep, tt.texts...); got != fmt.Sprintf("%q", tt.texts) || calls != tt.calls {
			t.Errorf("%s %q: %s, made %d times", tt.use, tt.texts, got, calls)
		}
	}
	fault := errors.New("fault")
	ctx := known.In(t.Context())
	for range 2 {
		if _, err := manifest.Remember(ctx, "fault", nil, func() ([]byte, bool, error) { return nil, true, fault }); !errors.Is(err, fault) {
			t.Errorf("an error is kept: %v", err)
		}
	}
}
