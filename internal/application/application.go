// Package application reads as much of an Argo CD Application as is needed to
// move it to Assay.
//
//  1. Read finds the Application in a file, and what its source is: of several, the one
//     that renders (sources.go).
//  2. Options that Assay cannot honour are refused by name, and the others are
//     brought into the form of the plan (options.go).
//  3. WithPlugin edits the text in place: the options give way to the plugin.
//
// Locate and LocateObject are for an Application that uses the plugin already,
// of a file or of a cluster: where its environment is, and what the plugin is
// given (locate.go).
//
// ParseName tells the name of an Application in a cluster from a file (name.go).
//
// Argo CD's own types are not linked: they make a process slow to start.
package application

import (
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/yamledit"
)

// Application is what rendering depends on.
type Application struct {
	File      string
	Name      string
	Namespace string      // the destination's
	Path      string      // of the source, in its repository
	Layout    spec.Layout // that the options name; empty where there are none

	// Options are the source options as the plan has them under the layout's
	// name. Notes tell of those that mean nothing and are left out.
	Options map[string]any
	Notes   []string

	file     *yamledit.File // nil of a cluster's
	document int
	section  string        // of the source: helm, kustomize, directory or empty
	at       yamledit.Path // of the source
	others   []int         // sources that render nothing, which the plugin does not need
}

// problem names a place in the file.
func (a *Application) problem(path yamledit.Path, format string, args ...any) error {
	at := a.File
	if a.file != nil {
		if line, ok := a.file.Line(a.document, path); ok {
			at = fmt.Sprintf("%s:%d", at, line)
		}
	}
	return fmt.Errorf("%s: %s: %s", at, path, fmt.Sprintf(format, args...))
}

func keys(names ...string) yamledit.Path {
	var p yamledit.Path
	for _, name := range names {
		p = append(p, yamledit.Key(name))
	}
	return p
}

// Read finds the one Application of a file.
func Read(name string, data []byte) (*Application, error) {
	a, root, err := find(name, data)
	if err != nil {
		return nil, err
	}
	return a, a.read(root)
}

// find parses the file and looks for its Application.
func find(name string, data []byte) (a *Application, root map[string]any, err error) {
	file, err := yamledit.Parse(name, data)
	if err != nil {
		return nil, nil, err
	}
	a = &Application{File: name, file: file, document: -1}
	for i := range file.Documents() {
		doc, _ := file.Value(i).(map[string]any)
		apiVersion, _ := doc["apiVersion"].(string)
		switch kind := doc["kind"]; {
		case !strings.HasPrefix(apiVersion, "argoproj.io/"):
		case kind == "ApplicationSet":
			return nil, nil, fmt.Errorf("%s: it is an ApplicationSet: give one of its Applications, and change the template alike", name)
		case kind == "Application" && a.document >= 0:
			return nil, nil, fmt.Errorf("%s: it holds several Applications: give one", name)
		case kind == "Application":
			a.document, root = i, doc
		}
	}
	if a.document < 0 {
		return nil, nil, fmt.Errorf("%s: it holds no Application of argoproj.io", name)
	}
	return a, root, nil
}

func (a *Application) read(root map[string]any) error {
	a.Name = text(root, "metadata", "name")
	a.Namespace = text(root, "spec", "destination", "namespace")
	spec, _ := root["spec"].(map[string]any)
	if a.Name == "" {
		return a.problem(keys("metadata", "name"), "missing: the release of a chart is named after it")
	}
	source, err := a.oneSource(spec)
	if err != nil {
		return err
	}
	a.Path = text(source, "path")
	return a.source(source)
}

func text(m map[string]any, names ...string) string {
	var v any = m
	for _, name := range names {
		inner, _ := v.(map[string]any)
		v = inner[name]
	}
	s, _ := v.(string)
	return s
}

// source finds the options, and refuses what is not a directory of a repository.
func (a *Application) source(source map[string]any) error {
	at := func(name string) yamledit.Path { return a.within(name) }
	if source["chart"] != nil {
		return a.problem(at("chart"), "a chart of a Helm repository is not something that a promotion could edit: put a chart that depends on it into Git")
	}
	if a.Path == "" {
		return a.problem(at("path"), "missing: name the environment's directory")
	}
	if plugin, ok := source["plugin"].(map[string]any); ok {
		if plugin["name"] == "assay" {
			return a.problem(at("plugin"), "the Application uses Assay already")
		}
		return a.problem(at("plugin"), "another plugin renders it, and Assay cannot take its place")
	}
	for name, v := range source {
		switch name {
		case "repoURL", "path", "targetRevision", "name", "plugin":
		case "ref":
			if a.at[len(a.at)-1].Key != "" {
				return a.problem(at(name), "Assay cannot honour it")
			}
		case "helm", "kustomize", "directory":
			if a.section != "" {
				return a.problem(at(name), "there are options under %s too: Argo CD takes one of them", a.section)
			}
			a.section = name
			if err := a.options(name, v); err != nil {
				return err
			}
		default:
			return a.problem(at(name), "Assay cannot honour it")
		}
	}
	return nil
}

// WithPlugin is the file with the plugin in the place of the source options.
func (a *Application) WithPlugin(environment string) ([]byte, error) {
	plugin := map[string]any{"name": "assay"}
	if environment != "" {
		plugin["parameters"] = []any{map[string]any{"name": "environment", "string": environment}}
	}
	edits := []yamledit.Edit{{Document: a.document, Op: yamledit.Insert, Path: a.within("plugin"), Value: plugin}}
	if _, null := a.file.Line(a.document, edits[0].Path); null {
		edits[0].Op = yamledit.Set
	}
	if a.section != "" {
		edits = append(edits, yamledit.Edit{Document: a.document, Op: yamledit.Delete, Path: a.within(a.section)})
	}
	for _, i := range a.others {
		edits = append(edits, yamledit.Edit{Document: a.document, Op: yamledit.Delete, Path: append(keys("spec", "sources"), yamledit.Index(i))})
	}
	return a.file.Apply(edits...)
}
