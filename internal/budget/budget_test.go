package budget

import (
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"testing"
	"time"
)

func at(n int) time.Time { return time.Unix(1_700_000_000+int64(n), 0) }

func text(key string) string { return key }

// want is a candidate of a project in a cluster.
func want(came int, project, cluster string) Candidate {
	return Candidate{Experiment: "e", Came: at(came), Projects: []string{project}, Destinations: []string{cluster}}
}

func opened(limits Limits) *Ledger[string] {
	l := New(limits, text)
	l.Open()
	return l
}

func TestPut(t *testing.T) {
	l := opened(Limits{Instance: 3, Project: 2, Destination: 2})
	for _, step := range []struct {
		key  string
		c    Candidate
		want Answer
	}{
		{"a", want(1, "p", "c"), Answer{false, "there is room for it"}},
		{"a", want(1, "p", "c"), Answer{false, "it is counted already"}},
		{"b", want(2, "p", "d"), Answer{false, "there is room for it"}},
		{"c", want(3, "p", "d"), Answer{true, "2 of 2 experiments run in the project p"}},
		{"d", want(4, "q", "d"), Answer{true, "another candidate, which came earlier, is next in the cluster d"}},
		{"e", want(5, "q", "e"), Answer{false, "there is room for it"}},
		{"f", want(6, "r", "f"), Answer{true, "3 of 3 experiments run"}},
	} {
		if got := l.Put(step.key, step.c); got != step.want {
			t.Errorf("%s: %+v, want %+v", step.key, got, step.want)
		}
	}
}

// TestOrder: who came first runs first, whoever is looked at first.
func TestOrder(t *testing.T) {
	l := opened(Limits{Instance: 1})
	l.Put("runs", want(0, "p", "c"))
	late, early := want(2, "p", "c"), want(1, "p", "c")
	late.Waits, early.Waits = true, true
	l.Put("late", late)
	l.Put("early", early)
	if got := l.Pending(); len(got) > 0 {
		t.Errorf("%v are to be looked at, and there is no room", got)
	}
	l.Forget("runs", false)
	if got := l.Pending(); !slices.Equal(got, []string{"early"}) {
		t.Errorf("%v are to be looked at", got)
	}
	if got := l.Put("late", late); !got.Waits {
		t.Error("the later one runs")
	}
	if got := l.Put("early", early); got.Waits {
		t.Errorf("the earlier one waits: %s", got.Why)
	}
}

// TestAnotherCandidate: what an environment tests next has no claim on the room of what it tested before.
func TestAnotherCandidate(t *testing.T) {
	l := opened(Limits{Instance: 1})
	l.Put("a", want(0, "p", "c"))
	waiting := want(1, "p", "c")
	waiting.Waits = true
	l.Put("b", waiting)
	next := want(2, "p", "c")
	next.Experiment = "f"
	if got := l.Put("a", next); !got.Waits {
		t.Error("the next candidate runs before one that came earlier")
	}
	if got := l.Pending(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("%v are to be looked at", got)
	}
}

// TestBegun: what runs is counted, and not stopped.
func TestBegun(t *testing.T) {
	l := opened(Limits{Instance: 1})
	for _, key := range []string{"a", "b"} {
		c := want(0, "p", "c")
		c.Begun = true
		if l.Put(key, c).Waits || !l.Runs(key, "e") || l.Runs(key, "f") {
			t.Errorf("%s is to wait", key)
		}
	}
	if got := l.Put("c", want(0, "p", "c")); got != (Answer{true, "2 of 1 experiments run"}) {
		t.Errorf("%+v", got)
	}
}

// TestFail: what waits in Git, also where it was to be let run, is not counted once that fails; what runs is.
func TestFail(t *testing.T) {
	l := opened(Limits{Instance: 1})
	waiting, other := want(0, "p", "c"), want(1, "p", "c")
	waiting.Waits, other.Waits = true, true
	l.Put("a", waiting)
	if l.Put("b", other); l.Runs("a", "e") {
		t.Error("what Git has wait runs")
	}
	l.Fail("a")
	if got := l.Put("b", other); got.Waits {
		t.Errorf("it waits for one that cannot be let run: %s", got.Why)
	}
	other.Waits = false
	l.Put("b", other)
	l.Fail("b")
	if !l.Runs("b", "e") || !l.Put("a", waiting).Waits {
		t.Error("what runs is not counted any more")
	}
}

