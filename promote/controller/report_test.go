package controller

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/test/gitserver"
)

func keyOf(dir string) Key { return Key{"git.example.com/r", "", spec.Environment{Dir: dir}} }

func outcomeIn(dir string, outcome decision.Outcome, id string) Outcome {
	return Outcome{Environment: spec.Environment{Dir: dir}, Outcome: outcome, ID: id, Reason: "one"}
}

var shop = application.Deployed{Name: application.Name{Namespace: "argocd", Name: "shop"}, UID: "u1"}

// TestToldOnce: the same outcome is told once, whatever its reason.
func TestToldOnce(t *testing.T) {
	var told told
	all := []Key{keyOf("a")}
	if n := told.add(shop, keyOf("a"), outcomeIn("a", decision.None, ""), all); n.event || !n.write || len(n.all) > 0 {
		t.Errorf("of nothing it tells %+v", n)
	}
	hold := outcomeIn("a", decision.Hold, "e1")
	if n := told.add(shop, keyOf("a"), hold, all); !n.event || !n.write || len(n.all) != 1 {
		t.Errorf("of a hold it tells %+v", n)
	}
	hold.Reason, hold.at = "two", time.Now()
	if n := told.add(shop, keyOf("a"), hold, all); n.event || n.write {
		t.Errorf("of another reason it tells %+v", n)
	}
	told.forget(shop.Name)
	if n := told.add(shop, keyOf("a"), hold, all); !n.event || !n.write {
		t.Errorf("of an Application that came back it tells %+v", n)
	}
}

// TestAnnotationIsWhole: it is written once every environment has been looked at, holds all of
// them, and loses one that the Application does not deploy any more.
func TestAnnotationIsWhole(t *testing.T) {
	var told told
	both := []Key{keyOf("a"), keyOf("b")}
	if n := told.add(shop, keyOf("b"), outcomeIn("b", decision.Hold, "e2"), both); n.write {
		t.Errorf("before a was looked at it writes %+v", n.all)
	}
	n := told.add(shop, keyOf("a"), outcomeIn("a", decision.Promote, "e1"), both)
	want := `[{"directory":"a","outcome":"promote","id":"e1","reason":"one"},{"directory":"b","outcome":"hold","id":"e2","reason":"one"}]`
	if !n.write || annotation(n.all) != want {
		t.Errorf("annotation\n%s, want\n%s", annotation(n.all), want)
	}
	n = told.add(shop, keyOf("b"), outcomeIn("b", decision.Hold, "e2"), both[1:])
	want = `[{"directory":"b","outcome":"hold","id":"e2","reason":"one"}]`
	if n.event || !n.write || annotation(n.all) != want {
		t.Errorf("without a: %+v\n%s, want\n%s", n, annotation(n.all), want)
	}
	if annotation(nil) != nil {
		t.Error("without outcomes it is taken away")
	}
}

// TestFirstLook: which outcomes get an Event at the first look since the start.
func TestFirstLook(t *testing.T) {
	old := time.Now().Add(-2 * recent)
	for name, test := range map[string]struct {
		o       Outcome
		created time.Time
		event   bool
	}{
		"a hold that stands":         {Outcome{Outcome: decision.Hold, ID: "e1", at: old}, old, false},
		"a hold since nobody knows":  {Outcome{Outcome: decision.Hold, ID: "e1"}, old, false},
		"a new experiment":           {Outcome{Outcome: decision.Hold, ID: "e1", at: time.Now()}, old, true},
		"a new Application":          {Outcome{Outcome: decision.Hold, ID: "e1"}, time.Now(), true},
		"nothing, anew":              {Outcome{Outcome: decision.None}, time.Now(), false},
		"a failure":                  {Outcome{Outcome: Failed}, old, true},
		"a commit before the kill":   {Outcome{Outcome: decision.Promote, ID: "e1", Commit: "c", at: time.Now(), earlier: true}, old, true},
		"a commit of long ago":       {Outcome{Outcome: decision.Promote, ID: "e1", Commit: "c", at: old, earlier: true}, old, false},
		"a pull request of long ago": {Outcome{Outcome: decision.Promote, ID: "e1", Pull: "p", State: "open", at: old}, old, false},
	} {
		var told told
		app := shop
		app.Created = test.created
		if n := told.add(app, keyOf("a"), test.o, []Key{keyOf("a")}); n.event != test.event || !n.write {
			t.Errorf("%s: %+v", name, n)
		}
	}
}

