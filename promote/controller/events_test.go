package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/test/gitserver"
)

// fileOf is a file to commit.
func fileOf(name, text string) gitserver.File { return gitserver.File{Path: name, Data: text} }

// TestEventsWithoutStorms: 1,000 looks at one hold make one Event and one patch, whatever its
// reason says each time; an outcome that flaps 1,000 times makes no more Events than it has.
func TestEventsWithoutStorms(t *testing.T) {
	w := newWorld(t, push())
	s, a, _ := argoCDWith(t)
	for _, name := range []string{"shop", "flaps"} {
		s.put(applicationsAt+name, applicationObject(name))
	}
	w.tell = a.tell
	w.judge("Suspended")
	w.conclude()
	list, err := w.deploying(t.Context(), w.key())
	if err != nil || len(list) != 1 {
		t.Fatalf("%d sites, %v", len(list), err)
	}
	id := w.render().ID
	for i := range 1000 {
		w.report(t.Context(), list, Outcome{Outcome: decision.Hold, Candidate: "2.0.0", ID: id, Reason: fmt.Sprint("it runs, measurement ", i)})
	}
	if got := s.requests(); !slices.Equal(got, []string{"POST " + strings.TrimSuffix(eventsAt, "/"), "PATCH " + applicationsAt + "shop"}) {
		t.Errorf("one hold takes %d requests: %.300q", len(got), got)
	}
	list[0].app.Name.Name = "flaps"
	for i := range 1000 {
		o := Outcome{Outcome: decision.Hold, Reason: "the same"}
		if i%2 == 1 {
			o = Outcome{Outcome: Failed, Reason: fmt.Sprint("the server is away ", i)}
		}
		w.report(t.Context(), list, o)
	}
	if n := s.count(eventsAt); n != 3 {
		t.Errorf("%d Events, want one of shop and two of the one that flaps", n)
	}
}
