package controller

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/assaydev/assay/internal/budget"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/object"
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
	unseen map[Key]bool // not looked at since the count began; nil before that
	at     map[Key]Key  // what Applications name, with the branch by its name
	names  map[Key]Key  // and back: one of them
	woken  map[Key]bool // for the room that there is, and not looked at since
}

func newBudgets(limits budget.Limits, counts func(context.Context) (context.Context, func(), bool), all func() []Key, wake func([]Key)) *budgets {
	b := &budgets{limits: limits, counts: counts, all: all, wake: wake}
	b.reset()
	return b
}

// limited reports whether there are limits at all.
func (b *budgets) limited() bool { return b != nil && b.limits != budget.Limits{} }

func (b *budgets) reset() {
	b.ledger, b.unseen, b.at, b.names = budget.New(b.limits, Key.text), nil, map[Key]Key{}, map[Key]Key{}
	b.woken = map[Key]bool{}
}

// begin begins a new count, and reports whether all environments are to be looked at for it.
func (b *budgets) begin() bool {
	if !b.limited() {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reset()
	return true
}

// looked takes how a look at an environment ended: one that cannot be looked at does not keep the others
// waiting.
func (b *budgets) looked(key Key, err error) {
	if !b.limited() {
		return
	}
	b.mu.Lock()
	if b.unseen == nil {
		b.unseen = map[Key]bool{}
		for _, k := range b.all() {
			b.unseen[k] = true
		}
	}
	delete(b.unseen, key)
	if at, known := b.at[key]; known && err != nil {
		b.ledger.Fail(at)
	}
	if len(b.unseen) == 0 {
		b.ledger.Open()
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
	b.ledger.Forget(at)
}

// put asks what is to become of a candidate.
func (b *budgets) put(l *look, c budget.Candidate) budget.Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at[l.key], b.names[l.at] = l.at, l.key
	delete(b.woken, l.at)
	return b.ledger.Put(l.at, c)
}

// free takes that an environment has nothing under test.
func (b *budgets) free(l *look) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger.Forget(l.at)
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
	ctx, leave, ok := b.counts(ctx)
	if !ok {
		return nil // the replica that counts looks at it, too
	}
	defer leave()
	landed := r.Edit != nil && r.Commit != "" && (r.Pull == nil || r.Pull.State == promote.Merged)
	switch {
	case r.Outcome == decision.None:
		if b.limited() {
			b.free(l)
		}
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
	if why != "" {
		return nil
	}
	l := &look{key: key, at: key.on(s.Branch)}
	if l.sites, err = p.all(ctx, s, key); err != nil || len(l.sites) == 0 {
		return err
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
	commit, err := s.Admit(ctx, func(ctx context.Context, res *render.Result) (bool, string, error) {
		if at = (placed{}); res == nil {
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
			at.said = "it waits no longer: " + a.Why
		}
		return a.Waits, a.Why, nil
	})
	if commit != "" {
		p.opt.Log.Info("the budget decided", "environment", l.at.String(), "waits", at.waits, "reason", at.said, "commit", commit)
	}
	return at, err
}

// claim is what a candidate asks for.
func (p *promoter) claim(ctx context.Context, s *branch.Session, l *look, res *render.Result) (budget.Candidate, error) {
	c := budget.Candidate{Experiment: string(res.Digest), Waits: res.Waits(), Begun: !res.Waits() && begun(l.sites, res)}
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

// begun reports whether Argo CD has seen what is under test: it may run by now, and is not stopped. So it
// is where nothing would tell: without an object of its own, and where the plan pushes nothing.
func begun(sites []site, res *render.Result) bool {
	promotion := res.Plan.Spec.Promotion
	if promotion.Method == branch.PullRequest && promotion.Reject == branch.PullRequest {
		return true
	}
	own := slices.Concat(res.Variant, res.Injected)
	for _, o := range own {
		for _, of := range sites {
			key := object.KeyOf(o)
			key.Namespace = cmp.Or(key.Namespace, of.place.Namespace)
			if slices.Contains(of.app.Manages, key) {
				return true
			}
		}
	}
	return len(own) == 0
}