// TestConfirm: what Git has run is counted, also where the look that let it run fails after that; what Git has
// wait, or is another experiment by now, is not.
func TestConfirm(t *testing.T) {
	for name, test := range map[string]struct {
		confirmed string
		counts    bool
	}{"it was written": {"e", true}, "it was not written": {"", false}, "another was": {"f", false}} {
		l := opened(Limits{Instance: 1})
		waiting, other := want(0, "p", "c"), want(1, "p", "c")
		waiting.Waits, other.Waits = true, true
		if l.Put("a", waiting).Waits {
			t.Fatal("there is room for a")
		}
		l.Confirm("a", test.confirmed)
		l.Fail("a")
		if l.Runs("a", "e") != test.counts || l.Put("b", other).Waits != test.counts {
			t.Errorf("%s: a counts: %t", name, !test.counts)
		}
	}
}

// TestLingers: what is still in a cluster counts, once for its environment, until it is gone; what comes after
// it there may take its place, but for those who came before.
func TestLingers(t *testing.T) {
	next := func(came int) Candidate {
		c := want(came, "p", "c")
		c.Experiment, c.Lingers = "f", true
		return c
	}
	waiting := want(2, "p", "c")
	waiting.Waits = true
	for name, steps := range map[string]func(l *Ledger[string]) (now, then bool){
		"nothing comes after it": func(l *Ledger[string]) (now, then bool) {
			l.Forget("a", true)
			l.Forget("a", true) // a refresh, and no sync
			now = l.Put("b", waiting).Waits
			l.Forget("a", false)
			return now, l.Put("b", waiting).Waits
		},
		"the next takes its place": func(l *Ledger[string]) (now, then bool) {
			if l.Put("a", next(1)).Waits {
				t.Error("the next does not take the place of what it follows")
			}
			l.Confirm("a", "f")
			now = l.Put("b", waiting).Waits
			l.Forget("a", false)
			return now, l.Put("b", waiting).Waits
		},
		"the next came too late": func(l *Ledger[string]) (now, then bool) {
			l.Put("b", waiting)
			late := next(3)
			if !l.Put("a", late).Waits {
				t.Error("the next takes the place of one that came earlier")
			}
			now = l.Put("b", waiting).Waits
			l.Fail("a") // of what waits; what lingers stays
			now = now && l.Put("b", waiting).Waits
			late.Lingers = false
			l.Put("a", late)
			return now, l.Put("b", waiting).Waits
		},
	} {
		l := opened(Limits{Instance: 1})
		first := want(0, "p", "c")
		first.Begun = true
		l.Put("a", first)
		if now, then := steps(l); !now || then {
			t.Errorf("%s: another waits %t while it lingers, and %t after that", name, now, then)
		}
	}
}

// TestOpen: until all that runs is known, nothing changes.
func TestOpen(t *testing.T) {
	l := New(Limits{Instance: 1}, text)
	waiting := want(0, "p", "c")
	waiting.Waits = true
	if got := l.Put("a", waiting); got != (Answer{true, Counting}) {
		t.Errorf("%+v", got)
	}
	if got := l.Put("b", want(1, "p", "c")); got != (Answer{false, Counting}) || l.Pending() != nil {
		t.Errorf("%+v, %v", got, l.Pending())
	}
	l.Open()
	if got := l.Pending(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v are to be looked at", got)
	}
	if came, known := l.Came("b", "e"); !known || !came.Equal(at(1)) {
		t.Errorf("it came at %v, %t", came, known)
	}
}

// TestRandomHistories: over random histories no more run than any budget has, and each runs in the end, whatever
// comes meanwhile and however late Argo CD syncs.
func TestRandomHistories(t *testing.T) {
	for seed := range int64(100) {
		rng := rand.New(rand.NewSource(seed)) //nolint:gosec // a test repeats itself
		h := &history{t: t, rng: rng, limits: Limits{Instance: rng.Intn(5), Project: rng.Intn(3), Destination: rng.Intn(3)}, marks: map[string]*Candidate{}, cluster: map[string]*Candidate{}}
		h.ledger = opened(h.limits)
		for h.now = range 350 {
			h.step(h.now < 300)
		}
		if len(h.marks) > 0 {
			t.Fatalf("seed %d with %+v: %d wait to the end", seed, h.limits, len(h.marks))
		}
	}
}

