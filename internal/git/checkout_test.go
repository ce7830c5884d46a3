package git

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestLinesEndAsInACheckout compares with what git itself checks out, and adds again.
func TestLinesEndAsInACheckout(t *testing.T) {
	texts := map[string]string{
		"lf": "a\nb\n", "crlf": "a\r\nb\r\n", "mixed": "a\r\nb\n", "lone": "a\rb\n", "none": "a", "empty": "", "ends": "a\n\x1a",
		"binary": "a\n\x00b\n", "odd": "a\n\x01\x02\x03\n", "long": strings.Repeat("word \n", 60) + "\x01", "wide": "ü\n漢\n", "dos": "a\r\nb\n\x1a",
	}
	attributes := []string{
		"* text eol=crlf", "* text=auto eol=crlf", "* eol=crlf", "* text", "* text=auto", "*.bin binary\n* eol=crlf", "* eol=crlf\n*.bin binary",
		"* -text eol=crlf", "* crlf eol=crlf", "* -crlf eol=crlf", "* crlf=input", "[attr]dos text eol=crlf\n*.txt dos", "* eol=lf",
		"*.txt text eol=crlf\nlf.txt !eol", "sub/** eol=crlf", "/lf.txt eol=crlf", "lf.* text=input eol=crlf", "# eol=crlf", "\"l\\x66.txt\" eol=crlf",
		"*.txt eol=crlf\n*.txt !text", "* text eol=CRLF", "* eol", "sub eol=crlf", "*.txt text=auto eol=crlf linguist-generated",
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	for range 40 {
		files := map[string]string{}
		for _, dir := range []string{"", "sub", "sub/deep"} {
			if dir == "" || random.IntN(2) == 0 {
				files[path.Join(dir, ".gitattributes")] = attributes[random.IntN(len(attributes))] + "\n"
			}
			for name, text := range texts {
				files[path.Join(dir, name+".txt")] = text
				files[path.Join(dir, name+".bin")] = text
			}
		}
		compareCheckout(t, files)
	}
}

func compareCheckout(t *testing.T, files map[string]string) {
	t.Helper()
	f := newFar(t, files)
	tree := f.open(t)
	at := t.TempDir()
	work := f.server.With("GIT_WORK_TREE="+at, "GIT_INDEX_FILE="+filepath.Join(t.TempDir(), "index"))
	for _, args := range [][]string{{"read-tree", f.tree}, {"checkout-index", "-a", "-q"}} {
		if _, err := work.Run(t.Context(), nil, args...); err != nil {
			t.Fatal(err)
		}
	}
	for name := range files {
		want, err := os.ReadFile(filepath.Join(at, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := fs.ReadFile(tree, name)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is %q, and %q in a checkout (%v; %v)", name, got, want, err, attributesOf(files))
		}
		edited := append([]byte("new\r\n"), want...)
		if name == "sub/.gitattributes" || string(want) == files[name] {
			continue // Git keeps it
		}
		if err := os.WriteFile(filepath.Join(at, name), edited, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := work.Run(t.Context(), nil, "add", "--", name); err != nil {
			t.Fatal(err)
		}
		added, err := work.Run(t.Context(), nil, "cat-file", "blob", ":"+name)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := tree.Stored(name, edited)
		if err != nil || string(stored) != string(added) {
			t.Errorf("%s is stored as %q, and git add stores %q (%v; %v)", name, stored, added, err, attributesOf(files))
		}
	}
}

func attributesOf(files map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		if path.Base(name) == ".gitattributes" {
			out[name] = text
		}
	}
	return out
}

// TestOtherAttributesCostNothing counts the fetches of a file below attributes.
func TestOtherAttributesCostNothing(t *testing.T) {
	f := newFar(t, map[string]string{".gitattributes": "*.yaml linguist-language=YAML\n", "LICENSE": "x", "env/web.yaml": "1\n", "env/db.yaml": "2\n"})
	tree := f.open(t)
	for _, name := range []string{"env/web.yaml", "env/db.yaml"} {
		if _, err := fs.ReadFile(tree, name); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(f.fetches); n != 4 { // two directories, the files of one, the attributes
		t.Errorf("%d fetches: %v", n, f.fetches)
	}
	if len(f.fetches[len(f.fetches)-1]) != 1 {
		t.Errorf("what lies beside the attributes is fetched too: %v", f.fetches)
	}
}
