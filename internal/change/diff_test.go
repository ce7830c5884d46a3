package change

import (
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/aymanbagabas/go-udiff"

	"github.com/assaydev/assay/internal/spec"
)

const diffShop = `
-- shop/web.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  # colors
  color: red
  shape: round
-- shop/sub/web.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
-- shop/notes.txt --
one
two
-- shop/assay.yaml --
apiVersion: assay.dev/v1alpha1
kind: Plan
-- shop/candidate.prod.yaml --
apiVersion: assay.dev/v1alpha1
kind: Candidate
-- shop/odd.yaml --
# by its content alone
apiVersion: assay.dev/v1alpha1
kind: Plan
-- shop/b/c.yaml --
a: 1
-- shop/c.yaml --
a: 1
-- shop/shop/notes.txt --
one
two
-- other/web.yaml --
a: 1
b: 2
-- shop/link.yaml -> ../other/web.yaml --
-- shop/template.yaml --
a: {{ .b }}
-- shop/empty.yaml --
`

func diffInput(t testing.TB, diff string) Input {
	in := flatInput(t, "")
	in.FS, in.Change.Diff = repo(diffShop), diff
	return in
}

const webHunk = `@@ -6,3 +6,4 @@ data:
   # colors
-  color: red
+  color: blue
+  size: "1"
   shape: round
`

func TestDiff(t *testing.T) {
	data, err := repo(diffShop).ReadFile("shop/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	blue := replace(string(data), "  color: red\n", "  color: blue\n  size: \"1\"\n")
	for name, diff := range map[string]string{
		"git":                 "diff --git a/web.yaml b/web.yaml\nindex 1234..5678 100644\n--- a/web.yaml\n+++ b/web.yaml\n" + webHunk,
		"plain":               "--- web.yaml\n+++ web.yaml\n" + webHunk,
		"plain with prefixes": "--- a/web.yaml\t2020-01-01 10:00:00.000000000 +0000\n+++ b/web.yaml\t2020-01-02 10:00:00.000000000 +0000\n" + webHunk,
		"from the repository": "diff --git a/shop/web.yaml b/shop/web.yaml\n--- a/shop/web.yaml\n+++ b/shop/web.yaml\n" + webHunk,
		"without prefixes":    "diff --git shop/web.yaml shop/web.yaml\n--- shop/web.yaml\n+++ shop/web.yaml\n" + webHunk,
		"quoted":              "diff --git \"a/web.yaml\" \"b/web.yaml\"\n--- \"a/web.yaml\"\n+++ \"b/web.yaml\"\n" + webHunk,
		"a mail":              "From 123 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] blue\n\n---\n web.yaml | 2 ++\n\ndiff --git a/web.yaml b/web.yaml\n--- a/web.yaml\n+++ b/web.yaml\n" + webHunk + "-- \n2.39\n\n",
		"with CRLF":           strings.ReplaceAll("--- web.yaml\n+++ web.yaml\n"+webHunk, "\n", "\r\n"),
		"no last line break":  strings.TrimSuffix("--- web.yaml\n+++ web.yaml\n"+webHunk, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			wantEdit(t, diffInput(t, diff), map[string]string{"shop/web.yaml": blue})
		})
	}
	t.Run("several", func(t *testing.T) {
		wantEdit(t, diffInput(t, "diff --git a/web.yaml b/web.yaml\n--- a/web.yaml\n+++ b/web.yaml\n"+webHunk+
			"diff --git a/sub/web.yaml b/sub/web.yaml\n--- a/sub/web.yaml\n+++ b/sub/web.yaml\n@@ -4 +4,3 @@\n   name: web\n+spec:\n+  ports: [{port: 80}]\n"),
			map[string]string{"shop/web.yaml": blue, "shop/sub/web.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports: [{port: 80}]\n"})
	})
	t.Run("into an empty file", func(t *testing.T) {
		wantEdit(t, diffInput(t, "--- empty.yaml\n+++ empty.yaml\n@@ -0,0 +1 @@\n+a: 1\n"), map[string]string{"shop/empty.yaml": "a: 1\n"})
	})
	t.Run("with an image", func(t *testing.T) {
		in := flatInput(t, "-- shop/a.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: web\n    image: web:v1\n")
		in.Change.Diff = "--- a.yaml\n+++ a.yaml\n@@ -6,2 +6,3 @@\n   - name: web\n     image: web:v1\n+    args: [x]\n"
		in.Change.Images = append(in.Change.Images, image("web", "v2"))
		edit, err := Make(in)
		if err != nil {
			t.Fatal(err)
		}
		equalText(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: web\n    image: web:v2\n    args: [x]\n", string(edit.Files["shop/a.yaml"]))
	})
}

