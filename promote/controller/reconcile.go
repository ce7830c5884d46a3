package controller

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/credential"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/branch"
	"github.com/assaydev/assay/render"
)

// conclude looks at one environment, and carries out what its experiment says. It
// returns when to look again; zero is when something changes.
func (p *promoter) conclude(ctx context.Context, key Key) (again time.Duration, err error) {
	log := p.opt.Log.With("environment", key.String())
	sites, err := p.deploying(ctx, key)
	if err != nil || len(sites) == 0 {
		return 0, p.without(key, err)
	}
	l := &look{key: key, at: key, sites: sites}
	ctx, end := p.record(ctx, l)
	defer func() { end(err) }()
	s, why, err := p.reach(ctx, key, sites[0])
	if err != nil {
		return 0, p.failed(ctx, l, err)
	}
	defer s.Close()
	l.at = key.on(s.Branch)
	if why == "" {
		if sites, err = p.all(ctx, s, key); err != nil || len(sites) == 0 {
			return 0, p.without(key, err)
		}
		l.sites, why = sites, stopped(sites)
	}
	if why != "" {
		p.budgets.withdraw(l)
		log.Info("held", "reason", why)
		p.metrics.look(key, l.at, held, sites)
		p.report(ctx, sites, Outcome{Outcome: decision.Hold, Reason: why})
		return p.told.before(jittered(holdEvery), sites), nil
	}
	r, err := s.Decide(ctx, p.decider(l))
	if err != nil {
		return 0, p.failed(ctx, l, err)
	}
	waits := p.admit(ctx, s, l, r)
	log.Info("looked", "outcome", r.Outcome, "id", r.ID, "reason", excerpt.Of(r.Reason, 300), "commit", r.Commit, "dryRun", r.DryRun)
	if u := r.Unfinished; u != nil {
		log.Warn("next environments may lack a promotion that cannot be proven: finish it by hand with its ID and reason", "commit", u.Commit, "id", u.ID, "reason", u.Why)
	}
	p.signal(ctx, s, l, r)
	return p.told.before(p.next(r, l), sites), errors.Join(waits, p.endStale(ctx, s, sites))
}

// without ends the look at an environment that nothing deploys; an error leaves that open.
func (p *promoter) without(key Key, err error) error {
	if err == nil {
		p.gone(key)
		p.budgets.gone(key)
		p.metrics.gone(key)
		p.lives.end(key)
	}
	return err
}

// proposedAt is when the head of a pull request was committed; zero where that cannot be read.
func proposedAt(ctx context.Context, s *branch.Session, r *promote.Result) time.Time {
	entries, err := s.Repo.Entries(ctx, r.Commit)
	if err != nil || len(entries) != 1 {
		return time.Time{}
	}
	return entries[0].Time
}

// deploying are the sites of the environments, in order of their Applications' names. What an
// AppProject does not permit, Argo CD does not deploy, and it has no say here.
func (p *promoter) deploying(ctx context.Context, keys ...Key) ([]site, error) {
	apps, err := p.apps(ctx, keys...)
	if err != nil {
		return nil, err
	}
	projects := map[string]application.Project{}
	var out []site
	for _, app := range apps {
		list, _ := p.sites(app) // what is wrong with others was told when they changed
		for _, s := range list {
			if !slices.Contains(keys, s.key) {
				continue
			}
			known := false
			if s.project, known = projects[app.Project]; !known {
				if s.project, err = p.project(ctx, app.Project); err != nil {
					return nil, err
				}
				projects[app.Project] = s.project
			}
			s.at = p.locate(s.place.Target)
			if err := s.project.Permits(app.Name, s.place, s.at.Cluster, p.opt.Namespace); err != nil {
				p.opt.Log.Warn("an Application is passed over", "application", app.Name.String(), "reason", err.Error())
				continue
			}
			out = append(out, s)
			if app.Excess != nil {
				break // one is enough to hold
			}
		}
	}
	slices.SortStableFunc(out, func(a, b site) int { return strings.Compare(a.app.Name.String(), b.app.Name.String()) })
	return out, nil
}

// all are the sites of an environment, however their Applications name its branch.
func (p *promoter) all(ctx context.Context, s *branch.Session, key Key) ([]site, error) {
	if key.Branch != s.Branch {
		return p.deploying(ctx, key, key.on(s.Branch))
	}
	unnamed, err := p.deploying(ctx, key.on(""))
	if err != nil || len(unnamed) == 0 {
		return p.deploying(ctx, key)
	}
	var name string
	err = s.Repo.Retry(ctx, func(ctx context.Context) (err error) {
		name, err = s.Repo.DefaultBranch(ctx)
		return err
	})
	switch {
	case err != nil:
		return nil, err // one that is left out could have rejected
	case name != key.Branch:
		return p.deploying(ctx, key)
	}
	return p.deploying(ctx, key.on(""), key)
}

