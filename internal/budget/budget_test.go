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
	l.Forget("runs")
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

// TestRandomHistories: over random histories no more run than any budget has, but what had begun, and each
// runs in the end, whatever comes meanwhile.
func TestRandomHistories(t *testing.T) {
	for seed := range int64(300) {
		rng := rand.New(rand.NewSource(seed)) //nolint:gosec // a test repeats itself
		h := &history{t: t, rng: rng, limits: Limits{Instance: rng.Intn(5), Project: rng.Intn(3), Destination: rng.Intn(3)}, marks: map[string]*Candidate{}, running: map[string]bool{}}
		h.ledger = opened(h.limits)
		for h.now = range 400 {
			h.step(h.now < 300)
		}
		if len(h.marks) > 0 {
			t.Fatalf("seed %d with %+v: %d wait to the end", seed, h.limits, len(h.marks))
		}
	}
}

// history is environments whose candidates come and go, with a promoter that looks at what the ledger names.
type history struct {
	t       *testing.T
	rng     *rand.Rand
	limits  Limits
	ledger  *Ledger[string]
	marks   map[string]*Candidate // as Git has them
	running map[string]bool
	now, n  int
}

func (h *history) step(comes bool) {
	if comes && h.rng.Intn(3) == 0 {
		h.n++
		key := fmt.Sprint("env-", h.n)
		h.marks[key] = &Candidate{Experiment: key, Came: at(h.now), Projects: []string{fmt.Sprint("p", h.rng.Intn(3))}, Destinations: []string{fmt.Sprint("c", h.rng.Intn(3))}, Waits: h.rng.Intn(2) == 0}
		h.look(key)
	}
	if ends := slices.Sorted(maps.Keys(h.running)); len(ends) > 0 && (!comes || h.rng.Intn(4) == 0) {
		key := ends[h.rng.Intn(len(ends))]
		delete(h.running, key)
		delete(h.marks, key)
		h.ledger.Forget(key)
	}
	for todo := h.ledger.Pending(); len(todo) > 0; todo = h.ledger.Pending() {
		h.look(todo[h.rng.Intn(len(todo))]) // in any order
	}
	h.within()
}

// look does what the answer says, as a commit would; Argo CD runs what does not wait.
func (h *history) look(key string) {
	c := h.marks[key]
	if c.Waits = h.ledger.Put(key, *c).Waits; c.Waits {
		delete(h.running, key)
	} else {
		h.running[key] = true
	}
}

func (h *history) within() {
	count := map[share]int{}
	for key := range h.running {
		for _, s := range h.limits.shares(*h.marks[key]) {
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
		l.Forget(fmt.Sprint("p", i))
		l.Put(fmt.Sprint("p", i+1), want(2+i, "p", "x"))
		if !l.Put("both", both).Waits {
			return
		}
		l.Forget(fmt.Sprint("d", i))
		l.Put(fmt.Sprint("d", i+1), want(2+i, "q", "d"))
		if !l.Put("both", both).Waits {
			return
		}
	}
	t.Error("others that came later run before it, again and again")
}
