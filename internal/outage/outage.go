// Package outage remembers that a server does not answer, so that one which hangs does not hold up the work on
// others.
//
//  1. Begin says before a question whether it is worth asking, and End that it has ended.
//  2. Note takes the answer. One that is missing has the server left alone, for longer and longer.
//  3. After that one question at a time finds out whether it answers again. Others are told at once.
package outage

import (
	"context"
	"errors"
	"sync"
	"time"
)

// How long a server that does not answer is left alone: the first time, and at most.
const (
	FirstPause = 5 * time.Second
	LastPause  = 2 * time.Minute
)

// Memory is what is known of one server. It is safe for concurrent use.
type Memory struct {
	isAway func(error) bool

	mu     sync.Mutex
	err    error // nil while it answers
	until  time.Time
	pause  time.Duration
	asking int // questions that have not ended, also of those who did not wait for it
}

// New is the memory of a server that answers. isAway says which errors are of one that does not.
func New(isAway func(error) bool) *Memory { return &Memory{isAway: isAway} }

// Begin begins a question, or says why no answer would come.
func (m *Memory) Begin() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil && (m.asking > 0 || time.Now().Before(m.until)) {
		return m.err
	}
	m.asking++
	return nil
}

// End takes that a question has ended.
func (m *Memory) End() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asking--
}

// Note takes the answer to a question of ctx. That who asked went away says nothing.
func (m *Memory) Note(ctx context.Context, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
	case !m.isAway(err):
		m.err, m.pause = nil, 0
	default:
		m.pause = min(max(2*m.pause, FirstPause), LastPause)
		m.err, m.until = err, time.Now().Add(m.pause)
	}
}

// Away reports whether the server does not answer, and for how long it is left alone.
func (m *Memory) Away() (pause time.Duration, away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(time.Until(m.until), 0), m.err != nil
}
