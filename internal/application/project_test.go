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
		if err := test.project.Permits(test.app, here, Cluster{Target: Target{InCluster, InClusterName}}, own); (err == nil) != test.permits {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestProjectDestinations is Argo CD's rules for destinations, each with what its own code says.
func TestProjectDestinations(t *testing.T) {
	prod := Cluster{Target: Target{Server: "https://prod.example.com", Name: "prod-eu"}}
	missing := func(to Target) Cluster { return Cluster{Target: to, Missing: true} }
	for name, test := range map[string]struct {
		patterns []Destination
		to       Cluster
		permits  bool
	}{
		"by server":                           {[]Destination{{Server: "https://prod.example.com", Namespace: "web"}}, prod, true},
		"by name":                             {[]Destination{{Name: "prod-*", Namespace: "*"}}, prod, true},
		"by either":                           {[]Destination{{Server: "https://other", Name: "prod-eu", Namespace: "*"}}, prod, true},
		"by a glob across slashes":            {[]Destination{{Server: "https://*.example.com", Namespace: "*"}}, prod, true},
		"Argo CD's own alone":                 {[]Destination{{Server: InCluster, Namespace: "*"}}, prod, false},
		"another namespace":                   {[]Destination{{Name: "prod-eu", Namespace: "shop"}}, prod, false},
		"all but another server":              {[]Destination{{Server: "!https://other", Namespace: "*"}}, prod, true},
		"all but this server":                 {[]Destination{{Server: "*", Namespace: "*"}, {Server: "!https://prod.example.com", Namespace: "web"}}, prod, false},
		"all but this server elsewhere":       {[]Destination{{Server: "*", Namespace: "*"}, {Server: "!https://prod.example.com", Namespace: "shop"}}, prod, true},
		"all but this name":                   {[]Destination{{Server: "*", Namespace: "*"}, {Name: "!prod-eu", Namespace: "shop"}}, prod, false},
		"all but another namespace":           {[]Destination{{Server: "*", Namespace: "!kube-system"}}, prod, true},
		"all but its namespace":               {[]Destination{{Server: "*", Namespace: "*"}, {Server: "*", Namespace: "!web"}}, prod, false},
		"nothing":                             {nil, prod, false},
		"one that is not known, by its name":  {[]Destination{{Name: "prod-*", Namespace: "*"}}, missing(Target{Name: "prod-eu"}), true},
		"one that is not known, by any":       {[]Destination{{Server: "*", Namespace: "*"}}, missing(Target{Name: "prod-eu"}), true},
		"one that is not known, denied":       {[]Destination{{Server: "*", Namespace: "*"}, {Name: "!prod-eu", Namespace: "*"}}, missing(Target{Name: "prod-eu"}), false},
		"one that is not known, of another's": {[]Destination{{Name: "test", Namespace: "*"}}, missing(Target{Name: "prod-eu"}), false},
	} {
		p := Project{Name: "p", Repos: []string{"*"}, Destinations: test.patterns}
		err := p.Permits(Name{"argocd", "shop"}, Place{RepoURL: "https://a/r", Namespace: "web"}, test.to, "argocd")
		if (err == nil) != test.permits {
			t.Errorf("%s: %v", name, err)
		}
	}
	scoped := Project{Name: "p", Repos: []string{"*"}, Destinations: []Destination{{Server: "*", Namespace: "*"}}, OnlyScoped: true}
	for scope, permits := range map[string]bool{"p": true, "other": false, "": false} {
		prod.Scope = scope
		if err := scoped.Permits(Name{"argocd", "shop"}, Place{RepoURL: "https://a/r", Namespace: "web"}, prod, "argocd"); (err == nil) != permits {
			t.Errorf("a cluster of the project %q: %v", scope, err)
		}
	}
}