// history is environments whose candidates come and go, with a promoter that looks at what the ledger names,
// and an Argo CD that syncs when it likes.
type history struct {
	t       *testing.T
	rng     *rand.Rand
	limits  Limits
	ledger  *Ledger[string]
	marks   map[string]*Candidate // as Git has them
	cluster map[string]*Candidate // what runs
	now, n  int
}

func (h *history) step(comes bool) {
	if comes && len(h.marks) < 12 && h.rng.Intn(3) == 0 {
		h.come(fmt.Sprint("env-", h.n))
	}
	if ends := slices.Sorted(maps.Keys(h.cluster)); len(ends) > 0 && (!comes || h.rng.Intn(4) == 0) {
		h.finish(ends[h.rng.Intn(len(ends))], comes)
	}
	for _, key := range slices.Sorted(maps.Keys(h.marks)) {
		if !comes || h.rng.Intn(2) == 0 {
			h.sync(key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(h.cluster)) {
		if h.look(key); !comes || h.rng.Intn(2) == 0 {
			h.sync(key)
		}
	}
	for todo := h.ledger.Pending(); len(todo) > 0; todo = h.ledger.Pending() {
		h.look(todo[h.rng.Intn(len(todo))]) // in any order
		h.within()
	}
}

// come puts a candidate into an environment, which is looked at before Argo CD sees it.
func (h *history) come(key string) {
	h.n++
	of := len(key) + int(key[len(key)-1]) // an environment stays where it is
	h.marks[key] = &Candidate{Experiment: fmt.Sprint("e", h.n), Came: at(h.now), Projects: []string{fmt.Sprint("p", of%3)}, Destinations: []string{fmt.Sprint("c", of/3%3)}, Waits: h.rng.Intn(2) == 0}
	h.look(key)
}

// finish decides what runs, if Git still has it; another may be next in its environment.
func (h *history) finish(key string, comes bool) {
	c := h.marks[key]
	if c == nil || c.Experiment != h.cluster[key].Experiment {
		return
	}
	delete(h.marks, key)
	if comes && h.rng.Intn(3) == 0 {
		h.come(key)
		return
	}
	h.look(key)
}

// sync has the cluster as Git is.
func (h *history) sync(key string) {
	delete(h.cluster, key)
	if c := h.marks[key]; c != nil && !c.Waits {
		h.cluster[key] = c
	}
	h.look(key)
	h.within()
}

// look does what the answer says, as a commit would.
func (h *history) look(key string) {
	c, runs := h.marks[key], h.cluster[key]
	if c == nil {
		h.ledger.Forget(key, runs != nil)
		return
	}
	asks := *c
	asks.Lingers = runs != nil && runs.Experiment != c.Experiment
	if c.Waits = h.ledger.Put(key, asks).Waits; !c.Waits {
		h.ledger.Confirm(key, c.Experiment)
	}
}

func (h *history) within() {
	h.t.Helper()
	count := map[share]int{}
	for _, c := range h.cluster {
		for _, s := range h.limits.shares(*c) {
			if count[s]++; count[s] > h.limits.most(s) {
				h.t.Fatalf("with %+v, %d run in the %s %s", h.limits, count[s], s.of, s.name)
			}
		}
	}
}

// TestNoneStarves: a candidate that needs room in two budgets, which never have it at the same time by
// themselves, runs nevertheless.
func TestNoneStarves(t *testing.T) {
	l := opened(Limits{Project: 1, Destination: 1})
	l.Put("p0", want(0, "p", "x"))
	l.Put("d0", want(0, "q", "d"))
	both := want(1, "p", "d")
	both.Waits = true
	l.Put("both", both)
	for i := range 10 {
		l.Forget(fmt.Sprint("p", i), false)
		l.Put(fmt.Sprint("p", i+1), want(2+i, "p", "x"))
		if !l.Put("both", both).Waits {
			return
		}
		l.Forget(fmt.Sprint("d", i), false)
		l.Put(fmt.Sprint("d", i+1), want(2+i, "q", "d"))
		if !l.Put("both", both).Waits {
			return
		}
	}
	t.Error("others that came later run before it, again and again")
}
