package promote

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/window"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/envrepo"
)

var (
	closedWindow = spec.Window{Kind: "deny", Schedule: "* * * * *", Duration: "24h"}
	openWindow   = spec.Window{Kind: "allow", Schedule: "* * * * *", Duration: "24h"}
	noon         = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
)

func atNoon() time.Time { return noon }

// TestWindowsHold is what a closed window of the plan and of Argo CD does to a decision.
func TestWindowsHold(t *testing.T) {
	res := mustRender(t, envrepo.Prod("method: push").On(t), "prod")
	saved := map[string]Objects{"Complete": Saved(envrepo.Concluded(res.Digest, "Complete")), "Failed": Saved(envrepo.Concluded(res.Digest, "Failed"))}
	argo := func(w ...window.Window) *Windows {
		out := &Windows{Project: "team"}
		for _, one := range w {
			if err := out.Add(one); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	night := window.Window{Kind: "allow", Schedule: "0 22 * * *", Duration: "4h"}
	deployed := func(condition string, of ...*Windows) Decider {
		var list []Deployment
		for i, w := range of {
			list = append(list, Deployment{Name: string(rune('a' + i)), Objects: saved[condition], Now: atNoon, Windows: w})
		}
		return ByDeployments(list)
	}
	broken := &Windows{Project: "team", Unreadable: errors.New("its AppProject team has a sync window that cannot be read: spec.syncWindows[0].schedule")}
	for name, test := range map[string]struct {
		windows []spec.Window // of the plan
		decide  Decider
		want    decision.Outcome
		says    string
		opens   time.Time
		waits   string // the sync
	}{
		"by hand":                       {nil, ByHand(decision.Promote, "why", ""), decision.Promote, "why", time.Time{}, ""},
		"by hand, open":                 {[]spec.Window{openWindow}, ByHand(decision.Promote, "why", ""), decision.Promote, "why", time.Time{}, ""},
		"by hand, closed":               {[]spec.Window{closedWindow}, ByHand(decision.Promote, "why", ""), decision.Hold, `a promotion may not land now: spec.promotion.windows of the plan is closed by deny "* * * * *" for 24h, and does not open within five years`, time.Time{}, ""},
		"by hand, at any time":          {[]spec.Window{closedWindow}, OutsideWindows(ByHand(decision.Promote, "why", "")), decision.Promote, "why", time.Time{}, ""},
		"a rejection by hand":           {[]spec.Window{closedWindow}, ByHand(decision.Reject, "why", ""), decision.Reject, "why", time.Time{}, ""},
		"by verdict, closed":            {[]spec.Window{closedWindow}, ByVerdict(saved["Complete"], ""), decision.Hold, "; the verdict is promote: ", time.Time{}, ""},
		"by the wanted verdict, closed": {[]spec.Window{closedWindow}, ByVerdict(saved["Complete"], decision.Promote), decision.Hold, "a promotion may not land now", time.Time{}, ""},
		"by verdict, until it opens":    {[]spec.Window{{Schedule: "0 22 * * *", Duration: "4h"}}, ByVerdict(saved["Complete"], ""), decision.Hold, "opens at 2026-11-30T22:00:00Z", time.Date(2026, 11, 30, 22, 0, 0, 0, time.UTC), ""},
		"a rejection by verdict":        {[]spec.Window{closedWindow}, ByVerdict(saved["Failed"], ""), decision.Reject, "", time.Time{}, ""},
		"deployments, closed":           {[]spec.Window{closedWindow}, deployed("Complete", nil), decision.Hold, "; the verdict is promote: ", time.Time{}, ""},
		"deployments reject":            {[]spec.Window{closedWindow}, deployed("Failed", nil), decision.Reject, "", time.Time{}, ""},
		"Argo CD's, open":               {nil, deployed("Complete", argo()), decision.Promote, "", time.Time{}, ""},
		"Argo CD's, closed":             {nil, deployed("Complete", argo(night)), decision.Hold, `the sync window of the AppProject team is closed outside of allow "0 22 * * *" for 4h, and opens at 2026-11-30T22:00:00Z`, time.Date(2026, 11, 30, 22, 0, 0, 0, time.UTC), ""},
		"one of two is closed":          {nil, deployed("Complete", argo(), argo(night)), decision.Hold, "b: the sync window of the AppProject team", time.Date(2026, 11, 30, 22, 0, 0, 0, time.UTC), ""},
		"the last that opens":           {nil, deployed("Complete", argo(night), argo(window.Window{Kind: "allow", Schedule: "0 23 * * *", Duration: "1h"})), decision.Hold, "; b: ", time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC), ""},
		"one never opens":               {nil, deployed("Complete", argo(night), argo(window.Window{Kind: "deny", Schedule: "* * * * *", Duration: "24h"})), decision.Hold, "does not open", time.Time{}, ""},
		"Argo CD's cannot be read":      {nil, deployed("Complete", broken), decision.Hold, "cannot be read: spec.syncWindows[0].schedule", time.Time{}, ""},
		"the plan's count instead":      {[]spec.Window{openWindow}, deployed("Complete", argo(night)), decision.Promote, "", time.Time{}, "the sync window of the AppProject team is closed"},
		"a rejection, and no sync":      {nil, deployed("Failed", argo(night)), decision.Reject, "", time.Time{}, "and opens at 2026-11-30T22:00:00Z"},
		"no verdict, and no window":     {[]spec.Window{closedWindow}, ByDeployments(nil), decision.Hold, "it is deployed nowhere", time.Time{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			at, plan := *res, *res.Plan
			plan.Spec.Promotion.Windows = test.windows
			at.Plan = &plan
			c, err := test.decide.Choose(t.Context(), Tip{Rendered: &at, Now: atNoon, Here: atNoon})
			if err != nil {
				t.Fatal(err)
			}
			got := c.Held
			if got == "" {
				got = c.Outcome
			}
			if got != test.want || !strings.Contains(c.Reason, test.says) || !c.Opens.Equal(test.opens) || !strings.Contains(c.SyncWaits, test.waits) || (test.waits == "") != (c.SyncWaits == "") {
				t.Errorf("%s: %s; opens at %s, sync waits %q", got, c.Reason, c.Opens, c.SyncWaits)
			}
			if held := strings.Contains(c.Reason, "may not land now"); held != c.Shut || held && (c.Experiment != res.ID || c.Candidate.Metadata.Name != "2.0.0") {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestWindowsByTwoClocks: what is closed by our own clock or by a cluster's is closed, until it is open by both.
func TestWindowsByTwoClocks(t *testing.T) {
	res := mustRender(t, envrepo.Prod("method: push").On(t), "prod")
	hour := func(h int) func() time.Time {
		return func() time.Time { return noon.Add(time.Duration(h) * time.Hour) }
	}
	argo := &Windows{Project: "team"}
	if err := argo.Add(window.Window{Kind: "allow", Schedule: "0 12 * * *", Duration: "1h"}); err != nil {
		t.Fatal(err)
	}
	today, tomorrow := noon, noon.Add(24*time.Hour)
	for name, test := range map[string]struct {
		here, there int // hours after noon
		want        decision.Outcome
		opens       time.Time
	}{
		"open by both":                   {0, 0, decision.Promote, time.Time{}},
		"closed by both":                 {-3, -2, decision.Hold, today},
		"a cluster opens it":             {-3, 0, decision.Hold, today},
		"a cluster keeps it open":        {3, 0, decision.Hold, tomorrow},
		"we open it":                     {0, -3, decision.Hold, today},
		"we keep it open":                {0, 3, decision.Hold, tomorrow},
		"one before it and one after it": {-3, 3, decision.Hold, tomorrow},
	} {
		t.Run(name, func(t *testing.T) {
			at, plan := *res, *res.Plan
			plan.Spec.Promotion.Windows = []spec.Window{{Schedule: "0 12 * * *", Duration: "1h"}}
			planned := *res
			planned.Plan = &plan
			here, there := hour(test.here), hour(test.there)
			objects := Saved(envrepo.Concluded(res.Digest, "Complete"))
			for what, c := range map[string]struct {
				decide Decider
				on     *render.Result
			}{
				"the plan's":            {ByDeployments([]Deployment{{Name: "a", Objects: objects, Now: there}}), &planned},
				"the plan's, by a file": {ByVerdict(objects, ""), &planned},
				"the plan's, by hand":   {ByHand(decision.Promote, "why", ""), &planned},
				"Argo CD's":             {ByDeployments([]Deployment{{Name: "a", Objects: objects, Now: there, Windows: argo}}), &at},
			} {
				got, err := c.decide.Choose(t.Context(), Tip{Rendered: c.on, Now: there, Here: here})
				if err != nil {
					t.Fatal(err)
				}
				outcome := got.Held
				if outcome == "" {
					outcome = got.Outcome
				}
				if outcome != test.want || !got.Opens.Equal(test.opens) {
					t.Errorf("%s: %s, and opens at %s, want %s", what, outcome, got.Opens, test.opens)
				}
			}
		})
	}
}

// TestWindowsChangeNothing: laws 6 and 7. A window is part neither of what is tested nor of what is rendered.
func TestWindowsChangeNothing(t *testing.T) {
	plain := mustRender(t, envrepo.Prod("method: push").On(t), "prod")
	for _, windows := range []string{
		`windows: [{schedule: "* * * * *", duration: 24h}]`, `windows: [{kind: deny, schedule: "* * * * *", duration: 24h}]`,
		`windows: [{schedule: "0 0 31 2 *", duration: 1h, timeZone: Europe/Berlin}]`, `windows: []`,
	} {
		with := mustRender(t, envrepo.Prod("method: push, "+windows).On(t), "prod")
		if with.Digest != plain.Digest {
			t.Errorf("%s: the digest is %s, and %s without it", windows, with.Digest, plain.Digest)
		}
		if diff := object.Diff(plain.Output(), with.Output()); len(diff) > 0 {
			t.Errorf("%s: it changes %d objects", windows, len(diff))
		}
	}
}
