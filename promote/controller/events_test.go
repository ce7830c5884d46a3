package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestFlappingHalfHour: an outcome that goes to and fro for half an hour takes no more requests than it may, and
// the annotation holds the last one in the end.
func TestFlappingHalfHour(t *testing.T) {
	w := newWorld(t, push())
	s, a, _ := argoCDWith(t)
	s.put(applicationsAt+"shop", applicationObject("shop"))
	w.tell = a.tell
	now := time.Now()
	w.told.now = func() time.Time { return now }
	list, err := w.deploying(t.Context(), w.key())
	if err != nil || len(list) != 1 {
		t.Fatalf("%d sites, %v", len(list), err)
	}
	outcome := func(i int) Outcome {
		if i%2 == 1 {
			return Outcome{Outcome: Failed, Reason: "the server is away"}
		}
		return Outcome{Outcome: decision.Hold, Reason: fmt.Sprint("it runs, measurement ", i)}
	}
	for i := range 1811 {
		now = now.Add(time.Second)
		w.report(t.Context(), list, outcome(i))
	}
	const told = tellBurst + int(30*time.Minute/tellEvery) + 1
	if n := len(s.requests()); n > 3*told { // an Event that is there already takes two
		t.Errorf("half an hour took %d requests, and may take %d", n, 3*told)
	}
	if again := w.told.before(0, list); again < tellEvery || again > 2*tellEvery {
		t.Errorf("an annotation that is late is looked at again after %s", again)
	}
	now = now.Add(tellEvery)
	w.report(t.Context(), list, outcome(1810))
	annotations, _ := s.object(applicationsAt + "shop")["metadata"].(map[string]any)["annotations"].(map[string]any)
	if text := fmt.Sprint(annotations[Annotation]); !strings.Contains(text, "measurement 1810") {
		t.Errorf("in the end the annotation is %s", text)
	}
	if again := w.told.before(0, list); again != 0 {
		t.Errorf("what is told is looked at again after %s", again)
	}
}
