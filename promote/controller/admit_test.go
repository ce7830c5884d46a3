package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaydev/assay/internal/budget"
	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/git/remote"
)

// TestBudgetsAreTold: a candidate that waits says for what, and one that was written to wait runs where
// there is no budget.
func TestBudgetsAreTold(t *testing.T) {
	c := newCompany(t, 2, budget.Limits{Instance: 1})
	for i := range 2 {
		c.mark(i, false)
		c.look(c.keyOf(i))
	}
	c.settle()
	found := slices.ContainsFunc(c.reports, func(text string) bool {
		return strings.HasPrefix(text, "e1 Held: it waits in Git") && strings.HasSuffix(text, ": 1 of 1 experiments run")
	})
	if !found || !strings.Contains(c.file("e1/candidate.yaml"), "waiting: true") {
		t.Errorf("told %q, and the marker is %s", c.reports, c.file("e1/candidate.yaml"))
	}
	free := newCompany(t, 1, budget.Limits{})
	free.budgets.counts = func(context.Context) (context.Context, func(), bool) { return nil, nil, false } // another replica's shard
	free.mark(0, true)
	free.look(free.keyOf(0))
	if strings.Contains(free.file("e0/candidate.yaml"), "waiting") {
		t.Errorf("without a budget the marker is %s", free.file("e0/candidate.yaml"))
	}
}

