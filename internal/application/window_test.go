package application

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// projectWith is an AppProject with sync windows, as a cluster sends it.
func projectWith(t *testing.T, windows v1alpha1.SyncWindows) Project {
	t.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{SyncWindows: windows}})
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{Object: fields}
	o.SetName("team")
	return ReadProject(o)
}

// TestSyncWindowsAsArgoCD holds ours against Argo CD's own code, which knows but one time: now.
func TestSyncWindowsAsArgoCD(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a test must be repeatable
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	globs := func(of ...string) (out []string) {
		for range random.IntN(3) {
			out = append(out, pick(of...))
		}
		return out
	}
	seen := map[bool]int{}
	for i := range 150 {
		now := time.Now().UTC()
		var list v1alpha1.SyncWindows
		for range random.IntN(4) {
			opens := now.Add(time.Duration(random.IntN(96*60)-48*60) * time.Minute)
			list = append(list, &v1alpha1.SyncWindow{
				Kind: pick("allow", "deny"),
				Schedule: pick(fmt.Sprintf("%d %d * * *", opens.Minute(), opens.Hour()), fmt.Sprintf("%d %d %d %d *", opens.Minute(), opens.Hour(), opens.Day(), opens.Month()),
					fmt.Sprintf("%d * * * %d", opens.Minute(), opens.Weekday()), "* * * * *", "0 0 31 2 *"),
				Duration: pick("1m", "30m", "5h", "30h", "-1h", "0s"), TimeZone: pick("", "UTC", "Europe/Berlin", "Asia/Kathmandu"), ManualSync: random.IntN(2) == 0,
				Applications: globs("shop", "sh*", "*", "other"), Namespaces: globs("prod", "{prod,dev}", "x"), Clusters: globs("in-cluster", "https://*", "far"),
			})
		}
		app := &v1alpha1.Application{}
		app.Name, app.Spec.Destination.Namespace = "shop", pick("prod", "")
		if random.IntN(2) == 0 {
			app.Spec.Destination.Name = pick("in-cluster", "far")
		} else {
			app.Spec.Destination.Server = pick("https://kubernetes.default.svc", "https://far:6443")
		}
		at := Place{Name: app.Name, Namespace: app.Spec.Destination.Namespace, Target: Target{app.Spec.Destination.Server, app.Spec.Destination.Name}}
		set, err := projectWith(t, list).SyncWindows(at)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		before := set.At(time.Now()).Open
		theirs, err := list.Matches(app).CanSync(false)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		state := set.At(time.Now())
		if before == state.Open && state.Open != theirs && !onEdge(set.At(time.Now().Add(-time.Second)).Open, before) {
			t.Errorf("%d: Argo CD may sync: %t, and ours is %s, of %s", i, theirs, state, list)
		}
		seen[theirs]++
	}
	if seen[true] < 20 || seen[false] < 20 {
		t.Errorf("Argo CD could sync so often: %v", seen)
	}
}

// onEdge reports whether a window opened or ended within the last second: Argo CD opens one
// after the second in which it begins.
func onEdge(before, now bool) bool { return before != now }

// TestSyncWindowsOfNewerArgoCD: what its version 2 does not know.
func TestSyncWindowsOfNewerArgoCD(t *testing.T) {
	project := func(fields map[string]any) Project {
		w := map[string]any{"kind": "deny", "schedule": "* * * * *", "duration": "24h", "description": "TICKET-1", "syncOverrun": true}
		for name, value := range fields {
			w[name] = value
		}
		return ReadProject(&unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "team"}, "spec": map[string]any{"syncWindows": []any{w}}}})
	}
	shop, other := []any{"shop"}, []any{"other"}
	at := Place{Name: "shop", Namespace: "prod", Target: Target{Name: "far"}}
	for name, test := range map[string]struct {
		fields map[string]any
		open   bool
	}{
		"one of two matches":             {map[string]any{"applications": shop, "namespaces": other}, false},
		"one of two, and both must":      {map[string]any{"applications": shop, "namespaces": other, "andOperator": true}, true},
		"both, and both must":            {map[string]any{"applications": shop, "namespaces": []any{"prod"}, "andOperator": true}, false},
		"one is given, and both must":    {map[string]any{"clusters": []any{"f*"}, "andOperator": true}, false},
		"another is given, and all must": {map[string]any{"clusters": other, "applications": shop, "andOperator": true}, true},
		"none is given, and all must":    {map[string]any{"andOperator": true}, true},
		"none is given":                  {nil, true},
	} {
		set, err := project(test.fields).SyncWindows(at)
		if state := set.At(time.Now()); err != nil || state.Open != test.open {
			t.Errorf("%s: %s, %v", name, state, err)
		}
	}
}

func TestSyncWindowsThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		window map[string]any
		says   string // empty: it is about another Application
	}{
		"no schedule":         {map[string]any{"kind": "deny", "duration": "1h", "applications": []any{"*"}}, "spec.syncWindows[1].schedule: "},
		"a number":            {map[string]any{"kind": "deny", "schedule": int64(5), "duration": "1h", "applications": []any{"*"}}, "spec.syncWindows[1].schedule: "},
		"a zone with a typo":  {map[string]any{"kind": "allow", "schedule": "* * * * *", "duration": "1h", "timeZone": "Berlin", "namespaces": []any{"prod"}}, "spec.syncWindows[1].timeZone: Berlin is not a time zone"},
		"another kind":        {map[string]any{"kind": "maybe", "schedule": "* * * * *", "duration": "1h", "applications": []any{"shop"}}, "spec.syncWindows[1].kind: "},
		"another Application": {map[string]any{"kind": "deny", "schedule": "?", "duration": "x", "applications": []any{"other"}}, ""},
		"not a mapping":       {nil, ""},
	} {
		var item any = test.window
		if test.window == nil {
			item = "text"
		}
		fine := map[string]any{"kind": "allow", "schedule": "* * * * *", "duration": "1h", "applications": []any{"*"}}
		p := ReadProject(&unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "team"}, "spec": map[string]any{"syncWindows": []any{fine, item}}}})
		set, err := p.SyncWindows(Place{Name: "shop", Namespace: "prod"})
		switch {
		case test.says == "" && (err != nil || !set.At(time.Now()).Open):
			t.Errorf("%s: %v", name, err)
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), "its AppProject team has a sync window that cannot be read: "+test.says)):
			t.Errorf("%s: %v", name, err)
		}
	}
}
