package window

import (
	"fmt"
	"slices"
	"time"

	"github.com/assaydev/assay/internal/excerpt"
)

// Set is windows that count together. Without any, everything may happen at any time.
type Set struct {
	// NeverIsAlways has a window whose schedule names no day that exists, as 31 February,
	// open at all times: so Argo CD takes it. Else it is open at none. It is set before Add.
	NeverIsAlways bool

	list []parsed
}

// Add reads a window and adds it. Its error is a *FieldError, and leaves the set as it is.
func (s *Set) Add(w Window) error {
	p, err := parse(w)
	p.always = p.never && s.NeverIsAlways
	if err == nil {
		s.list = append(s.list, p)
	}
	return err
}

// State is what windows say of a time.
type State struct {
	Open  bool
	By    []Window  // where it is not open: those that deny, else those that would allow it
	Opens time.Time // where it is not open: when it is next; zero where that was not found

	// Never says that it does not open within Horizon, where Opens is zero. Else the work of
	// looking was too much.
	Never bool
}

// At is what the windows say of a time.
func (s *Set) At(t time.Time) State {
	by, closed := s.closing(t)
	if !closed {
		return State{Open: true}
	}
	state := State{By: by}
	state.Opens, state.Never = s.next(t)
	return state
}

// closing are the windows that close it at a time.
func (s *Set) closing(t time.Time) (by []Window, closed bool) {
	var deny, allow []Window
	allowed := false
	for _, p := range s.list {
		switch {
		case p.Kind == Allow:
			allow = append(allow, p.Window)
			allowed = allowed || p.open(t)
		case p.open(t):
			deny = append(deny, p.Window)
		}
	}
	if len(deny) > 0 {
		return deny, true
	}
	return allow, len(allow) > 0 && !allowed
}

// String says for people which windows close it, and when it opens.
func (s State) String() string {
	if s.Open {
		return "open"
	}
	var names []string
	for _, w := range s.By {
		names = append(names, w.String())
	}
	text := "closed outside of " + excerpt.Or(names)
	if slices.ContainsFunc(s.By, func(w Window) bool { return w.Kind == Deny }) {
		text = "closed by " + excerpt.List(names)
	}
	switch {
	case !s.Opens.IsZero():
		return fmt.Sprintf("%s, and opens at %s", text, s.Opens.UTC().Format(time.RFC3339))
	case s.Never:
		return text + ", and does not open within five years"
	}
	return text + ", and when it opens was not found"
}

// Idle are the windows that never open: their schedules name no day that exists.
func (s *Set) Idle() (out []Window) {
	for _, p := range s.list {
		if p.never && !p.always {
			out = append(out, p.Window)
		}
	}
	return out
}
