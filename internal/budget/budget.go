// Package budget says which of many experiments run at once, and which wait.
//
//  1. A Ledger holds what the environments have under test, each as its branch has it: Put, Confirm, Forget.
//  2. What has begun, or was let run, is counted, until it is gone from the clusters too. The others are gone
//     through in the order in which their markers came: each runs that all of its budgets have room for
//     (grant.go).
//  3. Pending are those to be looked at again, once there is room.
//
// No more run than the limits say, but for what had begun before it was looked at. As long as experiments end,
// each runs in the end, unless others come before it without end: the one that came first keeps what room its
// project and its cluster have. When a marker came is what its commit says, so that who dates commits back
// comes before others.
package budget

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits are how many experiments may run at once. Zero is any number.
type Limits struct {
	Instance    int // in all
	Project     int // of each AppProject
	Destination int // in each cluster
}

// Candidate is what an environment has under test.
type Candidate struct {
	Experiment             string    // its digest: another one asks anew
	Came                   time.Time // when its marker did
	Projects, Destinations []string  // that it counts for, each once
	Waits                  bool      // its marker says so
	Begun                  bool      // it cannot be made to wait any more
	Lingers                bool      // what the environment tested before is not gone from the clusters yet
}

// Answer is what is to become of a candidate.
type Answer struct {
	Waits bool
	Why   string // for people: what it waits for, or that there is room
}

// Ledger counts. It is safe for concurrent use.
type Ledger[K comparable] struct {
	limits Limits
	text   func(K) string // orders those that came at the same time

	mu   sync.Mutex
	of   map[K]*entry
	open bool
}

// entry is an environment: its candidate, and whether that is counted.
type entry struct {
	Candidate            // without an experiment where nothing is under test
	runs      bool       // it is counted, whether Git has it run or is to be told so
	past      *Candidate // what ran before it and lingers, which is counted too; nil where nothing does
}

// leaves is what ran in an environment, once it has another experiment under test, or none.
func (e *entry) leaves(next string) *Candidate {
	switch {
	case e == nil:
		return nil
	case e.Experiment != next && e.runs && !e.Waits:
		return &e.Candidate
	}
	return e.past
}

// New is a ledger that lets nothing run yet: what runs is still to be told.
func New[K comparable](limits Limits, text func(K) string) *Ledger[K] {
	return &Ledger[K]{limits: limits, text: text, of: map[K]*entry{}}
}

// Counting is what a candidate waits for until the ledger is open.
const Counting = "the experiments that run are being counted"

// Put takes what an environment has under test, and answers whether that is to wait; from then on it counts
// as the answer says. Until the ledger is open, everything stays as it is.
func (l *Ledger[K]) Put(key K, c Candidate) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.of[key]
	e := &entry{Candidate: c, runs: c.Begun || before != nil && before.runs && before.Experiment == c.Experiment}
	if c.Lingers {
		e.past = before.leaves(c.Experiment)
	}
	l.of[key] = e
	switch {
	case e.runs:
		return Answer{Why: "it is counted already"}
	case !l.open && c.Waits:
		return Answer{Waits: true, Why: Counting}
	case !l.open:
		return Answer{Why: Counting}
	}
	granted, why := l.grant()
	if e.runs = granted[key]; e.runs {
		return Answer{Why: "there is room for it"}
	}
	e.Waits = true
	return Answer{Waits: true, Why: why[key]}
}

// Confirm takes that Git has an experiment run that was let run: from now on it is counted, whatever fails.
func (l *Ledger[K]) Confirm(key K, experiment string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.of[key]; e != nil && e.runs && e.Experiment == experiment {
		e.Waits = false
	}
}

// Fail takes that an environment could not be looked at, is held, or the answer could not be written: what
// waits in Git, others do not wait for. What runs stays counted.
func (l *Ledger[K]) Fail(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.of[key]; e != nil && (!e.runs || e.Waits) {
		l.leave(key, e.past)
	}
}

// leave has nothing but the past of an environment counted. The mutex is held.
func (l *Ledger[K]) leave(key K, past *Candidate) {
	delete(l.of, key)
	if past != nil {
		l.of[key] = &entry{past: past}
	}
}

// Runs reports whether the experiment of an environment is counted, and Git has it run.
func (l *Ledger[K]) Runs(key K, experiment string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.of[key]
	return e != nil && e.runs && !e.Waits && e.Experiment == experiment
}

// Came is when the marker of an environment's candidate came, as Put had it.
func (l *Ledger[K]) Came(key K, experiment string) (at time.Time, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.of[key]
	if e == nil || e.Experiment != experiment {
		return time.Time{}, false
	}
	return e.Came, true
}

// Forget takes an environment that has nothing under test. What it tested before is counted as long as it
// lingers.
func (l *Ledger[K]) Forget(key K, lingers bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var past *Candidate
	if lingers {
		past = l.of[key].leaves("")
	}
	l.leave(key, past)
}

// Open has candidates let run from now on: all that run are in the ledger. What does not wait, and has room,
// is counted.
func (l *Ledger[K]) Open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open {
		return
	}
	l.open = true
	granted, _ := l.grant()
	for key := range granted {
		if e := l.of[key]; !e.Waits {
			e.runs = true
		}
	}
}

// Pending are the environments to be looked at: that wait though there is room for them, or do not wait
// though there is none.
func (l *Ledger[K]) Pending() (keys []K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open {
		return nil
	}
	granted, _ := l.grant()
	for _, key := range l.line() {
		if granted[key] == l.of[key].Waits {
			keys = append(keys, key)
		}
	}
	return keys
}

// line are those that are not counted, in the order in which they came. The mutex is held.
func (l *Ledger[K]) line() (keys []K) {
	for key, e := range l.of {
		if e.Experiment != "" && !e.runs {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b K) int {
		if order := l.of[a].Came.Compare(l.of[b].Came); order != 0 {
			return order
		}
		return strings.Compare(l.text(a), l.text(b))
	})
	return keys
}
