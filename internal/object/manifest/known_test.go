package manifest_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
	one[0] = nil
	if three, _ := manifest.DecodeKnown(ctx, "c.yaml", []byte(texts[0]), manifest.Limits{}); three[0] == nil {
		t.Error("who changes the list changes what is kept")
	}
}