// Line breaks stay as they are, whichever the diff came with.
func TestDiffLineBreaks(t *testing.T) {
	for name, tt := range map[string]struct{ before, diff, after string }{
		"CRLF file, LF diff":       {"a: 1\r\nb: 2\r\n", "@@ -1,2 +1,3 @@\n a: 1\n-b: 2\n+b: 3\n+c: 4\n", "a: 1\r\nb: 3\r\nc: 4\r\n"},
		"CRLF file, CRLF hunk":     {"a: 1\r\nb: 2\r\n", "@@ -1,2 +1,2 @@\n a: 1\r\n-b: 2\r\n+b: 3\r\n", "a: 1\r\nb: 3\r\n"},
		"CRLF file, all CRLF":      {"a: 1\r\nb: 2\r\n", "@@ -1,2 +1,2 @@\r\n a: 1\r\n-b: 2\r\n+b: 3\r\n", "a: 1\r\nb: 3\r\n"},
		"no last line break":       {"a: 1\nb: 2", "@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n\\ No newline at end of file\n+b: 3\n\\ No newline at end of file\n", "a: 1\nb: 3"},
		"a last line break":        {"a: 1\nb: 2", "@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n\\ No newline at end of file\n+b: 2\n", "a: 1\nb: 2\n"},
		"an empty line of context": {"a: 1\n\nb: 2\n", "@@ -1,3 +1,3 @@\n a: 1\n\n-b: 2\n+b: 3\n", "a: 1\n\nb: 3\n"},
		"mixed":                    {"a: 1\r\nb: 2\n", "@@ -1,2 +1,2 @@\n a: 1\r\n-b: 2\n+b: 3\n", "a: 1\r\nb: 3\n"},
		"no context":               {"a: 1\nb: 2\n", "@@ -2 +2 @@\n-b: 2\n+b: 3\n", "a: 1\nb: 3\n"},
		"text that is a header":    {"a: |\n  x\n-- b\n", "@@ -1,3 +1,3 @@\n a: |\n   x\n--- b\n+++ b\n", "a: |\n  x\n++ b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			in := flatInput(t, "")
			in.FS = in.FS.With(map[string][]byte{"shop/a.txt": []byte(tt.before)})
			head := "--- a/a.txt\n+++ b/a.txt\n"
			if strings.HasPrefix(tt.diff, "@@ -1,2 +1,2 @@\r") {
				head = strings.ReplaceAll(head, "\n", "\r\n")
			}
			in.Change.Diff = head + tt.diff
			wantEdit(t, in, map[string]string{"shop/a.txt": tt.after})
		})
	}
}

