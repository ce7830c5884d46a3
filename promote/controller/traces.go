package controller

import (
	"cmp"
	"slices"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/promote/branch"
	"github.com/assaydev/assay/render"
)

// traces are the objects by which a cluster shows that an experiment of an environment is there. Git has a
// decision before Argo CD has synced it: until then, what was decided runs on.
type traces struct {
	experiment string              // that Git has under test; empty where there is none
	of         map[object.Key]bool // its own objects
	past       map[object.Key]bool // of those before, less what Argo CD keeps no longer
}

// trace notes what an environment has under test, with its objects, and reports whether some of what it tested
// before is still kept by Argo CD. The mutex is held.
func (b *budgets) trace(l *look, experiment string, of map[object.Key]bool) (lingers bool) {
	t := b.traces[l.at]
	if t.past == nil {
		t.past = map[object.Key]bool{}
	}
	if t.experiment != experiment {
		for key := range t.of {
			t.past[key] = true
		}
	}
	t.experiment, t.of = experiment, of
	for key := range t.past {
		if !manages(l.sites, key) {
			delete(t.past, key)
		}
	}
	b.traces[l.at] = t
	if len(t.past) == 0 && experiment == "" {
		delete(b.traces, l.at)
	}
	return len(t.past) > 0
}

// traced notes a candidate that is under test. It has begun where it may run by now, and is not stopped:
// Argo CD keeps an object that only it has, or nothing would tell, as it has no object of its own or the
// plan pushes nothing. What was tested before it lingers where Argo CD has not taken it away.
func (b *budgets) traced(l *look, res *render.Result) (begun, lingers bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := own(l.sites, res)
	lingers = b.trace(l, string(res.Digest), of)
	past, promotion := b.traces[l.at].past, res.Plan.Spec.Promotion
	switch {
	case res.Waits():
		return false, lingers
	case len(of) == 0, promotion.Method == branch.PullRequest && promotion.Reject == branch.PullRequest:
		return true, lingers
	}
	for key := range of {
		if !past[key] && manages(l.sites, key) {
			return true, lingers
		}
	}
	return false, lingers
}

// own are the objects that an experiment adds to what it tests, in the namespaces that they are deployed to.
func own(sites []site, res *render.Result) map[object.Key]bool {
	all := map[object.Key]bool{}
	for _, o := range slices.Concat(res.Variant, res.Injected) {
		for _, of := range sites {
			key := object.KeyOf(o)
			key.Namespace = cmp.Or(key.Namespace, of.place.Namespace)
			all[key] = true
		}
	}
	return all
}

// manages reports whether Argo CD keeps an object for one of the sites.
func manages(sites []site, key object.Key) bool {
	return slices.ContainsFunc(sites, func(of site) bool { return slices.Contains(of.app.Manages, key) })
}
