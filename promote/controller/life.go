package controller

import (
	"sync"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/spec"
)

// life is what is remembered of the candidate that an environment has under test, so that
// each of its signals is given once. It only saves work: after a restart some are given
// again. The one look at its environment that runs has it.
type life struct {
	digest    digest.Digest
	candidate spec.Candidate
	verdict   decision.Outcome // the last that was counted
	committed bool             // how long its commit took was told

	looked bool       // for the origin
	origin git.Change // the candidate's commit; zero where it is not known
	status forge.StatusState

	due time.Time // that had passed by all clocks at the last look
}

// lives are those of all environments. It is safe for concurrent use.
type lives struct {
	mu sync.Mutex
	of map[Key]*life
}

// get is that of an environment, a new one where there is none.
func (l *lives) get(key Key) *life {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[Key]*life{}
	}
	if l.of[key] == nil {
		l.of[key] = &life{}
	}
	return l.of[key]
}

// end forgets one.
func (l *lives) end(key Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.of, key)
}
