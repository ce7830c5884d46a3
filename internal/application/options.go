package application

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
)

// options brings one section into the plan's form. Both mirror Argo CD's types,
// so that only what the plan has not is looked at here.
func (a *Application) options(section string, v any) error {
	fields, ok := v.(map[string]any)
	if !ok && v != nil {
		return a.problem(a.within(section), "it is not a mapping")
	}
	var source reflect.Type
	switch section {
	case "helm":
		a.Layout, source = spec.Helm, reflect.TypeFor[spec.HelmSource]()
	case "kustomize":
		a.Layout, source = spec.Kustomize, reflect.TypeFor[spec.KustomizeSource]()
	default:
		a.Layout, source = spec.Flat, reflect.TypeFor[spec.DirectorySource]()
	}
	known := names(source)
	a.Options = map[string]any{}
	for name, value := range fields {
		if slices.Contains(known, name) && (section != "helm" || name != "version" || value == "v3" || value == "v4") {
			a.Options[name] = value
			continue
		}
		if err := a.leaveOut(section, name, value, known); err != nil {
			return err
		}
	}
	return a.counts()
}

// leaveOut drops an option that says nothing, and refuses the others.
func (a *Application) leaveOut(section, name string, v any, known []string) error {
	at := a.within(section, name)
	switch option := section + "." + name; {
	case option == "helm.version" && v == "", option == "helm.passCredentials" && v == false, isEmpty(v):
		a.Notes = append(a.Notes, option+" says nothing here and is left out")
		return nil
	case option == "helm.version":
		return a.problem(at, "Assay renders with Helm v3 and v4: name one of them, or remove it")
	case option == "kustomize.version":
		return a.problem(at, "Assay renders with the version that is built in: see that the default version of Argo CD renders the same, and remove it")
	case option == "helm.passCredentials":
		return a.problem(at, "Assay fetches no charts: put the dependencies into the repository, and remove it")
	case option == "directory.jsonnet":
		return a.problem(at, "Assay renders no Jsonnet: it cannot be moved")
	}
	if hint := excerpt.DidYouMean(name, known); hint != "" {
		return a.problem(at, "no such option: %s", hint)
	}
	return a.problem(at, "Assay cannot honour it")
}

// names are the options that the plan has too, by Argo CD's names.
func names(source reflect.Type) []string {
	var out []string
	for i := range source.NumField() {
		name, _, _ := strings.Cut(source.Field(i).Tag.Get("json"), ",")
		if name != "imageValues" { // the plan's own
			out = append(out, name)
		}
	}
	return out
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, inner := range v {
			if !isEmpty(inner) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	}
	return false
}

// counts makes numbers of the replicas, which Argo CD takes as text too.
func (a *Application) counts() error {
	list, _ := a.Options["replicas"].([]any)
	for i, v := range list {
		entry, _ := v.(map[string]any)
		if count, ok := entry["count"].(string); ok {
			n, err := strconv.ParseInt(count, 10, 64)
			if err != nil {
				return a.problem(a.within(a.section, "replicas"), "entry %d has a count that is not a number", i)
			}
			entry["count"] = n
		}
	}
	return nil
}