// TestOneReplicaCounts: who does not count leaves markers as they are, and who does surveys the
// environments of others.
func TestOneReplicaCounts(t *testing.T) {
	c := newCompany(t, 2, budget.Limits{Instance: 1})
	counts := false
	c.budgets.counts = func(ctx context.Context) (context.Context, func(), bool) { return ctx, func() {}, counts }
	for i := range 2 {
		c.mark(i, false)
		c.look(c.keyOf(i))
	}
	if tip, err := c.repo.Git("log", "-1", "--format=%s", "main"); err != nil || tip != "try" {
		t.Errorf("a replica that does not count made the commit %q, %v", tip, err)
	}
	counts = true
	c.budgets.begin()
	for i := range 2 {
		c.surveys(i)
	}
	for range 3 { // the second has to wait once both are known
		for _, key := range slices.Clone(c.todo) {
			if err := c.survey(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
	}
	if strings.Contains(c.file("e0/candidate.yaml"), "waiting") || !strings.Contains(c.file("e1/candidate.yaml"), "waiting: true") {
		t.Errorf("the markers are %s and %s", c.file("e0/candidate.yaml"), c.file("e1/candidate.yaml"))
	}
}

// surveys looks at an environment that another replica concludes.
func (c *company) surveys(i int) {
	c.t.Helper()
	key, count := c.keyOf(i), c.budgets.look()
	err := c.survey(c.t.Context(), key)
	c.budgets.looked(key, count, err)
	if err != nil {
		c.t.Fatal(err)
	}
}

// TestBrokenEnvironmentKeepsNobodyWaiting: one that cannot be looked at any more while it waits is not
// waited for.
func TestBrokenEnvironmentKeepsNobodyWaiting(t *testing.T) {
	c := three(t)
	c.budgets.looked(c.keyOf(1), c.budgets.look(), context.DeadlineExceeded)
	c.finish(0, "Complete")
	c.look(c.keyOf(0))
	c.sync(0)
	c.settle()
	if strings.Contains(c.file("e2/candidate.yaml"), "waiting") {
		t.Errorf("the marker of e2 is %s", c.file("e2/candidate.yaml"))
	}
}

// three has an experiment that runs in the first of three environments, for which the two others wait.
func three(t *testing.T) *company {
	t.Helper()
	c := newCompany(t, 3, budget.Limits{Instance: 1})
	for i := range 3 {
		c.look(c.keyOf(i))
	}
	for i := range 3 {
		c.mark(i, false)
		c.look(c.keyOf(i))
	}
	c.settle()
	c.sync(0)
	c.settle()
	c.waits(1, true)
	c.waits(2, true)
	return c
}

// waits holds that the candidate of an environment waits in Git, or does not.
func (c *company) waits(i int, want bool) {
	c.t.Helper()
	text := c.file(envAt(i) + "/candidate.yaml")
	if got := strings.Contains(text, "waiting: true"); got != want || text == "" {
		c.t.Errorf("the marker of %s is %s", envAt(i), text)
	}
}

// TestHeldEnvironmentKeepsNobodyWaiting: one that people rolled back while it waits is not waited for, whoever
// looks at it; it waits again once it is held no more.
func TestHeldEnvironmentKeepsNobodyWaiting(t *testing.T) {
	for name, look := range map[string]func(c *company, i int){
		"its own replica": func(c *company, i int) { c.look(c.keyOf(i)) },
		"who counts":      (*company).surveys,
	} {
		t.Run(name, func(t *testing.T) {
			c := three(t)
			c.applications[1].RolledBack = "abc"
			look(c, 1)
			c.finish(0, "Complete")
			c.look(c.keyOf(0))
			c.sync(0)
			c.settle()
			c.waits(2, false)
			c.applications[1].RolledBack = ""
			look(c, 1)
			c.settle()
			c.waits(1, true)
		})
	}
}

// TestCountsUntilItIsSynced: what is decided counts until Argo CD has synced that, whatever wakes looks before.
func TestCountsUntilItIsSynced(t *testing.T) {
	for name, look := range map[string]func(c *company, i int){
		"its own replica": func(c *company, i int) { c.look(c.keyOf(i)) },
		"who counts":      (*company).surveys,
	} {
		t.Run(name, func(t *testing.T) {
			c := three(t)
			c.finish(0, "Complete")
			c.look(c.keyOf(0))
			for range 2 {
				look(c, 0)
				c.settle()
			}
			c.waits(1, true)
			c.sync(0)
			look(c, 0)
			c.settle()
			c.waits(1, false)
		})
	}
}

// TestNextIsNotTheOneBefore: a candidate that takes the place of another has not begun because objects of the
// other, which are called alike, are in the cluster.
func TestNextIsNotTheOneBefore(t *testing.T) {
	c := newCompany(t, 2, budget.Limits{Instance: 1})
	for i := range 2 {
		c.look(c.keyOf(i))
	}
	for _, i := range []int{1, 0, 1} { // those of one second count in the order of their names
		c.mark(i, false)
		c.look(c.keyOf(i))
		c.settle()
		if !c.marked(0) {
			c.sync(1)
			c.settle()
		}
	}
	c.waits(0, true)
	c.waits(1, true)
	c.sync(1)
	c.settle()
	c.waits(0, false)
	c.waits(1, true)
}

// TestLetRunIsCounted: an error after a candidate was let run does not give its room to others.
func TestLetRunIsCounted(t *testing.T) {
	c := newCompany(t, 2, budget.Limits{Instance: 1})
	for i := range 2 {
		c.look(c.keyOf(i))
	}
	c.mark(0, true)
	c.look(c.keyOf(0))
	c.waits(0, false)
	c.budgets.looked(c.keyOf(0), c.budgets.look(), errors.New("a sync may not be ended"))
	c.mark(1, false)
	c.look(c.keyOf(1))
	c.settle()
	c.waits(1, true)
}

// counted is budgets of environments that nobody has looked at, and whether they let anything run yet.
func counted(keys ...Key) (b *budgets, counting func() bool) {
	b = newBudgets(budget.Limits{Instance: 1}, nil, func() []Key { return keys }, func([]Key) {})
	probe := &look{key: Key{Repo: "probe"}, at: Key{Repo: "probe"}}
	return b, func() bool {
		return b.put(probe, budget.Candidate{Experiment: "e", Waits: true}).Why == budget.Counting
	}
}

// TestCountWaitsForServers: a count is complete once what runs is known of every environment, or the server has
// not answered for long.
func TestCountWaitsForServers(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		waits bool
	}{
		"it was read":               {nil, false},
		"it does not render":        {errors.New("prod/web.yaml: line 3: not YAML"), false},
		"it is refused":             {&remote.RefusedError{Reason: "not allowed"}, false},
		"no answer":                 {fmt.Errorf("read the branch: %w", &remote.UnavailableError{Reason: "502"}), true},
		"nobody is there":           {&remote.UnreachableError{Reason: "refused"}, true},
		"for want of time":          {context.DeadlineExceeded, true},
		"a cluster does not answer": {&cluster.Unavailable{Err: errors.New("away")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one, two := envsKey("one"), envsKey("two")
				b, counting := counted(one, two)
				b.looked(one, b.look(), nil)
				if !counting() {
					t.Error("it is complete before all were looked at")
				}
				b.looked(two, b.look(), test.err)
				if counting() != test.waits {
					t.Errorf("it waits: %t", counting())
				}
				time.Sleep(answersWithin - time.Second)
				b.looked(two, b.look(), test.err)
				if counting() != test.waits {
					t.Errorf("before long it waits: %t", counting())
				}
				time.Sleep(2 * time.Second)
				b.looked(two, b.look(), test.err)
				if counting() {
					t.Error("it waits without end")
				}
			})
		})
	}
}

// TestCountBeginsAnew: a look that began before a count did is not part of it.
func TestCountBeginsAnew(t *testing.T) {
	one, two := envsKey("one"), envsKey("two")
	b, counting := counted(one, two)
	before := b.look()
	b.begin()
	b.looked(two, b.look(), nil)
	b.looked(one, before, nil)
	if !counting() {
		t.Error("a look of before completes the count")
	}
	b.looked(one, b.look(), nil)
	if counting() {
		t.Error("it is not complete once all were looked at")
	}
}
