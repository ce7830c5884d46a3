package render_test

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"testing"
	"testing/fstest"
	"time"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/leftover"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// commit is a tree of Git's.
type commit struct {
	fstest.MapFS
	id string
}

func (c commit) Identity() string { return c.id }

// TestEndlessTemplate: what was given up and goes on is not begun again on the same files.
func TestEndlessTemplate(t *testing.T) {
	keeper := leftover.New(1, func(names []string) { t.Errorf("too much goes on: %q", names) })
	files := fstest.MapFS{
		"web/Chart.yaml":        {Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")},
		"web/templates/cm.yaml": {Data: []byte("{{range $i := 15000000}}{{end}}\n")},
	}
	try := func(id string, files fstest.MapFS, timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(keeper.With(t.Context()), timeout)
		defer cancel()
		_, err := render.Environment(ctx, render.Request{FS: envfs.New(commit{files, id}, envfs.Limits{}), Environment: spec.Environment{Dir: "web"}})
		return err
	}
	// What is given up before its template begins ends at once: how long that takes depends on the machine.
	timeout := 100 * time.Millisecond
	err := try("a", files, timeout)
	if err == nil || errors.Is(err, leftover.ErrGoesOn) {
		t.Fatalf("the first: %v", err)
	}
	for !errors.Is(err, leftover.ErrGoesOn) {
		timeout *= 2
		if err = try("a", files, timeout); err == nil {
			t.Fatal("what was given up is begun again")
		}
	}
	mended := maps.Clone(files)
	mended["web/templates/cm.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n")}
	if err := try("b", mended, time.Minute); err != nil {
		t.Errorf("mended: %v", err)
	}
	for errors.Is(try("a", files, timeout), leftover.ErrGoesOn) { // it ends some time
		runtime.Gosched()
	}
}
