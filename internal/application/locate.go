package application

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object/drift"
)

// Place is where the environment of an Application is, and what Argo CD gives
// the plugin for it.
type Place struct {
	RepoURL  string
	Revision string // branch; empty or HEAD is the default one
	Path     string // the environment's directory in the repository
	Source   int    // its place among the Application's sources

	Project         string            // the Application's
	Name, Namespace string            // the Application's, and its destination's namespace
	Cluster         string            // that it deploys to, by name or URL; empty is Argo CD's own
	Target          Target            // the same, as the Application names it
	Parameters      string            // as in ARGOCD_APP_PARAMETERS; empty without any
	Env             map[string]string // of the plugin, as the Application names them

	// Ignored is what spec.ignoreDifferences says of the Application's objects. Locate and LocateObject give it.
	Ignored []drift.Ignore
}

// Locate reads the Application of a file that uses the plugin assay. Of several
// sources it takes the one with the plugin.
func Locate(name string, data []byte) (Place, error) {
	a, root, err := find(name, data)
	if err != nil {
		return Place{}, err
	}
	return a.locate(root)
}

// LocateObject is Locate for an Application as a cluster has it.
func LocateObject(o *unstructured.Unstructured) (Place, error) {
	a := &Application{File: "Application " + o.GetNamespace() + "/" + o.GetName()}
	return a.locate(o.Object)
}

func (a *Application) locate(root map[string]any) (Place, error) {
	sources := pluginSources(root)
	switch {
	case len(sources) == 0:
		return Place{}, a.problem(keys("spec"), "no source of it uses the plugin assay: assay init moves it there")
	case len(sources) > 1:
		return Place{}, a.problem(keys("spec", "sources"), "several of them use the plugin assay: name repository, branch and path of the one that is meant")
	}
	p, err := a.place(root, sources[0])
	if err != nil {
		return Place{}, err
	}
	spec, _ := root["spec"].(map[string]any)
	p.Ignored = ignored(Name{text(root, "metadata", "namespace"), p.Name}, spec)
	return p, nil
}

// place reads one source that uses the plugin.
func (a *Application) place(root map[string]any, of source) (Place, error) {
	source := of.fields
	p := Place{
		Source:  of.index,
		RepoURL: text(source, "repoURL"), Revision: text(source, "targetRevision"), Path: text(source, "path"),
		Project: text(root, "spec", "project"), Name: text(root, "metadata", "name"), Namespace: text(root, "spec", "destination", "namespace"),
		Cluster: destination(root), Target: targetOf(root), Env: map[string]string{},
	}
	switch {
	case p.Name == "":
		return Place{}, a.problem(keys("metadata", "name"), "missing: the release of a chart is named after it")
	case p.RepoURL == "":
		return Place{}, a.problem(keys("spec", "source"), "its repoURL is missing: there is no repository to write to")
	case p.Path == "":
		return Place{}, a.problem(keys("spec", "source"), "its path is missing: name the environment's directory")
	}
	plugin, _ := source["plugin"].(map[string]any)
	if list, ok := plugin["parameters"].([]any); ok && len(list) > 0 {
		parameters, err := json.Marshal(list)
		if err != nil {
			return Place{}, fmt.Errorf("%s: encode parameters of the plugin: %w", a.File, err)
		}
		p.Parameters = string(parameters)
	}
	env, _ := plugin["env"].([]any)
	for _, item := range env {
		entry, _ := item.(map[string]any)
		if key := text(entry, "name"); key != "" {
			p.Env[key] = text(entry, "value")
		}
	}
	return p, nil
}

// pluginSources are the sources that Assay renders. With a source hydrator that is the
// dry source: what is synced is written from it, and is not for people to edit.
func pluginSources(root map[string]any) []source {
	spec, _ := root["spec"].(map[string]any)
	sources, several := spec["sources"].([]any)
	hydrator, hydrated := spec["sourceHydrator"].(map[string]any)
	switch {
	case hydrated:
		sources = []any{hydrator["drySource"]}
	case !several || len(sources) == 0:
		sources = []any{spec["source"]}
	}
	var found []source
	for i, item := range sources {
		fields, _ := item.(map[string]any)
		if isOurs(text(fields, "plugin", "name")) {
			found = append(found, source{i, fields})
		}
	}
	return found
}

// source is one of an Application's, by its place among them.
type source struct {
	index  int
	fields map[string]any
}

// isOurs takes the plugin's name with a version behind it, as Argo CD joins them.
func isOurs(plugin string) bool { return plugin == "assay" || strings.HasPrefix(plugin, "assay-") }
