package promote

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/window"
)

// OutsideWindows is the decider of somebody who lets a promotion land at any time, whatever
// the plan's windows say.
func OutsideWindows(decide Decider) Decider {
	return Decider{decide.Wanted, func(ctx context.Context, tip Tip) (Choice, error) {
		tip.AnyTime = true
		return decide.Choose(ctx, tip)
	}}
}

// inWindows holds a promotion while the plan's windows are closed, by our own clock or by theirs who dated the
// objects. Everything else it leaves: what takes a change back may land at any time.
func (t Tip) inWindows(c Choice, theirs ...time.Time) (Choice, error) {
	if c.Held != "" || c.Outcome != decision.Promote || t.AnyTime || t.Rendered == nil {
		return c, nil
	}
	state, err := LandsAt(t.Rendered.Plan, append(theirs, t.here())...)
	if err != nil || state.Open {
		return c, err
	}
	return t.shut(c, "spec.promotion.windows of the plan is "+state.String(), state.Opens), nil
}

// LandsAt reports whether a plan lets promotions land, at the time by each of the clocks.
func LandsAt(plan *spec.Plan, clocks ...time.Time) (window.State, error) {
	windows, err := plan.Spec.Promotion.LandingWindows()
	if err != nil {
		return window.State{}, fmt.Errorf("read the plan's windows: %w", err)
	}
	return atAll(&windows, clocks), nil
}

// atAll is what windows say of one moment by several clocks, any of which may be wrong, or set by others: they
// are closed where they are by one, and open when they are by all.
func atAll(windows *window.Set, clocks []time.Time) window.State {
	all := window.State{Open: true}
	for i, now := range clocks {
		alike := func(other time.Time) bool { return other.Sub(now).Abs() < 2*time.Second } // clusters tell whole seconds
		if slices.ContainsFunc(clocks[:i], alike) {
			continue
		}
		if one := windows.At(now); !one.Open && (all.Open || one.Opens.IsZero() || !all.Opens.IsZero() && one.Opens.After(all.Opens)) {
			all = one
		}
	}
	return all
}

// shut is the choice to wait with a promotion until a window opens.
func (t Tip) shut(c Choice, why string, opens time.Time) Choice {
	if t.Rendered.Marker != nil {
		c.Candidate, c.Experiment = *t.Rendered.Marker, t.Rendered.ID
	}
	said := ""
	if !c.ByHand() {
		said = fmt.Sprintf("; the verdict is %s: %s", c.Outcome, c.Reason)
	}
	c.Held, c.Shut, c.Opens = decision.Hold, true, opens
	c.Reason = "a promotion may not land now: " + why + said
	return c
}

// Windows are the sync windows of Argo CD that count for an Application.
type Windows struct {
	Project string // the AppProject that has them
	window.Set
	Unreadable error // one of them cannot be read: it is closed
}

// WindowsOf are those of an Application's project.
func WindowsOf(p application.Project, at application.Place) *Windows {
	set, err := p.SyncWindows(at)
	return &Windows{Project: p.Name, Set: set, Unreadable: err}
}

// Closed says what is closed at the time by one of the clocks, and when it opens by all; empty where nothing is.
func (w *Windows) Closed(clocks ...time.Time) (closed string, opens time.Time) {
	if w.Unreadable != nil {
		return w.Unreadable.Error(), opens
	}
	state := atAll(&w.Set, clocks)
	if state.Open {
		return "", opens
	}
	return fmt.Sprintf("the sync window of the AppProject %s is %s", w.Project, state), state.Opens
}

// within has the plan's windows and Argo CD's count for what the deployments decided. Those of
// the plan take the place of Argo CD's: then a sync may wait for what has landed.
func (v *verdicts) within(list []Deployment, choice Choice) (Choice, error) {
	if choice.Held != "" || v.tip.AnyTime {
		return choice, nil
	}
	var theirs []time.Time
	for _, a := range v.answers {
		theirs = append(theirs, a.now)
	}
	choice, err := v.tip.inWindows(choice, theirs...)
	if err != nil || choice.Held != "" {
		return choice, err
	}
	closed, opens := syncs(list, v.tip.here())
	if closed == "" {
		return choice, nil
	}
	if choice.Outcome == decision.Promote && len(v.tip.Rendered.Plan.Spec.Promotion.Windows) == 0 {
		return v.tip.shut(choice, closed, opens), nil
	}
	choice.SyncWaits = closed
	return choice, nil
}

// syncs says which deployments' windows are closed, each by its own clock or by ours, and when the
// last of them opens; the time is zero where one is not known to.
func syncs(list []Deployment, here time.Time) (closed string, opens time.Time) {
	var all []string
	known := true
	for _, d := range list {
		if d.Windows == nil {
			continue
		}
		why, when := d.Windows.Closed(here, d.clock())
		if why == "" {
			continue
		}
		if len(list) > 1 {
			why = d.Name + ": " + why
		}
		all = append(all, why)
		known = known && !when.IsZero()
		if when.After(opens) {
			opens = when
		}
	}
	if !known {
		opens = time.Time{}
	}
	return strings.Join(all, "; "), opens
}
