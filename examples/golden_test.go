package examples_test

import (
	"context"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assaydev/assay/internal/spec"

	"github.com/aymanbagabas/go-udiff"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/render"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden renders each example without and with its candidate.
func TestGolden(t *testing.T) {
	for _, e := range examples.All() {
		t.Run(string(e.Layout), func(t *testing.T) {
			golden(t, string(e.Layout)+".baseline.yaml", output(t, e.Dir, nil))
			candidate, err := fs.ReadFile(examples.FS(), e.Candidate)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, string(e.Layout)+".output.yaml", output(t, e.Dir, candidate))
		})
	}
}

func output(t *testing.T, dir string, candidate []byte) string {
	t.Helper()
	fsys := fstest.MapFS{}
	err := fs.WalkDir(examples.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(examples.FS(), name)
		fsys[name] = &fstest.MapFile{Data: data, Mode: 0o644}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if candidate != nil {
		fsys[dir+"/candidate.yaml"] = &fstest.MapFile{Data: candidate, Mode: 0o644}
	}
	res, err := render.Environment(context.Background(), render.Request{FS: envfs.New(fsys, envfs.Limits{}), Environment: spec.Environment{Dir: dir}})
	if err != nil {
		t.Fatal(err)
	}
	data, err := object.MarshalYAML(res.Output())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if !strings.Contains(got, "kind: Deployment") {
		t.Fatalf("%s: no Deployment in the output", name)
	}
	file := filepath.Join("golden", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; if that is meant, run go test ./examples -update\n%s", name, udiff.Unified(name, "rendered", string(want), got))
	}
}
