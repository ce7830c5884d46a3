package marker

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/spec"
)

// TestSetWaiting: one line comes and goes, in the first document, and every other byte stays.
func TestSetWaiting(t *testing.T) {
	const skip = spec.SkipLine + "\n"
	for name, text := range map[string]string{
		"canonical":         skip + document("a"),
		"another waits":     skip + document("a") + "---\n" + document("b"),
		"comments":          skip + "# why\n" + document("a") + "# the end\n",
		"empty documents":   "---\n---\n" + document("a"),
		"CRLF and BOM":      "\xef\xbb\xbf" + strings.ReplaceAll(skip+document("a"), "\n", "\r\n"),
		"flow style":        skip + "{apiVersion: assay.dev/v1alpha1, kind: Candidate, spec: {images: [{name: web, newTag: a}]}}\n",
		"no newline at end": strings.TrimSuffix(document("a"), "\n"),
	} {
		f := file(t, text)
		waits, err := SetWaiting(f, true)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, err := SetWaiting(file(t, string(waits)), true); err != nil || string(again) != string(waits) {
			t.Errorf("%s: set twice it is %q, %v", name, again, err)
		}
		now := file(t, string(waits)).Candidates
		if len(now) != len(f.Candidates) || !now[0].Spec.Waiting || len(now) > 1 && now[1].Spec.Waiting || !Same(now[0].Spec.Change, f.Candidates[0].Spec.Change) {
			t.Errorf("%s: it is %q", name, waits)
		}
		back, err := SetWaiting(file(t, string(waits)), false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(strings.TrimSuffix(text, "\n"), strings.TrimSuffix(string(back), "\n")); diff != "" {
			t.Errorf("%s: there and back:\n%s", name, diff)
		}
	}
	said := strings.Replace(document("a"), "spec:\n", "spec:\n  waiting: false # not yet\n", 1)
	if got, err := SetWaiting(file(t, said), true); err != nil || string(got) != strings.Replace(said, "false", "true", 1) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := SetWaiting(File{Path: "candidate.yaml"}, true); err == nil {
		t.Errorf("without a candidate it is %q", got)
	}
}

// TestPutInThePlaceOfOneThatWaits: a candidate that preempts one that waits for room waits, too.
func TestPutInThePlaceOfOneThatWaits(t *testing.T) {
	first := candidate("a")
	first.Spec.Waiting = true
	want := candidate("b")
	want.Spec.Waiting = true
	if diff := cmp.Diff([]spec.Candidate{want}, Put([]spec.Candidate{first}, candidate("b"), "preempt")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]spec.Candidate{candidate("b")}, Put([]spec.Candidate{candidate("a")}, candidate("b"), "preempt")); diff != "" {
		t.Error(diff)
	}
}