// TestEventNames: one outcome has one name, whoever found it.
func TestEventNames(t *testing.T) {
	name := func(app application.Deployed, o Outcome) string {
		return news{key: keyOf("a"), outcome: o}.eventName(app)
	}
	merged := Outcome{Outcome: decision.Promote, ID: "e1", Commit: "c", Pull: "https://git.example.com/pulls/1", State: "merged", Reason: "good", at: time.Now()}
	found := Outcome{Outcome: decision.Promote, ID: "e1", Commit: "c", earlier: true}
	if name(shop, merged) != name(shop, found) {
		t.Error("a merge, and the same found in history, have two names")
	}
	again := shop
	again.UID = "u2"
	open := Outcome{Outcome: decision.Promote, ID: "e1", Pull: merged.Pull, State: "open"}
	closed := open
	closed.State = "closed"
	names := map[string]bool{name(shop, merged): true, name(again, merged): true, name(shop, open): true, name(shop, closed): true}
	if len(names) != 4 {
		t.Errorf("four outcomes have the names %v", slices.Collect(maps.Keys(names)))
	}
	long := shop
	long.Name.Name = strings.Repeat("a", 199) + "-" + strings.Repeat("b", 50)
	if n := name(long, open); len(n) > 253 || strings.Contains(n, "-.") {
		t.Errorf("the name %s", n)
	}
}

// restart is the promoter after a kill: what it told is not known any more.
func (w *world) restart() {
	w.told = &told{}
}

// TestKilledAfterItWrote: a commit that was made just before a kill is told after it, once.
func TestKilledAfterItWrote(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Complete")
	tell := w.tell
	w.tell = func(context.Context, application.Deployed, news) {}
	w.conclude()
	w.tell = tell
	if len(w.events) > 0 || w.annotation != nil {
		t.Fatalf("the kill came after %v", w.events)
	}
	for range 3 {
		w.restart()
		w.conclude()
		if len(w.events) != 1 || !slices.Contains(slices.Collect(maps.Values(w.events)), "Promoted") {
			t.Errorf("Events %v", w.events)
		}
		if text, _ := w.annotation.(string); !strings.Contains(text, `"commit":"`+w.tip()) {
			t.Errorf("annotation %v", w.annotation)
		}
	}
}

// TestRestartKeepsTheAnnotation: of an Application with two environments, the first look after a
// restart does not replace what was told of both.
func TestRestartKeepsTheAnnotation(t *testing.T) {
	tree := push()
	for name, text := range push() {
		if rest, found := strings.CutPrefix(name, "prod/"); found {
			tree["staging/"+rest] = text
		}
	}
	w := newWorld(t, tree)
	second := w.applications[0].Places[0]
	second.Path, second.Source = "staging", 1
	w.applications[0].Places = append(w.applications[0].Places, second)
	sites, _ := w.sites(w.applications[0])
	look := func(i int) {
		t.Helper()
		if _, err := w.promoter.conclude(t.Context(), sites[i].key); err != nil {
			t.Fatal(err)
		}
	}
	look(0)
	look(1)
	before, _ := w.annotation.(string)
	if strings.Count(before, `"outcome":"hold"`) != 2 {
		t.Fatalf("annotation %s", before)
	}
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		w.restart()
		w.events, w.annotation = map[string]string{}, "unchanged"
		look(order[0])
		if w.annotation != "unchanged" {
			t.Errorf("after the first look it is %v", w.annotation)
		}
		look(order[1])
		if w.annotation != before || len(w.events) > 0 {
			t.Errorf("after both it is %v, and there are Events %v", w.annotation, w.events)
		}
	}
}

// TestWithdrawnWhileAway: what was told before a kill does not stay where nothing is under test.
func TestWithdrawnWhileAway(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Suspended")
	w.conclude()
	if w.annotation == nil {
		t.Fatal("a hold is not told")
	}
	w.restart()
	if _, err := w.repo.Commit("main", "Withdraw", gitserver.File{Path: "prod/candidate.yaml", Delete: true}); err != nil {
		t.Fatal(err)
	}
	w.conclude()
	if w.annotation != nil {
		t.Errorf("annotation %v", w.annotation)
	}
}
