package window

import "time"

// Horizon is how far ahead an opening is looked for: what schedules themselves look ahead.
const Horizon = 5 * 365 * 24 * time.Hour

// mostWork is how many times schedules are asked for one opening: some 100 ms, and far
// beyond what windows of people take.
const mostWork = 100_000

// next is the first time after t at which the windows are open. Where there is none within
// the horizon, never is true; where the work was too much, it is zero, too.
func (s *Set) next(t time.Time) (opens time.Time, never bool) {
	end := t.Add(Horizon)
	work := mostWork
	for at := t; work > 0; {
		at = s.change(at, &work)
		if at.IsZero() || at.After(end) {
			return time.Time{}, true
		}
		work -= len(s.list)
		if _, closed := s.closing(at); !closed {
			return at, false
		}
	}
	return time.Time{}, false
}

// change is the first time after t at which a window may open or end; zero where none does.
func (s *Set) change(t time.Time, work *int) (first time.Time) {
	for _, p := range s.list {
		if at := p.change(t, work); !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// change is when the window opens after t or, where it is open, until when it is sure to be.
// Where the clock on the wall is set before that, it is then.
func (p parsed) change(t time.Time, work *int) time.Time {
	if p.never || p.length <= 0 {
		return time.Time{}
	}
	now := p.wall(t)
	then := p.last(now, work)
	if then.IsZero() {
		*work--
		if then = p.schedule.Next(now); then.IsZero() {
			return then
		}
	} else {
		then = then.Add(p.length)
	}
	at := t.Add(then.Sub(now))
	if _, set := t.In(p.zone).ZoneBounds(); !set.IsZero() && set.Before(at) {
		return set
	}
	return at
}

// last is a late opening of the window that still counts, by the clock on the wall; zero where
// it is not open. A schedule tells only what comes after a time, so that ever longer times
// back are tried.
func (p parsed) last(now time.Time, work *int) time.Time {
	for back := min(time.Minute, p.length); ; back = min(2*back, p.length) {
		*work--
		if at := p.schedule.Next(now.Add(-back)); !at.IsZero() && !at.After(now) {
			return at
		}
		if back == p.length {
			return time.Time{}
		}
	}
}
