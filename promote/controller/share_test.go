package controller

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/util/workqueue"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/shard"
	"github.com/assaydev/assay/internal/spec"
)

// deployer adds an Application of directories.
func (a *applications) deployer(t *testing.T, name string, dirs ...string) {
	t.Helper()
	o := &outline{app: application.Deployed{Name: application.Name{Namespace: "argocd", Name: name}}}
	o.Namespace, o.Name = "argocd", name
	for _, dir := range dirs {
		o.deploys = append(o.deploys, deploys{key: envsKey(dir), namespace: "web"})
	}
	if err := a.parts[0].GetStore().Add(o); err != nil {
		t.Fatal(err)
	}
}

// TestGroup: environments of one Application are in one shard, with those that others deploy of
// them; a chain without end is not followed.
func TestGroup(t *testing.T) {
	_, a, _ := argoCDWith(t)
	all := a.applications
	all.deployer(t, "alone", "alone")
	all.deployer(t, "pair", "b", "c")
	all.deployer(t, "other", "c", "d")
	if all.group(envsKey("alone")) != envsKey("alone").text() {
		t.Error("one that is alone is in the group of another")
	}
	for _, dir := range []string{"b", "c", "d"} {
		if got := all.group(envsKey(dir)); got != envsKey("b").text() {
			t.Errorf("%s is in the group %q", dir, got)
		}
	}
	for i := range 2 * mostTogether {
		all.deployer(t, fmt.Sprint("chain-", i), fmt.Sprintf("chain/%04d", i), fmt.Sprintf("chain/%04d", i+1))
	}
	if got := all.group(envsKey("chain/0700")); got != envsKey("chain/0700").text() {
		t.Errorf("one of a chain without end is in the group %q", got)
	}
	if n := len(all.all()); n != 4+2*mostTogether+1 {
		t.Errorf("%d environments", n)
	}
}

// TestOtherReplicas: what is another replica's is not looked at, and forgotten.
func TestOtherReplicas(t *testing.T) {
	_, a, _ := argoCDWith(t)
	a.applications.deployer(t, "shop", "prod")
	none, err := shard.New(shard.Options{Name: lease, Identity: "pod", Count: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[Key]())
	defer q.ShutDown()
	looked := false
	p := &promoter{told: &told{}, lives: &lives{}, metrics: newMetrics(), apps: func(context.Context, ...Key) ([]application.Deployed, error) {
		looked = true
		return nil, nil
	}}
	w := &watches{promoter: p, index: newIndex(), applications: a.applications, queue: q, started: make(chan struct{}), shards: none}
	w.took(0) // before the start it does nothing
	close(w.started)
	key := envsKey("prod")
	w.index.test(key, "e1")
	w.index.mark(key, true)
	app := application.Deployed{Name: application.Name{Namespace: "argocd", Name: "shop"}}
	p.told.add(app, key, Outcome{Environment: spec.Environment{Dir: "prod"}, Outcome: Failed}, []Key{key})
	if result, err := w.reconcile(t.Context(), key); err != nil || result.RequeueAfter != 0 {
		t.Errorf("%v, %v", result, err)
	}
	if looked || len(w.index.tests)+len(w.index.under) > 0 || p.told.knows(site{key: key, app: app}) {
		t.Errorf("looked %t, left %v and %v", looked, w.index.tests, w.index.under)
	}
	if got := w.of(0, w.applications.all()); !slices.Equal(got, []Key{key}) {
		t.Errorf("of the shard are %v", got)
	}
}

// TestRegrouped: where an Application comes, changes or goes, all environments are looked at whose group it may
// change, those of other Applications too: another replica has them from then on.
func TestRegrouped(t *testing.T) {
	_, a, _ := argoCDWith(t)
	all := a.applications
	all.deployer(t, "left", "l1", "l2")
	all.deployer(t, "right", "r1", "r2")
	all.deployer(t, "far", "r2", "r3")
	all.deployer(t, "alone", "alone")
	shared, err := shard.New(shard.Options{Name: lease, Identity: "pod", Count: 8, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[Key]())
	defer q.ShutDown()
	w := &watches{promoter: &promoter{told: &told{}}, index: newIndex(), applications: all, queue: q, started: make(chan struct{})}
	close(w.started)
	bridge := func(dirs ...string) *outline {
		all.deployer(t, "bridge", dirs...)
		o, _, err := all.parts[0].GetStore().GetByKey("argocd/bridge")
		if err != nil {
			t.Fatal(err)
		}
		return asOutline(o)
	}
	one, two := bridge("l1", "r1"), bridge("l2", "new")
	for name, test := range map[string]struct {
		shards        *shard.Set
		before, after *outline
		want          string
	}{
		"it comes":                {shared, nil, one, "l1 l2 r1 r2 r3"},
		"it goes":                 {shared, one, nil, "l1 l2 r1 r2 r3"},
		"it deploys others":       {shared, one, two, "l1 l2 new r1 r2 r3"},
		"it deploys the same":     {shared, one, one, "l1 r1"},
		"the work is not shared":  {nil, one, two, "l1 l2 new r1"},
		"it is part of one group": {shared, nil, two, "l1 l2 new"},
	} {
		w.shards = test.shards
		w.application(test.before, test.after)
		var dirs []string
		for q.Len() > 0 {
			key, _ := q.Get()
			q.Done(key)
			dirs = append(dirs, key.Dir)
		}
		slices.Sort(dirs)
		if got := strings.Join(dirs, " "); got != test.want {
			t.Errorf("%s: %s are looked at, want %s", name, got, test.want)
		}
	}
}
