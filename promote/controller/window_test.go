package controller

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/object/drift"
	"github.com/assaydev/assay/promote/controller/fleet"
	"github.com/assaydev/assay/test/envrepo"
)

// windows gives the AppProject sync windows.
func (w *world) windows(list ...map[string]any) {
	var windows []any
	for _, item := range list {
		item["applications"] = []any{"shop"}
		windows = append(windows, item)
	}
	w.project = func(context.Context, string) (application.Project, error) {
		return application.ReadProject(&unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"name": "team"},
			"spec": map[string]any{
				"sourceRepos": []any{"*"}, "destinations": []any{map[string]any{"server": "*", "namespace": "*"}}, "syncWindows": windows,
			},
		}}), nil
	}
}

func once(kind, schedule, duration string) map[string]any {
	return map[string]any{"kind": kind, "schedule": schedule, "duration": duration}
}

// TestSyncWindows is what windows of Argo CD and of the plan do to a verdict, by the clock of
// the cluster.
func TestSyncWindows(t *testing.T) {
	const plain, allowed, denied = "method: push", `method: push, windows: [{schedule: "0 12 * * *", duration: 1h}]`, `method: push, windows: [{kind: deny, schedule: "0 12 * * *", duration: 1h}]`
	noon := time.Date(2026, 11, 30, 12, 30, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		plan      string
		window    map[string]any
		condition string
		told      string // and how it begins
		waits     string // the sync, as the annotation tells
		again     time.Duration
	}{
		"open":                        {plain, once("allow", "0 12 * * *", "1h"), "Complete", "shop Promoted: ", "", 0},
		"closed":                      {plain, once("deny", "0 12 * * *", "31m"), "Complete", "shop Held: a promotion may not land now: the sync window of the AppProject team is closed by", "", 61 * time.Second},
		"closed for long":             {plain, once("allow", "0 22 * * *", "1h"), "Complete", "shop Held: a promotion may not land now", "", holdEvery + holdEvery/5},
		"it never opens":              {`method: push, windows: [{schedule: "0 0 30 2 *", duration: 1h}]`, once("allow", "0 12 * * *", "1h"), "Complete", "shop Held: a promotion may not land now: spec.promotion.windows of the plan is", "", holdEvery + holdEvery/5},
		"it never opens: rejected":    {`method: push, windows: [{schedule: "0 0 30 2 *", duration: 1h}]`, once("allow", "0 12 * * *", "1h"), "Failed", "shop Rejected: ", "", 0},
		"closed for a rejection":      {plain, once("deny", "0 12 * * *", "1h"), "Failed", "shop Rejected: ", "closed by deny", 0},
		"it cannot be read":           {plain, once("deny", "0 12", "1h"), "Complete", "shop Held: a promotion may not land now: its AppProject team has a sync window that cannot be read: spec.syncWindows[0].schedule", "", holdEvery + holdEvery/5},
		"it cannot be read: rejected": {plain, once("deny", "0 12", "1h"), "Failed", "shop Rejected: ", "cannot be read", 0},
		"closed, and the plan allows": {allowed, once("deny", "0 12 * * *", "1h"), "Complete", "shop Promoted: ", "closed by deny", 0},
		"open, and the plan denies":   {denied, once("allow", "0 12 * * *", "1h"), "Complete", "shop Held: a promotion may not land now: spec.promotion.windows of the plan is closed by", "", holdEvery + holdEvery/5},
		"the plan denies a rejection": {denied, once("allow", "0 12 * * *", "1h"), "Failed", "shop Rejected: ", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, envrepo.Prod(test.plan))
			w.clock(func() time.Time { return noon })
			w.promoter.clock = func() time.Time { return noon }
			w.windows(test.window)
			w.judge(test.condition)
			var waits string
			tell := w.tell
			w.tell = func(ctx context.Context, app application.Deployed, n news) {
				waits = n.outcome.SyncWaits
				if text := fmt.Sprint(annotation(n.all)); waits != "" && (!strings.Contains(text, `"syncWaits":"`) || !strings.Contains(n.outcome.String(), "; the sync waits: ")) {
					t.Errorf("the annotation is %s, and the Event %s", text, n.outcome)
				}
				tell(ctx, app, n)
			}
			tip := w.tip()
			again := w.conclude()
			if again < test.again/2 || again > test.again {
				t.Errorf("it looks again after %s, want about %s", again, test.again)
			}
			if !strings.Contains(waits, test.waits) || (waits == "") != (test.waits == "") {
				t.Errorf("the sync waits for %q", waits)
			}
			if held := strings.Contains(test.told, " Held: "); held != (w.tip() == tip) {
				t.Errorf("it wrote: %t", w.tip() != tip)
			}
			w.said(test.told)
		})
	}
}

