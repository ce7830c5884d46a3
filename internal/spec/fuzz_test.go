package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/spec"
)

func seeds(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{
		planHead + "spec: &a\n  x: *a\n", planHead + "spec:\n\tx: 1\n", planHead + "spec: {<<: {a: b}, ? [x] : y}\n", candidateHead + "spec: {diff: x}\n---\n",
		candidateHead + "spec: {values: {a: !!binary x, b: 0x1p, c: .nan, d: 2001-01-01, yes: 1}}\n", "apiVersion: assay.dev/\n", "kind: Plan\n\xff",
	} {
		f.Add([]byte(text))
	}
}

func checkError(t *testing.T, file string, err error) {
	t.Helper()
	text := err.Error()
	if !strings.HasPrefix(text, file) || len(text) > 2000 || !utf8.ValidString(text) {
		t.Errorf("%d bytes: %q", len(text), text)
	}
}

func FuzzDecodePlan(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := spec.DecodePlan("env/assay.yaml", data)
		if err != nil {
			checkError(t, "env/assay.yaml", err)
			return
		}
		if p != nil && (p.Spec.Candidate.Mode == "" || p.Spec.Queue == "" || p.Metadata.Name == "") {
			t.Errorf("no defaults: %+v", p)
		}
	})
}

func FuzzDecodeCandidates(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		candidates, err := spec.DecodeCandidates("env/candidate.yaml", data)
		if err != nil {
			checkError(t, "env/candidate.yaml", err)
			return
		}
		for _, c := range candidates {
			text, err := spec.EncodeCandidate(c)
			if err != nil {
				t.Fatal(err)
			}
			again(t, text)
		}
	})
}

func FuzzEncodeCandidate(f *testing.F) {
	f.Add("v2", "web", "v2", "key", "yes", "--- a\n+++ b\n \n", int64(5), 0.5)
	f.Add("", "a/b", "1.10", "a.b: c", "\t\nx", "", int64(-1), 1e30)
	f.Fuzz(func(t *testing.T, name, image, tag, key, text, diff string, n int64, x float64) {
		data, err := spec.EncodeCandidate(spec.Candidate{
			Metadata: spec.Metadata{Name: name, Annotations: map[string]string{key: text}},
			Spec: spec.CandidateSpec{Change: spec.Change{
				Images: []types.Image{{Name: image, NewTag: tag}},
				Values: map[string]any{key: text, "nested": map[string]any{key: []any{text, n, x, nil, true}}},
				Diff:   diff,
			}},
		})
		if err != nil {
			return // not UTF-8, or no JSON number
		}
		if _, err := spec.DecodeCandidates("candidate.yaml", data); err != nil {
			checkError(t, "candidate.yaml", err)
			return // an image or a name that the rules refuse
		}
		again(t, data)
	})
}
