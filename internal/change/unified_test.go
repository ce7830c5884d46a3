package change

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

func TestUnified(t *testing.T) {
	for name, test := range map[string]struct{ file, before, after string }{
		"a line":                {"shop/web.yaml", "a: 1\nb: 2\n", "a: 1\nb: 3\n"},
		"no last newline":       {"shop/web.yaml", "a: 1\nb: 2", "a: 1\nb: 3"},
		"a last newline more":   {"shop/web.yaml", "a: 1\nb: 2", "a: 1\nb: 2\n"},
		"a last newline less":   {"shop/web.yaml", "a: 1\nb: 2\n", "a: 1\nb: 2"},
		"CRLF":                  {"shop/web.yaml", "a: 1\r\nb: 2\r\n", "a: 1\r\nb: 3\r\n"},
		"CRLF goes":             {"shop/web.yaml", "a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"},
		"CRLF comes":            {"shop/web.yaml", "a: 1\nb: 2\n", "a: 1\r\nb: 2\r\n"},
		"CRLF in one line":      {"shop/web.yaml", "a: 1\r\nb: 2\n", "a: 2\nb: 2\n"},
		"a byte order mark":     {"shop/web.yaml", "\uFEFFa: 1\n", "\uFEFFa: 2\n"},
		"an empty file":         {"shop/values.yaml", "", "a: 1\n"},
		"a file of its root":    {"shop/shop/web.yaml", "a: 1\n", "a: 2\n"},
		"a directory b":         {"shop/b/web.yaml", "a: 1\n", "a: 2\n"},
		"a name with spaces":    {"shop/the web.yaml", "a: 1\n", "a: 2\n"},
		"a name with a quote":   {`shop/the"web.yaml`, "a: 1\n", "a: 2\n"},
		"lines like a header":   {"shop/web.txt", "-- a\n++ b\nc\n", "-- b\n++ b\nc\n"},
		"a template of a chart": {"shop/templates/web.yaml", "a: {{ .Values.a }}\n", "a: {{ .Values.b }}\n"},
		"trailing spaces":       {"shop/web.yaml", "a: 1  \nb: 2\t\n", "a: 2  \nb: 2\t\n"},
		"everything else":       {"shop/web.yaml", "a: 1\n", "b: 1\nc: 2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{
				"shop/web.yaml": {Data: []byte("z: 0\n")}, "web.yaml": {Data: []byte("z: 0\n")},
				test.file: {Data: []byte(test.before)},
			}
			unifiedGives(t, tree, test.file, test.after)
		})
	}
}

// unifiedGives holds that the diff, once it has been a marker's, makes the edit.
func unifiedGives(t *testing.T, tree fstest.MapFS, file, after string) {
	t.Helper()
	fsys := envfs.New(tree, envfs.Limits{})
	text, err := Unified(fsys, "shop", spec.Flat, map[string][]byte{file: []byte(after)})
	if err != nil {
		t.Fatal(err)
	}
	data, err := spec.EncodeCandidate(spec.Candidate{Spec: spec.CandidateSpec{Change: spec.Change{Diff: text}}})
	if err != nil {
		t.Fatal(err)
	}
	read, err := spec.DecodeCandidates("candidate.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	edit, err := Make(Input{FS: fsys, Dir: "shop", Layout: spec.Flat, Change: read[0].Spec.Change})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := string(edit.Files[file]); len(edit.Files) != 1 || got != after {
		t.Errorf("%q is edited to %q, want %q\n%s", file, got, after, text)
	}
}

func TestUnifiedOfAnyText(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a fixed sequence is wanted
	lines := []string{"a", "b", "", " ", "- x", "+ y", "@@ -1 +1 @@", "--- a/x", "+++ b/x", `\ No newline at end of file`, "-- ", "x\r", "é", "diff --git a b"}
	text := func() string {
		var out []string
		for range random.IntN(12) {
			out = append(out, lines[random.IntN(len(lines))])
		}
		end := []string{"", "\n", "\r\n"}[random.IntN(3)]
		return strings.Join(out, "\n") + end
	}
	for range 2000 {
		before, after := text(), text()
		if before == after || after == "" {
			continue
		}
		unifiedGives(t, fstest.MapFS{"shop/a.txt": {Data: []byte(before)}}, "shop/a.txt", after)
	}
}
