package marker

import (
	"fmt"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/yamledit"
)

// SetWaiting returns the marker with its first candidate waiting, or not waiting any more
// (spec.waiting). Every other byte stays as it is.
func SetWaiting(f File, waits bool) ([]byte, error) {
	if len(f.Candidates) == 0 {
		return nil, fmt.Errorf("%s has no candidate to let wait", f.Path)
	}
	if f.Candidates[0].Spec.Waiting == waits {
		return f.Data, nil
	}
	parsed, err := yamledit.Parse(f.Path, f.Data)
	if err != nil {
		return nil, err
	}
	out, err := parsed.Apply(waitingEdit(parsed, waits))
	if err != nil {
		return nil, err
	}
	want := append([]spec.Candidate{}, f.Candidates...)
	want[0].Spec.Waiting = waits
	if now, err := spec.DecodeCandidates(f.Path, out); err != nil || !sameAll(now, want) {
		return nil, fmt.Errorf("%s: spec.waiting cannot be edited in place: write the marker anew with assay candidate set", f.Path)
	}
	return out, nil
}

// waitingEdit is of the first document that holds something.
func waitingEdit(f *yamledit.File, waits bool) yamledit.Edit {
	e := yamledit.Edit{Op: yamledit.Insert, Path: yamledit.Path{yamledit.Key("spec"), yamledit.Key("waiting")}, Value: true}
	root, isMap := f.Value(0).(map[string]any)
	for !isMap && e.Document+1 < f.Documents() {
		e.Document++
		root, isMap = f.Value(e.Document).(map[string]any)
	}
	if under, _ := root["spec"].(map[string]any); under != nil {
		if _, there := under["waiting"]; there {
			e.Op = yamledit.Set
		}
	}
	if !waits {
		e.Op, e.Value = yamledit.Delete, nil
	}
	return e
}