func TestDiffErrors(t *testing.T) {
	head := func(name string) string { return "--- a/" + name + "\n+++ b/" + name + "\n" }
	for name, tt := range map[string]struct {
		diff string
		want []string
	}{
		"text":           {"color: blue\n", []string{"spec.diff: is not a unified diff: there is no --- and +++ line"}},
		"no header":      {webHunk, []string{"spec.diff: is not a unified diff: line 1: patch fragment without file header"}},
		"miscounted":     {head("web.yaml") + "@@ -6,3 +6,9 @@\n   # colors\n-  color: red\n+  color: blue\n   shape: round\n", []string{"spec.diff: is not a unified diff: line 4: fragment header miscounts lines"}},
		"too many lines": {head("web.yaml") + webHunk + "+  more: x\n", []string{"spec.diff: line 9 belongs to no hunk"}},
		"lines between":  {head("web.yaml") + webHunk + "+  more: x\n" + head("sub/web.yaml") + "@@ -4 +4 @@\n-  name: web\n+  name: x\n", []string{"spec.diff: line 9 belongs to no hunk"}},
		"stale": {
			head("web.yaml") + strings.Replace(webHunk, "red", "green", 1),
			[]string{"spec.diff: shop/web.yaml: the diff no longer applies: its line 5, in the hunk @@ -6,3 +6,4 @@, is not line 7 of the file"},
		},
		"moved":         {head("web.yaml") + strings.Replace(webHunk, "-6,", "-5,", 1), []string{"shop/web.yaml: the diff no longer applies: its line 4, in the hunk @@ -5,3 +6,4 @@, is not line 5"}},
		"past the end":  {head("web.yaml") + strings.Replace(webHunk, "-6,", "-60,", 1), []string{"shop/web.yaml: the diff no longer applies: the hunk @@ -60,3 +6,4 @@, on line 3 of the diff"}},
		"blanks differ": {head("web.yaml") + strings.Replace(webHunk, "round", "round ", 1), []string{"its line 8, in the hunk"}},
		"new file":      {"--- /dev/null\n+++ b/new.yaml\n@@ -0,0 +1 @@\n+a: 1\n", []string{"spec.diff: line 1: it creates b/new.yaml: a candidate changes files that exist"}},
		"deleted file":  {"--- a/web.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-a: 1\n", []string{"spec.diff: line 1: it deletes a/web.yaml"}},
		"renamed":       {"diff --git a/web.yaml b/web2.yaml\nsimilarity index 100%\nrename from web.yaml\nrename to web2.yaml\n", []string{"spec.diff: line 1: it renames or copies web.yaml"}},
		"mode":          {"diff --git a/web.yaml b/web.yaml\nold mode 100644\nnew mode 100755\n", []string{"spec.diff: line 1: it changes the mode of web.yaml"}},
		"binary":        {"diff --git a/web.yaml b/web.yaml\nindex 123..456 100644\nBinary files a/web.yaml and b/web.yaml differ\n", []string{"spec.diff: line 1: web.yaml is binary"}},
		"no hunk":       {"diff --git a/web.yaml b/web.yaml\nindex 123..456 100644\n", []string{"spec.diff: line 1: there is no hunk for web.yaml"}},
		"no such file":  {head("wep.yaml") + webHunk, []string{"spec.diff: line 1: there is no file b/wep.yaml in shop"}},
		"outside":       {head("../other/web.yaml") + "@@ -1 +1 @@\n-a: 1\n+a: 2\n", []string{"there is no file b/../other/web.yaml in shop"}},
		"outside too":   {head("other/web.yaml") + "@@ -1 +1 @@\n-a: 1\n+a: 2\n", []string{"there is no file b/other/web.yaml in shop"}},
		"link":          {head("link.yaml") + "@@ -1 +1 @@\n-a: 1\n+a: 2\n", []string{"shop/link.yaml: it is, or is a link to, a file outside the environment shop"}},
		"plan":          {head("assay.yaml") + "@@ -2 +2,2 @@\n kind: Plan\n+spec: {}\n", []string{"spec.diff: line 1: shop/assay.yaml is Assay's own"}},
		"marker":        {head("candidate.prod.yaml") + "@@ -2 +2,2 @@\n kind: Candidate\n+spec: {}\n", []string{"shop/candidate.prod.yaml is Assay's own"}},
		"plan by text":  {head("odd.yaml") + "@@ -3 +3,2 @@\n kind: Plan\n+spec: {}\n", []string{"shop/odd.yaml is Assay's own"}},
		"ambiguous":     {head("c.yaml") + "@@ -1 +1 @@\n-a: 1\n+a: 2\n", []string{"spec.diff: line 1: b/c.yaml could be shop/c.yaml or shop/b/c.yaml"}},
		"twice":         {head("web.yaml") + webHunk + head("shop/web.yaml") + webHunk, []string{"spec.diff: line 9: shop/web.yaml is already changed above"}},
		"no context":    {head("web.yaml") + "@@ -6,0 +7 @@\n+  x: y\n", []string{"spec.diff: line 3: the hunk has no line of the file to be held against"}},
		"not the end":   {head("web.yaml") + "@@ -7 +7,2 @@\n   color: red\n+  x: y\n", []string{"the hunk @@ -7,1 +7,2 @@, on line 3 of the diff, is for the end of the file, which goes on"}},
		"breaks YAML":   {head("web.yaml") + "@@ -7,2 +7,3 @@\n   color: red\n+\ttab: 1\n   shape: round\n", []string{"spec.diff: the file no longer parses with it: shop/web.yaml:8: a tab in the indentation"}},
		"repeats a key": {head("web.yaml") + "@@ -7,2 +7,3 @@\n   color: red\n+  color: blue\n   shape: round\n", []string{"no longer parses with it: shop/web.yaml:8: duplicate key \"color\""}},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, diffInput(t, tt.diff), tt.want...) })
	}
	t.Run("done already", func(t *testing.T) {
		in := diffInput(t, head("web.yaml")+webHunk)
		edit, err := Make(in)
		if err != nil {
			t.Fatal(err)
		}
		in.FS = in.FS.With(edit.Files)
		wantError(t, in, "the change changes nothing: shop/web.yaml is as the diff wants it")
	})
}

