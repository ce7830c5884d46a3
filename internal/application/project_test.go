package application

import "testing"

func TestProjectPermits(t *testing.T) {
	const own = "argocd"
	here := Place{RepoURL: "https://git.example.com/acme/envs.git", Namespace: "shop"}
	all := Project{Name: "p", Repos: []string{"*"}, Destinations: []Destination{{Server: "*", Namespace: "*"}}}
	with := func(change func(*Project)) Project {
		p := all
		change(&p)
		return p
	}
	for name, test := range map[string]struct {
		project Project
		app     Name
		permits bool
	}{
		"everything":             {all, Name{own, "shop"}, true},
		"another namespace":      {all, Name{"team", "shop"}, false},
		"another that is named":  {with(func(p *Project) { p.Namespaces = []string{"team-*"} }), Name{"team-a", "shop"}, true},
		"the very repository":    {with(func(p *Project) { p.Repos = []string{"https://git.example.com/Acme/envs"} }), Name{own, "shop"}, true},
		"a glob of repositories": {with(func(p *Project) { p.Repos = []string{"https://git.example.com/acme/*"} }), Name{own, "shop"}, true},
		"another repository":     {with(func(p *Project) { p.Repos = []string{"https://git.example.com/other/*"} }), Name{own, "shop"}, false},
		"all but this one":       {with(func(p *Project) { p.Repos = []string{"*", "!https://git.example.com/acme/envs"} }), Name{own, "shop"}, false},
		"no repository":          {with(func(p *Project) { p.Repos = nil }), Name{own, "shop"}, false},
		"its namespace by name":  {with(func(p *Project) { p.Destinations = []Destination{{Name: "in-cluster", Namespace: "shop"}} }), Name{own, "shop"}, true},
		"another destination": {with(func(p *Project) {
			p.Destinations = []Destination{{Server: "https://kubernetes.default.svc", Namespace: "other"}}
		}), Name{own, "shop"}, false},
		"another cluster": {with(func(p *Project) { p.Destinations = []Destination{{Server: "https://far", Namespace: "*"}} }), Name{own, "shop"}, false},
		"all but its namespace": {with(func(p *Project) {
			p.Destinations = append(p.Destinations, Destination{Server: "*", Namespace: "!shop"})
		}), Name{own, "shop"}, false},
		"no destination":               {with(func(p *Project) { p.Destinations = nil }), Name{own, "shop"}, false},
		"a pattern that is not a glob": {with(func(p *Project) { p.Repos = []string{"["} }), Name{own, "shop"}, false},
	} {
		if err := test.project.Permits(test.app, here, own); (err == nil) != test.permits {
			t.Errorf("%s: %v", name, err)
		}
	}
}
