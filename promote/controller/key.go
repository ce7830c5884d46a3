package controller

import (
	"path"
	"strings"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/repourl"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/controller/fleet"
)

// Key names an environment on a branch: what one reconciliation is about.
type Key struct {
	Repo   string // repourl.URL.Repository
	Branch string // as Applications name it; empty is the repository's default
	spec.Environment
}

func (k Key) String() string {
	at := k.Repo + " " + k.Environment.String()
	if k.Branch != "" {
		at += " on " + k.Branch
	}
	return at
}

// text is the key as one text, for an index.
func (k Key) text() string { return strings.Join([]string{k.Repo, k.Branch, k.Dir, k.Name}, "\x00") }

// on is the key on another branch.
func (k Key) on(branch string) Key {
	k.Branch = branch
	return k
}

// site is an environment as one source of an Application deploys it.
type site struct {
	key     Key
	app     application.Deployed
	place   application.Place
	view    promote.View
	project application.Project // where it is about to be concluded
	at      fleet.Location      // likewise
}

// sites are what an Application deploys with the plugin. What is wrong with one does not
// keep back the others.
func (p *promoter) sites(app application.Deployed) (list []site, problems []error) {
	problems = app.Problems
	for _, place := range app.Places {
		s, err := p.site(app, place)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		list = append(list, s)
	}
	return list, problems
}

// deploys is one environment that an Application deploys, and where to.
type deploys struct {
	key       Key
	target    application.Target
	namespace string
}

// deploys are the environments that an Application deploys, each once, and what is wrong with
// others.
func (p *promoter) deploys(app application.Deployed) (list []deploys, problems []error) {
	sites, problems := p.sites(app)
	seen := map[deploys]bool{}
	for _, s := range sites {
		if d := (deploys{s.key, s.place.Target, s.place.Namespace}); !seen[d] {
			seen[d] = true
			list = append(list, d)
		}
	}
	return list, problems
}

func (p *promoter) site(app application.Deployed, place application.Place) (site, error) {
	u, err := repourl.Parse(place.RepoURL)
	if err != nil {
		return site{}, err
	}
	view, err := p.opt.View(place)
	if err != nil {
		return site{}, err
	}
	env := view.Request.Environment
	env.Dir = path.Clean(env.Dir)
	return site{key: Key{u.Repository(), branchOf(place.Revision), env}, app: app, place: place, view: view}, nil
}

// branchOf is the branch that a targetRevision names, if it names one.
func branchOf(revision string) string {
	if revision == "HEAD" {
		return ""
	}
	return strings.TrimPrefix(revision, "refs/heads/")
}
