package spec

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assaydev/assay/internal/window"
)

// What a plan may ask of its windows: whoever writes it must not make each look expensive.
const (
	mostWindows     = 50
	shortestWindow  = time.Minute // what a schedule can tell apart
	longestWindow   = 366 * 24 * time.Hour
	longestTimeZone = 100 // bytes
)

// LandingWindows are the windows in which a promotion may land. They have been checked
// when the plan was decoded.
func (p Promotion) LandingWindows() (window.Set, error) {
	var set window.Set
	for i, w := range p.Windows {
		if err := set.Add(w.window()); err != nil {
			return window.Set{}, fmt.Errorf("spec.promotion.windows[%d].%w", i, err)
		}
	}
	return set, nil
}

func (w Window) window() window.Window {
	return window.Window{Kind: cmp.Or(w.Kind, window.Allow), Schedule: w.Schedule, Duration: string(w.Duration), TimeZone: w.TimeZone}
}

func (w *walker) checkWindows(list []Window) {
	const at = "spec.promotion.windows"
	if len(list) > mostWindows {
		w.at(at, "has %d items, and at most %d are read: join some", len(list), mostWindows)
		return
	}
	for i, item := range list {
		w.checkWindow(item, fmt.Sprintf("%s[%d]", at, i))
	}
}

func (w *walker) checkWindow(item Window, at string) {
	if item.Schedule == "" || item.Duration == "" {
		return // said before: they are missing
	}
	if len(item.TimeZone) > longestTimeZone || strings.ContainsFunc(item.TimeZone, isControl) {
		w.at(child(at, "timeZone"), "must be the name of a time zone, as Europe/Berlin")
		return
	}
	var set window.Set
	var bad *window.FieldError
	if err := set.Add(item.window()); errors.As(err, &bad) {
		if bad.Field != "kind" { // said before
			w.at(child(at, bad.Field), "%s", bad.Why)
		}
		return
	}
	if d, err := time.ParseDuration(string(item.Duration)); err == nil && (d < shortestWindow || d > longestWindow) {
		w.at(child(at, "duration"), "must be at least 1m and at most %dh, and is %s", int(longestWindow.Hours()), item.Duration)
	}
}
