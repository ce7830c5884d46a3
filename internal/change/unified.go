package change

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// Unified is the spec.diff that gives files of an environment other contents. It
// is applied to prove that it gives exactly those; a file for which no diff does
// is an error.
func Unified(fsys *envfs.FS, dir string, layout spec.Layout, contents map[string][]byte) (string, error) {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		before, err := fsys.ReadFile(name)
		if err != nil {
			return "", err
		}
		in := Input{FS: fsys, Dir: dir, Layout: layout}
		text, ok := in.unified(name, string(before), contents[name])
		if !ok {
			return "", fmt.Errorf("%s: a diff cannot hold this edit exactly: make it on both sides by an ordinary commit first", name)
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// unified is the section for one file. Its path is written so that it names no
// other file as well.
func (in Input) unified(name, before string, after []byte) (string, bool) {
	rel := name
	if in.Dir != "." {
		rel = strings.TrimPrefix(name, in.Dir+"/")
	}
	for _, header := range [][2]string{{"a/" + rel, "b/" + rel}, {rel, rel}, {name, name}} {
		in.Change.Diff = udiff.Unified(header[0], header[1], before, string(after))
		edit, err := Make(in)
		if err == nil && len(edit.Files) == 1 && bytes.Equal(edit.Files[name], after) {
			return in.Change.Diff, true
		}
	}
	return "", false
}
