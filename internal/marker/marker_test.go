package marker

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

func candidate(tag string) spec.Candidate {
	c := spec.Candidate{APIVersion: spec.APIVersion, Kind: spec.KindCandidate, Metadata: spec.Metadata{Name: tag}}
	c.Spec.Images = []types.Image{{Name: "web", NewTag: tag}}
	return c
}

func document(tag string) string {
	return "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata:\n  name: " + tag + "\nspec:\n  images:\n  - name: web\n    newTag: " + tag + "\n"
}

func file(t *testing.T, text string) File {
	t.Helper()
	fsys := fstest.MapFS{"shop/candidate.yaml": {Data: []byte(text)}}
	f, err := Read(envfs.New(fsys, envfs.Limits{}), "shop", "")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPut(t *testing.T) {
	a, b, c := candidate("a"), candidate("b"), candidate("c")
	retried := candidate("a")
	retried.Spec.Attempt = 1
	list := func(cs ...spec.Candidate) []spec.Candidate { return cs }
	for _, test := range []struct {
		name, queue string
		now         []spec.Candidate
		put         spec.Candidate
		want        []spec.Candidate
	}{
		{"the first", "preempt", nil, a, list(a)},
		{"preempt", "preempt", list(a), b, list(b)},
		{"preempt, and others wait", "preempt", list(a, b), c, list(c, b)},
		{"preempt, one that waits", "preempt", list(a, b), b, list(b)},
		{"latest", "latest", list(a, b), c, list(a, c)},
		{"latest, the same again", "latest", list(a, b), a, list(a, b)},
		{"every", "every", list(a, b), c, list(a, b, c)},
		{"every, one that waits", "every", list(a, b), b, list(a, b)},
		{"every, another attempt", "every", list(a, b), retried, list(retried, b)},
	} {
		if diff := cmp.Diff(test.want, Put(test.now, test.put, test.queue)); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
	}
}

func TestShiftKeepsTheOtherBytes(t *testing.T) {
	const skip = spec.SkipLine + "\n"
	for _, test := range []struct{ name, text, want string }{
		{"one document", skip + document("a"), ""},
		{"canonical", skip + document("a") + "---\n" + document("b"), skip + document("b")},
		{"three", skip + document("a") + "---\n" + document("b") + "---\n" + document("c"), skip + document("b") + "---\n" + document("c")},
		{"no skip line", document("a") + "---\n" + document("b"), document("b")},
		{"a leading separator", "---\n" + document("a") + "---\n" + document("b"), document("b")},
		{"comments and blank lines", skip + "# why a\n" + document("a") + "--- \n# why b\n\n" + document("b"), skip + "# why b\n\n" + document("b")},
		{"a comment at the separator", document("a") + "--- # b\n" + document("b"), "--- # b\n" + document("b")},
		{"empty documents", "---\n---\n" + document("a") + "---\n---\n" + document("b"), "---\n" + document("b")},
		{"a document on the separator's line", "--- {apiVersion: assay.dev/v1alpha1, kind: Candidate, spec: {images: [{name: web, newTag: a}]}}\n---\n" + document("b"), document("b")},
		{
			"a diff, whose lines look like separators", document("a") + "  diff: |\n    --- a/web.yaml\n    +++ b/web.yaml\n    ---\n" + "---\n" + document("b"),
			document("b"),
		},
		{"CRLF and BOM", "\xef\xbb\xbf" + strings.ReplaceAll(skip+document("a")+"---\n"+document("b"), "\n", "\r\n"), "\xef\xbb\xbf" + strings.ReplaceAll(skip+document("b"), "\n", "\r\n")},
		{"no newline at the end", document("a") + "---\n" + strings.TrimSuffix(document("b"), "\n"), strings.TrimSuffix(document("b"), "\n")},
	} {
		got, err := Shift(file(t, test.text))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
	}
}

func TestRemoveKeepsTheOtherBytes(t *testing.T) {
	const skip = spec.SkipLine + "\n"
	three := skip + "# why a\n" + document("a") + "--- # b\n# why b\n" + document("b") + "---\n---\n# why c\n" + document("c") + "---\n# the end\n"
	for i, want := range []string{
		skip + "--- # b\n# why b\n" + document("b") + "---\n---\n# why c\n" + document("c") + "---\n# the end\n",
		skip + "# why a\n" + document("a") + "---\n---\n# why c\n" + document("c") + "---\n# the end\n",
		skip + "# why a\n" + document("a") + "--- # b\n# why b\n" + document("b"),
	} {
		got, err := Remove(file(t, three), i)
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%d:\n%s", i, diff)
		}
	}
	for _, i := range []int{-1, 3} {
		if got, err := Remove(file(t, three), i); err == nil {
			t.Errorf("%d: %q", i, got)
		}
	}
	// What stands before the separator would be left over.
	if got, err := Remove(file(t, document("a")+"...\n%YAML 1.1\n---\n"+document("b")), 1); err == nil || !strings.Contains(err.Error(), "document 2 cannot be taken out in place") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestReadRefusesOrdinaryManifests(t *testing.T) {
	fsys := envfs.New(fstest.MapFS{"candidate.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\n")}}, envfs.Limits{})
	if _, err := Read(fsys, ".", ""); err == nil || !strings.Contains(err.Error(), "candidate.yaml is an ordinary manifest") {
		t.Errorf("error %v", err)
	}
	if f, err := Read(fsys, ".", "prod"); err != nil || f.Data != nil || f.Path != "candidate.prod.yaml" {
		t.Errorf("a missing marker: %+v, %v", f, err)
	}
}

func FuzzRemove(f *testing.F) {
	for _, text := range []string{
		document("a") + "---\n" + document("b"),
		spec.SkipLine + "\n---\n" + document("a") + "...\n---\n" + document("b"),
		document("a") + "--- {apiVersion: assay.dev/v1alpha1, kind: Candidate, spec: {diff: x}}\n---",
		"%YAML 1.1\n---\n" + document("a") + "---\n" + document("b"),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		candidates, err := spec.DecodeCandidates("candidate.yaml", data)
		if err != nil || len(candidates) == 0 {
			return
		}
		for i := range candidates {
			out, err := Remove(File{"candidate.yaml", data, candidates}, i)
			if err != nil {
				continue
			}
			if out == nil != (len(candidates) == 1) {
				t.Fatalf("%d documents became %q", len(candidates), out)
			}
			if rest, err := spec.DecodeCandidates("candidate.yaml", out); out != nil && (err != nil || len(rest) != len(candidates)-1) {
				t.Fatalf("%d documents became %q: %v", len(candidates), out, err)
			}
			if out != nil && !oneSpanLess(data, out) {
				t.Errorf("bytes of other documents changed: %q", out)
			}
		}
	})
}

// oneSpanLess reports whether out is data with one stretch of bytes taken out.
func oneSpanLess(data, out []byte) bool {
	start := 0
	for start < len(out) && start < len(data) && data[start] == out[start] {
		start++
	}
	for ; start >= 0; start-- {
		if bytes.HasSuffix(data, out[start:]) && start+len(out[start:]) < len(data) {
			return true
		}
	}
	return false
}
