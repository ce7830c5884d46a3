package promote

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/test/envrepo"
)

// TestLaws promotes and rejects for real, and checks the laws from the outside.
func TestLaws(t *testing.T) {
	for _, r := range repos(t) {
		t.Run(r.name, func(t *testing.T) {
			dir := r.files.On(t)
			before := mustRender(t, dir, r.env)
			e := decided(t, dir, r.env, decision.Promote)
			after := mustRender(t, dir, r.env)
			envrepo.SameObjects(t, "law 2", before.Candidate, after.Baseline)
			envrepo.SameObjects(t, "law 1 after a promotion", after.Baseline, after.Output())
			if len(object.Diff(object.Applied(before.Baseline), object.Applied(after.Baseline))) == 0 {
				t.Error("the promotion changed nothing")
			}
			checkLaw4(t, r, e, envrepo.Read(t, os.DirFS(dir)))
			promoted := envrepo.Read(t, os.DirFS(dir))
			if _, err := prepare(t, dir, r.env, decision.Promote); !errors.Is(err, ErrNoCandidate) {
				t.Errorf("law 7, once more: %v", err)
			}
			envrepo.Same(t, "law 7", promoted, envrepo.Read(t, os.DirFS(dir)))

			dir = r.files.On(t)
			decided(t, dir, r.env, decision.Reject)
			envrepo.SameObjects(t, "law 3", before.Baseline, mustRender(t, dir, r.env).Output())
			want := maps.Clone(r.files)
			delete(want, e.Marker)
			envrepo.Same(t, "law 3, the files", want, envrepo.Read(t, os.DirFS(dir)))
		})
	}
}

// checkLaw4 counts the lines that an edit changes: these changes need one line
// for each image.
func checkLaw4(t *testing.T, r repo, e *Edit, after envrepo.Files) {
	t.Helper()
	want := maps.Clone(r.files)
	delete(want, r.env+"/candidate.yaml")
	if !slices.Equal(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(after))) {
		t.Error("law 4: there are other files than before")
	}
	changed := 0
	for name, text := range after {
		if text == want[name] {
			continue
		}
		if !strings.HasPrefix(name, r.env+"/") {
			t.Errorf("law 4: %s lies outside the environment", name)
		}
		was, is := strings.Split(want[name], "\n"), strings.Split(text, "\n")
		for _, line := range is {
			if i := slices.Index(was, line); i >= 0 {
				was = slices.Delete(was, i, i+1)
			} else {
				changed++
			}
		}
	}
	if changed == 0 || changed > 3 {
		t.Errorf("law 4: %d lines are new", changed)
	}
	if len(e.Files) < 2 || e.Marker != r.env+"/candidate.yaml" {
		t.Errorf("the marker is not the last of %d files", len(e.Files))
	}
}
