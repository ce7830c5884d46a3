package application

import (
	"fmt"
	"strings"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/repourl"
)

// ProjectResource is the resource that an AppProject is.
func ProjectResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "appprojects"}
}

// Project is what an AppProject permits: Argo CD does not deploy an Application that
// its project does not permit, whatever the Application says of itself. The rules are those
// of Argo CD's documentation, "Projects": globs, of which one that begins with ! denies.
type Project struct {
	Name         string
	Namespaces   []string // of Applications, beside Argo CD's own
	Repos        []string
	Destinations []Destination

	windows []syncWindow
	// OnlyScoped says that Applications may deploy only to clusters whose Secret names the project.
	OnlyScoped bool
}

// Destination is where an Application deploys to, or a pattern of that.
type Destination struct{ Server, Name, Namespace string }

// ReadProject reads an AppProject that a cluster sent.
func ReadProject(o *unstructured.Unstructured) Project {
	p := Project{Name: o.GetName()}
	p.Namespaces, _, _ = unstructured.NestedStringSlice(o.Object, "spec", "sourceNamespaces")
	p.Repos, _, _ = unstructured.NestedStringSlice(o.Object, "spec", "sourceRepos")
	list, _, _ := unstructured.NestedSlice(o.Object, "spec", "destinations")
	for _, item := range list {
		d, _ := item.(map[string]any)
		p.Destinations = append(p.Destinations, Destination{text(d, "server"), text(d, "name"), text(d, "namespace")})
	}
	p.windows = readWindows(o)
	p.OnlyScoped, _, _ = unstructured.NestedBool(o.Object, "spec", "permitOnlyProjectScopedClusters")
	return p
}

// Cluster is what is known of the cluster that a source is deployed to.
type Cluster struct {
	Target         // a half that is not known is empty
	Scope   string // the project that its Secret is for; empty is all
	Missing bool   // nothing is known but how the Application names it
}

// Permits says why the project does not permit what an Application deploys from a source to
// a cluster; nil where it does. own is the namespace that Argo CD runs in.
func (p Project) Permits(app Name, at Place, to Cluster, own string) error {
	switch {
	case app.Namespace != own && !matches(p.Namespaces, app.Namespace):
		return fmt.Errorf("its AppProject %s does not permit Applications of the namespace %s (spec.sourceNamespaces)", p.Name, app.Namespace)
	case !p.permitsDestination(to, at.Namespace):
		return fmt.Errorf("its AppProject %s does not permit its destination (spec.destinations)", p.Name)
	case p.OnlyScoped && !to.Missing && to.Scope != p.Name:
		return fmt.Errorf("its AppProject %s permits only clusters whose Secret names it (spec.permitOnlyProjectScopedClusters)", p.Name)
	}
	return p.PermitsRepo(at.RepoURL)
}

// PermitsRepo says why the project does not permit a repository.
func (p Project) PermitsRepo(url string) error {
	u, err := repourl.Parse(url)
	if err != nil {
		return fmt.Errorf("read URL of the repository: %w", err)
	}
	var spellings []string
	for _, pattern := range p.Repos {
		denies := strings.HasPrefix(pattern, "!")
		plain := strings.TrimPrefix(pattern, "!")
		// A pattern that is a URL is compared as a URL, so that its spelling does not count.
		if own, err := repourl.Parse(plain); err == nil && own.Repository() == u.Repository() {
			plain = url
		}
		if denies {
			plain = "!" + plain
		}
		spellings = append(spellings, plain)
	}
	if !matches(spellings, url) {
		return fmt.Errorf("its AppProject %s does not permit the repository %s (spec.sourceRepos)", p.Name, excerpt.Of(u.Repository(), 200))
	}
	return nil
}

// permitsDestination goes by Argo CD's rules for destinations: an entry permits by server or name, and
// by namespace. A pattern that begins with ! matches all but what follows, and where it does not
// match, it denies. Of a cluster that is not known, an unknown half could be anything: the
// Application may be deployed there as soon as the cluster is known again, and keeps its say.
func (p Project) permitsDestination(to Cluster, namespace string) bool {
	permitted := false
	for _, d := range p.Destinations {
		byName, bySrv := to.half(d.Name, to.Name), to.half(d.Server, to.Server)
		there := matchesOne(d.Namespace, namespace)
		switch {
		case (byName || bySrv) && there:
			permitted = true
		case !byName && denies(d.Name), !bySrv && denies(d.Server) && there, bySrv && !there && denies(d.Namespace):
			return false
		}
	}
	return permitted
}

// half compares the server or the name with a pattern.
func (c Cluster) half(pattern, text string) bool {
	if text == "" {
		return c.Missing && pattern != ""
	}
	return matchesOne(pattern, text)
}

func denies(pattern string) bool { return strings.HasPrefix(pattern, "!") }

// matchesOne reports whether a text is what a pattern names, or is not what one with ! names.
func matchesOne(pattern, text string) bool {
	plain, not := strings.CutPrefix(pattern, "!")
	g, err := glob.Compile(plain)
	return (err == nil && g.Match(text)) != not
}

// matches reports whether one of the globs matches, and none that denies does.
func matches(patterns []string, text string) bool {
	found := false
	for _, pattern := range patterns {
		plain, denies := strings.CutPrefix(pattern, "!")
		g, err := glob.Compile(plain)
		if err != nil || !g.Match(text) {
			continue
		}
		if denies {
			return false
		}
		found = true
	}
	return found
}