// A template of a chart is not YAML, before or after; value files are.
func TestDiffHelm(t *testing.T) {
	const archive = "-- shop/templates/a.yaml --\na: {{ .b }}\nb: {{ .c }}\n-- shop/values.yaml --\nb: 1\n"
	in := helmInput(archive, spec.HelmSource{}, spec.Change{Diff: "--- templates/a.yaml\n+++ templates/a.yaml\n@@ -1,2 +1,2 @@\n-a: {{ .b }}\n+a: {{ .c }}\n b: {{ .c }}\n"})
	wantEdit(t, in, map[string]string{"shop/templates/a.yaml": "a: {{ .c }}\nb: {{ .c }}\n"})
	in = helmInput(archive, spec.HelmSource{}, spec.Change{Diff: "--- values.yaml\n+++ values.yaml\n@@ -1 +1 @@\n-b: 1\n+b: {{ .c }}\n"})
	wantError(t, in, "shop/values.yaml:1: templated YAML")
}

// A diff of two random files makes the one of the other, or is refused where it
// would break YAML.
func TestDiffMakesTheOther(t *testing.T) {
	made := 0
	for seed := range int64(300) {
		r := rand.New(rand.NewSource(seed)) //nolint:gosec // a fixed sequence is wanted
		before, after := randomText(r), ""
		for _, line := range strings.SplitAfter(before, "\n") {
			switch r.Intn(8) {
			case 0:
			case 1:
				after += fmt.Sprintf("n%d: %d\n", r.Intn(1000)+1000, r.Intn(9)) + line
			case 2:
				after += fmt.Sprintf("m%d: %d\n", r.Intn(1000)+1000, r.Intn(9))
			default:
				after += line
			}
		}
		if before == after {
			continue
		}
		end := []string{"\n", "\r\n"}[r.Intn(2)]
		in := flatInput(t, "")
		in.FS = in.FS.With(map[string][]byte{"shop/a.txt": []byte(strings.ReplaceAll(before, "\n", end))})
		in.Change.Diff = udiff.Unified("a/a.txt", "b/a.txt", before, after)
		edit, err := Make(in)
		if err != nil {
			t.Errorf("seed %d: %v\n%s", seed, err, in.Change.Diff)
			continue
		}
		made++
		equalText(t, strings.ReplaceAll(after, "\n", end), string(edit.Files["shop/a.txt"]))
	}
	if made < 200 {
		t.Errorf("only %d diffs were made", made)
	}
}

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for i := range 1 + r.Intn(30) {
		fmt.Fprintf(&b, "k%d: %d\n", i, r.Intn(3))
		if r.Intn(5) == 0 {
			b.WriteString("\n")
		}
	}
	return b.String()
}

func FuzzDiff(f *testing.F) {
	f.Add("a: 1\nb: 2\n", "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n+b: 3\n")
	f.Add("a: 1\r\n", "diff --git a/a.yaml b/a.yaml\n--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n")
	f.Add("", "--- a.yaml\n+++ a.yaml\n@@ -0,0 +1 @@\n+a: 1\n")
	f.Add("a: 1", "--- a.yaml\n+++ a.yaml\n@@ -1 +1 @@\n-a: 1\n\\ No newline at end of file\n+a: 2\n")
	f.Add("a: 1\n", "--- a.yaml\n+++ a.yaml\n@@ -9223372036854775807,1 +1 @@\n-a: 1\n+a: 2\n")
	f.Add("a: 1\n", "--- a.yaml\n+++ a.yaml\n@@ --1,1 +1 @@\n-a: 1\n+a: 2\n")
	f.Fuzz(func(t *testing.T, text, diff string) {
		in := flatInput(t, "")
		in.FS = in.FS.With(map[string][]byte{"shop/a.yaml": []byte(text)})
		in.Change.Diff = diff
		edit, err := Make(in)
		if err != nil {
			if len(err.Error()) > 2048 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
			return
		}
		in.FS = in.FS.With(edit.Files)
		if again, err := Make(in); err == nil && string(again.Files["shop/a.yaml"]) == "" {
			t.Errorf("the second time: %q", again.Files)
		} else if err != nil && !errors.Is(err, ErrNothing) && !strings.Contains(err.Error(), "no longer") {
			t.Errorf("the second time: %v", err)
		}
	})
}
