package controller

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/assaydev/assay/internal/budget"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/branch"
	"github.com/assaydev/assay/render"
)

// budgets have candidates wait in Git while as many experiments run as may.
//
// One replica counts: the one that has the first shard. It looks at the markers of all environments, those
// of others' shards too, and it alone makes a candidate wait or lets it run. So there is one count, made of
// what Git holds, and none that replicas would have to agree on: what a cluster shows of an experiment comes
// minutes after Git has it, and a record beside Git could be wrong. A count begins anew with who takes the
// shard, and nothing is let run before every environment has been looked at once.
//
// A nil one lets everything run. It is safe for concurrent use.
type budgets struct {
	limits budget.Limits
	counts func(context.Context) (work context.Context, leave func(), ok bool)
	all    func() []Key // environments that there are
	wake   func([]Key)

	mu     sync.Mutex
	ledger *budget.Ledger[Key]
	count  count
	at     map[Key]Key  // what Applications name, with the branch by its name
	names  map[Key]Key  // and back: one of them
	woken  map[Key]bool // for the room that there is, and not looked at since
	traces map[Key]traces
}

func newBudgets(limits budget.Limits, counts func(context.Context) (context.Context, func(), bool), all func() []Key, wake func([]Key)) *budgets {
	b := &budgets{limits: limits, counts: counts, all: all, wake: wake}
	b.reset()
	return b
}

// limited reports whether there are limits at all.
func (b *budgets) limited() bool { return b != nil && b.limits != budget.Limits{} }

func (b *budgets) reset() {
	b.ledger, b.at, b.names = budget.New(b.limits, Key.text), map[Key]Key{}, map[Key]Key{}
	b.count = count{number: b.count.number + 1, began: time.Now()}
	b.woken, b.traces = map[Key]bool{}, map[Key]traces{}
}

// begin begins a new count, for which all environments are to be looked at.
func (b *budgets) begin() {
	if !b.limited() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reset()
}

// look is the count that a look which begins now is for.
func (b *budgets) look() (number int) {
	if !b.limited() {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count.number
}

// looked takes how a look at an environment ended. One that began before the count did says nothing of what
// there was since.
func (b *budgets) looked(key Key, number int, err error) {
	if !b.limited() {
		return
	}
	b.mu.Lock()
	if number == b.count.number {
		if at, known := b.at[key]; known && err != nil {
			b.ledger.Fail(at)
		}
		if b.count.seen(key, err, b.all) {
			b.ledger.Open()
		}
	}
	b.mu.Unlock()
	b.hasten()
}

// hasten has the candidates looked at that there is room for by now, each once: where that fails, it is
// tried again after longer and longer.
func (b *budgets) hasten() {
	b.mu.Lock()
	defer b.mu.Unlock()
	var keys []Key
	woken := map[Key]bool{}
	for _, at := range b.ledger.Pending() {
		if woken[at] = true; !b.woken[at] {
			keys = append(keys, b.names[at])
		}
	}
	b.woken = woken
	b.wake(keys)
}

// gone forgets an environment that nothing deploys any more by this key.
func (b *budgets) gone(key Key) {
	if !b.limited() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at, known := b.at[key]
	if !known {
		return
	}
	delete(b.at, key)
	for other, there := range b.at {
		if there == at {
			b.names[at] = other
			return
		}
	}
	delete(b.names, at)
	delete(b.traces, at)
	b.ledger.Forget(at, false)
}

// put asks what is to become of a candidate.
func (b *budgets) put(l *look, c budget.Candidate) budget.Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at[l.key], b.names[l.at] = l.at, l.key
	delete(b.woken, l.at)
	return b.ledger.Put(l.at, c)
}

// free takes that an environment has nothing under test in Git. What it tested counts until it is gone from
// the clusters.
func (b *budgets) free(l *look) {
	if !b.limited() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger.Forget(l.at, b.trace(l, "", nil))
}

// confirm takes that Git has a candidate run.
func (b *budgets) confirm(l *look, experiment string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger.Confirm(l.at, experiment)
}

// withdraw takes an environment that is held whatever it tests: if it waits, others do not wait for it.
func (b *budgets) withdraw(l *look) {
	if !b.limited() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger.Fail(l.at)
}

// settled reports whether nothing is to be asked: what is under test is counted, and runs.
func (b *budgets) settled(l *look) bool {
	if l.rendered.Waits() {
		return false
	}
	if !b.limited() {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ledger.Runs(l.at, string(l.rendered.Digest))
}

// came is when a candidate's marker came, as the count has it.
func (b *budgets) came(l *look, res *render.Result) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ledger.Came(l.at, string(res.Digest))
}

