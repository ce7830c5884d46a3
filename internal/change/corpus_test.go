package change

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

// Every image in every manifest of real environments can be changed, and the
// lines that hold it are the only ones that change.
func TestCorpusManifests(t *testing.T) {
	root := os.Getenv("ASSAY_CORPUS")
	if root == "" {
		t.Skip("ASSAY_CORPUS is not set: no real environments to edit")
	}
	fsys, err := envfs.OpenDir(root, envfs.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer fsys.Close()
	edits := 0
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		data, err := fsys.ReadFile(name)
		if err != nil {
			return err
		}
		objs, err := manifest.Decode(name, data, manifest.Limits{})
		if err != nil {
			return nil // a template, or values
		}
		for _, image := range rendered(objs) {
			edits++
			edit, err := Make(Input{
				FS: fsys, Dir: path.Dir(name), Marker: "candidate.yaml", Layout: spec.Flat, Files: []string{name}, Baseline: objs,
				Change: spec.Change{Images: []types.Image{{Name: image, NewTag: "0.0.0-test"}}},
			})
			if err != nil {
				t.Errorf("%s: %s: %v", name, image, err)
				continue
			}
			compareLines(t, name, string(data), string(edit.Files[name]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if edits < 5 {
		t.Errorf("only %d images were changed", edits)
	}
}

func compareLines(t *testing.T, name, before, after string) {
	t.Helper()
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	if len(was) != len(is) {
		t.Errorf("%s: %d lines became %d", name, len(was), len(is))
		return
	}
	changed := 0
	for i := range was {
		if was[i] == is[i] {
			continue
		}
		changed++
		_, ref, _ := strings.Cut(was[i], "image:")
		ref = strings.Trim(strings.TrimSpace(ref), `"'`)
		n, _, _ := object.SplitImage(ref)
		if want := strings.Replace(was[i], ref, n+":0.0.0-test", 1); is[i] != want {
			t.Errorf("%s:%d: %q, want %q", name, i+1, is[i], want)
		}
	}
	if changed == 0 {
		t.Errorf("%s: nothing changed", name)
	}
}
