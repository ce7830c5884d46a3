// Package window tells whether something may happen at a time, by windows of time, each of
// which allows or denies it.
//
//  1. Add reads a window as people write it: a schedule in cron's five fields, how long it
//     stays open, and the time zone of its clock (window.go).
//  2. At says of a time whether it may happen then (set.go): nothing may while a window that
//     denies is open; where there are windows that allow, one of them must be.
//  3. Where it may not, the next time at which it may is looked for, within a bound of work
//     (next.go).
//
// These are the rules of Argo CD's sync windows. A window is read on the clock on the wall of
// its zone, so that one from 02:30 is open after the hour which summer time leaves out.
package window

import (
	"errors"
	"fmt"
	"strings"
	"time"

	_ "time/tzdata" // for machines that have no database of time zones

	"github.com/robfig/cron/v3"

	"github.com/assaydev/assay/internal/excerpt"
)

// What a window does while it is open.
const (
	Allow = "allow"
	Deny  = "deny"
)

// Window is a window as people write it.
type Window struct {
	Kind     string // Allow or Deny
	Schedule string // when it opens: minute, hour, day of the month, month, day of the week
	Duration string // how long it stays open, as time.ParseDuration reads it
	TimeZone string // of the tz database; empty is UTC
}

// String names the window for people.
func (w Window) String() string {
	text := fmt.Sprintf("%s %q for %s", excerpt.Word(w.Kind, 20), excerpt.Of(w.Schedule, 60), excerpt.Of(w.Duration, 20))
	if w.TimeZone != "" && w.TimeZone != "UTC" {
		text += " in " + excerpt.Of(w.TimeZone, 40)
	}
	return text
}

// LongestSchedule is how long the text of a schedule may be, in bytes.
const LongestSchedule = 200

// parsed is a window whose text has been read.
type parsed struct {
	Window
	schedule cron.Schedule
	length   time.Duration
	zone     *time.Location
	never    bool // the schedule names no day that exists, as 31 February
	always   bool // it is open at all times for that
}

var fields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// FieldError says what is wrong with one field of a window.
type FieldError struct {
	Field string // kind, schedule, duration or timeZone
	Why   string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Why }

// parse reads a window. Its error is a *FieldError.
func parse(w Window) (parsed, error) {
	p := parsed{Window: w}
	if w.Kind != Allow && w.Kind != Deny {
		return p, &FieldError{"kind", fmt.Sprintf("must be allow or deny, and is %s", excerpt.Word(w.Kind, 40))}
	}
	var err error
	if p.schedule, err = schedule(w.Schedule); err != nil {
		return p, &FieldError{"schedule", err.Error()}
	}
	if p.length, err = time.ParseDuration(w.Duration); err != nil {
		return p, &FieldError{"duration", fmt.Sprintf("must be a duration, as in 30m or 8h, and is %s", excerpt.Word(w.Duration, 40))}
	}
	if p.zone, err = zone(w.TimeZone); err != nil {
		return p, &FieldError{"timeZone", err.Error()}
	}
	p.never = p.schedule.Next(time.Unix(0, 0).UTC()).IsZero()
	return p, nil
}

// schedule reads the five fields of cron. A prefix with a time zone, which the parser knows
// and panics on where nothing follows it, is not taken: the zone has its own field.
func schedule(text string) (cron.Schedule, error) {
	const as = `write minute, hour, day of the month, month and day of the week, as in "0 9 * * 1-5"`
	switch {
	case len(text) > LongestSchedule:
		return nil, fmt.Errorf("is longer than %d bytes: %s", LongestSchedule, as)
	case strings.Contains(text, "="):
		return nil, errors.New("names a time zone: put it in timeZone")
	}
	s, err := fields.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not in cron's format (%s): %s", excerpt.Word(text, 60), excerpt.Of(err.Error(), 120), as)
	}
	return s, nil
}

// zone is a time zone by its name in the tz database. The zone of this machine is not one:
// each machine would mean another.
func zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	at, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%s is not a time zone: name one of the tz database, as Europe/Berlin", excerpt.Word(name, 40))
	}
	return at, nil
}

// wall is the clock on the wall at a time, written as if it were UTC.
func (p parsed) wall(t time.Time) time.Time {
	_, offset := t.In(p.zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// open reports whether the window is open at a time: it opened not later than then, and less
// than its duration before.
func (p parsed) open(t time.Time) bool {
	if p.never || p.length <= 0 {
		return p.always
	}
	now := p.wall(t)
	return !p.schedule.Next(now.Add(-p.length)).After(now)
}