// admit has the candidate that a look left as it is wait in Git, or lets it run, and the result says so. Of
// one that was decided the next may have moved up.
func (p *promoter) admit(ctx context.Context, s *branch.Session, l *look, r *promote.Result) error {
	b := p.budgets
	if b == nil {
		return nil
	}
	if b.limited() {
		work, leave, ok := b.counts(ctx)
		if !ok {
			return nil // the replica that counts looks at it, too
		}
		defer leave()
		ctx = work
	}
	landed := r.Edit != nil && r.Commit != "" && (r.Pull == nil || r.Pull.State == promote.Merged)
	switch {
	case r.Outcome == decision.None:
		b.free(l)
		return nil
	case landed && r.Waiting == 0: // it counts until Argo CD has taken it away, which wakes us
		return nil
	case !landed && (l.rendered == nil || b.settled(l)):
		return nil
	}
	at, err := p.place(ctx, s, l)
	if r.Choice.Held != "" && at.said != "" {
		r.Reason, r.Choice.Reason, r.Choice.Candidate.Spec.Waiting = at.said, at.said, at.waits
	}
	return err
}

// survey looks at an environment that another replica concludes, for the count.
func (p *promoter) survey(ctx context.Context, key Key) error {
	if !p.budgets.limited() {
		return nil
	}
	ctx, leave, ok := p.budgets.counts(ctx)
	if !ok {
		return nil
	}
	defer leave()
	sites, err := p.deploying(ctx, key)
	if err != nil || len(sites) == 0 {
		if err == nil {
			p.budgets.gone(key)
		}
		return err
	}
	s, why, err := p.reach(ctx, key, sites[0])
	if err != nil {
		return err
	}
	defer s.Close()
	l := &look{key: key, at: key.on(s.Branch)}
	if why == "" {
		if l.sites, err = p.all(ctx, s, key); err == nil {
			why = stopped(l.sites)
		}
	}
	switch {
	case err != nil:
		return err
	case why != "":
		p.budgets.withdraw(l)
		return nil
	case len(l.sites) == 0:
		return nil
	}
	_, err = p.place(ctx, s, l)
	return err
}

// placed is what became of a candidate: it waits, or does not any more. said is empty where it never did.
type placed struct {
	waits bool
	said  string
}

// place asks for what is under test at the tip, and commits what the answer is.
func (p *promoter) place(ctx context.Context, s *branch.Session, l *look) (at placed, err error) {
	var runs string // the experiment that is let run
	commit, err := s.Admit(ctx, func(ctx context.Context, res *render.Result) (bool, string, error) {
		if at, runs = (placed{}), ""; res == nil {
			p.budgets.free(l)
			return false, "", nil
		}
		a := budget.Answer{Why: "there is no budget"}
		if p.budgets.limited() {
			c, err := p.claim(ctx, s, l, res)
			if err != nil {
				return false, "", err
			}
			a = p.budgets.put(l, c)
		}
		switch {
		case a.Waits:
			at = placed{true, promote.WaitsInGit + ": " + a.Why}
		case res.Waits():
			at.said, runs = "it waits no longer: "+a.Why, string(res.Digest)
		}
		return a.Waits, a.Why, nil
	})
	if commit != "" {
		p.opt.Log.Info("the budget decided", "environment", l.at.String(), "waits", at.waits, "reason", at.said, "commit", commit)
	}
	if runs != "" && p.budgets.limited() && (commit != "" || remote.MayHaveLanded(err)) {
		p.budgets.confirm(l, runs)
	}
	return at, err
}

// claim is what a candidate asks for.
func (p *promoter) claim(ctx context.Context, s *branch.Session, l *look, res *render.Result) (budget.Candidate, error) {
	c := budget.Candidate{Experiment: string(res.Digest), Waits: res.Waits()}
	c.Begun, c.Lingers = p.budgets.traced(l, res)
	for _, of := range l.sites {
		c.Projects = append(c.Projects, of.app.Project)
		c.Destinations = append(c.Destinations, cmp.Or(of.at.Server, of.at.Name, of.place.Target.String()))
	}
	slices.Sort(c.Projects)
	slices.Sort(c.Destinations)
	c.Projects, c.Destinations = slices.Compact(c.Projects), slices.Compact(c.Destinations)
	if came, known := p.budgets.came(l, res); known {
		c.Came = came
		return c, nil
	}
	origin, known, err := s.Origin(ctx, *res.Marker)
	if err != nil {
		return c, err
	}
	c.Came = time.Now()
	if known && origin.Time.Before(c.Came) {
		c.Came = origin.Time // a commit of the future came now
	}
	return c, nil
}
