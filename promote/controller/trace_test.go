package controller

import (
	"slices"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/test/envrepo"
)

// TestTrace: each look at a candidate is told with its parts, and the last one since when the
// candidate was there.
func TestTrace(t *testing.T) {
	w := newWorld(t, push())
	var told []Trace
	w.opt.Trace = func(t Trace) { told = append(told, t) }
	w.judge("Suspended")
	digest := w.render().Digest
	w.conclude()
	w.judge("Complete")
	w.conclude()
	w.conclude() // nothing is under test any more
	if len(told) != 2 {
		t.Fatalf("told %d looks", len(told))
	}
	for i, look := range told {
		if look.Digest != digest || look.Dir != "prod" || !slices.Equal(look.Applications, []string{"argocd/shop"}) || look.Branch != "main" || look.Began.After(look.Spans[0].Start) {
			t.Errorf("told %+v", look)
		}
		var names []string
		for _, s := range look.Spans {
			names = append(names, s.Name)
			if s.End.Before(s.Start) || s.Parent >= 0 && s.Start.Before(look.Spans[s.Parent].Start) || s.Err != nil {
				t.Errorf("span %+v", s)
			}
		}
		want := []string{"look", "render", "verdict"}
		if i == 1 {
			want = append(want, "prove", "push")
		}
		for _, name := range want {
			if !slices.Contains(names, name) {
				t.Errorf("look %d has %q, and not %s", i, names, name)
			}
		}
		if fetches := slices.Contains(names, "fetch"); !fetches || names[0] != "look" {
			t.Errorf("look %d has %q", i, names)
		}
	}
	hold, promoted := told[0], told[1]
	if hold.Ended || hold.Outcome != decision.Hold || !promoted.Ended || promoted.Outcome != decision.Promote || promoted.Commit != w.tip() || time.Since(promoted.Began) > time.Hour {
		t.Errorf("told %+v, %+v", hold, promoted)
	}
	told = nil
	w.remove("prod/assay.yaml")
	w.commit("prod/candidate.yaml", envrepo.Skip+envrepo.Marker("3.0.0"))
	w.conclude()
	if len(told) != 1 || told[0].Digest == digest {
		t.Errorf("told %+v", told)
	}
}