// stopped says why nothing is to be concluded, whatever the experiment says.
func stopped(sites []site) string {
	for _, s := range sites {
		if s.app.Excess != nil {
			return s.app.Excess.Error()
		}
		if s.app.RolledBack != "" {
			return fmt.Sprintf("%s: people rolled it back to %s and turned automated sync off: turn it on again to go on", s.app.Name, excerpt.Of(s.app.RolledBack, 40))
		}
	}
	return ""
}

// open opens the branch of a site with the login that Argo CD has for it.
func (p *promoter) open(ctx context.Context, of site) (*branch.Session, error) {
	settings, err := p.settings(ctx)
	if err != nil {
		return nil, err
	}
	opt := p.opt.Branch
	opt.URL, opt.Branch, opt.View = of.place.RepoURL, of.key.Branch, of.view
	opt.Again, opt.Answered = p.metrics.retry, p.metrics.answered
	opt.Note = func(text string) { p.opt.Log.Info("note", "environment", of.key.String(), "note", text) }
	err = opt.As(settings, of.app.Project, func(o *credential.Options) error {
		if err := of.project.PermitsRepo(o.URL); err != nil {
			return err // the plan names it, as a next environment's
		}
		if p.opt.Sign != nil {
			p.opt.Sign(o)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return branch.Open(ctx, opt)
}

// notABranch says why a targetRevision moves nothing; empty where it is a branch.
func notABranch(ctx context.Context, s *branch.Session, revision string) (why string, err error) {
	if revision == "" {
		return "", nil
	}
	head, tag := "refs/heads/"+revision, "refs/tags/"+revision
	var refs map[string]string
	err = s.Repo.Retry(ctx, func(ctx context.Context) (err error) {
		refs, err = s.Repo.Named(ctx, head, tag)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case refs[head] != "" && refs[tag] != "":
		return fmt.Sprintf("targetRevision %s is a branch and a tag: name the branch as %s", revision, head), nil
	case refs[head] != "":
		return "", nil
	case refs[tag] != "":
		return fmt.Sprintf("targetRevision %s is a tag, and a promotion is a commit on a branch: name a branch", revision), nil
	}
	return fmt.Sprintf("targetRevision %s is not a branch of the repository, and a promotion is a commit on one: name a branch", excerpt.Of(revision, 60)), nil
}

// decider follows the verdicts of all sites.
func (p *promoter) decider(l *look) promote.Decider {
	var list []promote.Deployment
	for _, s := range l.sites {
		list = append(list, p.deployment(s))
	}
	decide := promote.ByDeployments(list)
	choose := decide.Choose
	decide.Choose = func(ctx context.Context, tip promote.Tip) (promote.Choice, error) {
		tip.Here = p.now
		if tip.Rendered != nil {
			p.tests(l.key, l.sites, tip.Rendered)
		}
		c, err := choose(ctx, tip)
		l.decides(tip, c)
		return c, err
	}
	return decide
}

// next is when to look again after a result. An experiment that runs where all changes are told is
// looked at when it changes, and at its deadline.
func (p *promoter) next(r *promote.Result, l *look) time.Duration {
	again := jittered(holdEvery)
	switch {
	case r.Pull != nil && r.Pull.State != promote.Merged:
		return jittered(pullEvery)
	case r.Choice.Held == "":
		return 0
	case !r.Choice.Opens.IsZero(): // nothing tells that a window is moved
		again = min(again, p.until(l, r.Choice.Opens))
	case !r.Choice.Expires.IsZero():
		if isTold(l.rendered, l.sites) {
			again = math.MaxInt64
		}
		again = min(again, p.until(l, r.Choice.Expires))
	}
	for _, s := range l.sites {
		if s.at.Again == nil {
			continue
		}
		if away := s.at.Again(); away > 0 {
			again = min(again, jittered(max(away, awayEvery)))
		}
	}
	return again
}

// isTold reports whether all that a verdict rests on is watched. The Jobs that an engine makes itself do
// not have the label that a watch goes by.
func isTold(under *render.Result, sites []site) bool {
	if under == nil || slices.ContainsFunc(sites, func(s site) bool { return s.at.Sees == nil || !s.at.Sees() }) {
		return false
	}
	judges, engines := under.Judges(), engine.With(under.Plan.Spec.Experiment.Engines)
	return !slices.ContainsFunc(under.Tested(), func(o *unstructured.Unstructured) bool {
		e, _ := engines.Of(o)
		return slices.Contains(judges, object.KeyOf(o)) && e.ReadsChildren()
	})
}

// jittered spreads looks that would come at once.
func jittered(d time.Duration) time.Duration {
	return d + time.Duration(rand.Int64N(int64(d)/5+1)) //nolint:gosec // it spreads load, and guards nothing
}

// failed tells of an error where people look, and gives it back.
func (p *promoter) failed(ctx context.Context, l *look, err error) error {
	if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		p.metrics.look(l.key, l.at, failing, l.sites)
		p.trace(l, p.lives.get(l.key), Outcome{Outcome: Failed}, false)
		p.report(context.WithoutCancel(ctx), l.sites, Outcome{Outcome: Failed, Reason: excerpt.Line(err.Error())})
	}
	return errors.Join(err, context.Cause(ctx))
}