// TestPromotesOnceItOpens: a cluster whose clock is ahead does not open a window.
func TestPromotesOnceItOpens(t *testing.T) {
	w := newWorld(t, envrepo.Prod(`method: push, windows: [{schedule: "0 12 * * *", duration: 1h}]`))
	now := time.Date(2026, 11, 30, 11, 59, 50, 0, time.UTC)
	w.clock(func() time.Time { return now.Add(30 * time.Minute) })
	w.promoter.clock = func() time.Time { return now }
	w.judge("Complete")
	if again := w.conclude(); again != 11*time.Second {
		t.Errorf("it looks again after %s", again)
	}
	w.said("shop Held: ")
	now = now.Add(11 * time.Second)
	w.conclude()
	w.said("shop Promoted: ")
}

// TestUntil: it is looked at again by the clock that is there next, and a time that has passed by all of them
// does not have it looked at again and again.
func TestUntil(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	by := func(skews ...time.Duration) (sites []site) {
		for _, skew := range skews {
			sites = append(sites, site{at: fleet.Location{Now: func() time.Time { return now.Add(skew) }}})
		}
		return sites
	}
	const hour = time.Hour
	for name, test := range map[string]struct {
		skews []time.Duration
		due   time.Duration   // from now, by our clock
		again []time.Duration // after looks one after the other
	}{
		"one clock":                {[]time.Duration{0}, 10 * time.Minute, []time.Duration{10*time.Minute + firstAgain}},
		"an hour apart":            {[]time.Duration{hour, 0}, 10 * time.Minute, []time.Duration{10*time.Minute + firstAgain}},
		"passed by one":            {[]time.Duration{0, -hour}, -10 * time.Minute, []time.Duration{50*time.Minute + firstAgain}},
		"passed by all":            {[]time.Duration{0, hour}, -time.Minute, []time.Duration{firstAgain, awayEvery, awayEvery}},
		"passed, by our clock too": {nil, -time.Minute, []time.Duration{firstAgain, awayEvery}},
	} {
		p := &promoter{lives: &lives{}, clock: func() time.Time { return now }}
		l := &look{key: envsKey("prod"), sites: by(test.skews...)}
		for i, want := range test.again {
			if got := p.until(l, now.Add(test.due)); got != want {
				t.Errorf("%s: after look %d it is looked at again after %s, want %s", name, i, got, want)
			}
		}
	}
}

// TestDrift: what was edited in the cluster is not promoted, unless the Application says that
// others write it.
func TestDrift(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Complete")
	variant := w.render().Variant[0]
	variant.SetNamespace("web")
	if err := unstructured.SetNestedField(variant.Object, "fast", "spec", "template", "spec", "nodeSelector", "disk"); err != nil {
		t.Fatal(err)
	}
	w.objects = append(w.objects, variant)
	w.conclude()
	w.said("shop Held: what was tested is not what Git renders: Deployment/web/web-candidate: spec.template.spec.nodeSelector is a mapping in the cluster")
	w.applications[0].Ignored = []drift.Ignore{{Group: "apps", Kind: "Deployment", Pointers: []string{"/spec/template/spec/nodeSelector"}}}
	w.conclude()
	w.said("shop Promoted: ")
}

// TestDriftThatSettingsIgnore: rules for all Applications count beside their own, and a key that cannot be
// read is a hold that names it.
func TestDriftThatSettingsIgnore(t *testing.T) {
	for value, want := range map[string]string{
		"jqPathExpressions: [.spec.template.spec.nodeSelector.disk]": "shop Promoted: ",
		"jqPathExpressions: [.spec.replicas]":                        "shop Held: what was tested is not what Git renders: ",
		"jsonPointers: /spec":                                        "shop Held: resource.customizations.ignoreDifferences.apps_Deployment of the ConfigMap argocd-cm: ",
	} {
		w := newWorld(t, push())
		w.judge("Complete")
		variant := w.render().Variant[0]
		variant.SetNamespace("web")
		if err := unstructured.SetNestedField(variant.Object, "fast", "spec", "template", "spec", "nodeSelector", "disk"); err != nil {
			t.Fatal(err)
		}
		w.objects = append(w.objects, variant)
		w.settled = map[string]string{"resource.customizations.ignoreDifferences.apps_Deployment": value}
		w.conclude()
		w.said(want)
	}
}
