package application

import (
	"cmp"
	"path"
	"strings"

	"github.com/assaydev/assay/internal/repourl"
	"github.com/assaydev/assay/internal/yamledit"
)

// oneSource finds the source that renders. Of several it is the only one with a path:
// the others may lend it value files, from the same revision of the same repository.
func (a *Application) oneSource(spec map[string]any) (map[string]any, error) {
	list, _ := spec["sources"].([]any)
	if len(list) == 0 {
		a.at = keys("spec", "source")
		source, ok := spec["source"].(map[string]any)
		if !ok {
			return nil, a.problem(a.at, "missing: there is nothing to render")
		}
		return source, nil
	}
	var found map[string]any
	for i, item := range list {
		source, ok := item.(map[string]any)
		at := append(keys("spec", "sources"), yamledit.Index(i))
		switch {
		case !ok:
			return nil, a.problem(at, "it is not a mapping")
		case source["chart"] == nil && source["path"] == nil:
			continue // it renders nothing
		case found != nil:
			return nil, a.problem(at, "it renders beside %s, and Argo CD renders each alone: move the one with the workloads to an Application of its own", a.at)
		}
		found, a.at = source, at
	}
	if found == nil {
		return nil, a.problem(keys("spec", "sources"), "none of them has a path: name the environment's directory")
	}
	return found, a.lend(found, list)
}

// lend brings the value files that other sources lend to one of them into the form of
// the plan, where they are in the same tree: by their paths from the root.
func (a *Application) lend(to map[string]any, sources []any) error {
	refs := map[string]map[string]any{}
	for i, item := range sources {
		source, _ := item.(map[string]any)
		ref := text(source, "ref")
		if ref != "" {
			refs[ref] = source
		}
		if ref == "" || text(source, "path") == "" && text(source, "chart") == "" {
			a.others = append(a.others, i)
		}
	}
	a.others = without(a.others, a.at)
	options, _ := to["helm"].(map[string]any)
	files, _ := options["valueFiles"].([]any)
	for i, v := range files {
		at := append(a.within("helm", "valueFiles"), yamledit.Index(i))
		name, err := a.lent(at, v, to, refs)
		if err != nil {
			return err
		}
		files[i] = name
	}
	parameters, _ := options["fileParameters"].([]any)
	for i, v := range parameters {
		entry, _ := v.(map[string]any)
		at := append(a.within("helm", "fileParameters"), yamledit.Index(i), yamledit.Key("path"))
		name, err := a.lent(at, entry["path"], to, refs)
		if err != nil {
			return err
		}
		if entry != nil {
			entry["path"] = name
		}
	}
	return nil
}

// lent is a value file as the plan names it.
func (a *Application) lent(at yamledit.Path, v any, to map[string]any, refs map[string]map[string]any) (any, error) {
	name, _ := v.(string)
	first, rest, _ := strings.Cut(name, "/")
	source, known := refs[strings.TrimPrefix(first, "$")]
	switch {
	case !strings.HasPrefix(first, "$") || !known:
		return v, nil
	case !sameRepo(text(source, "repoURL"), text(to, "repoURL")):
		return nil, a.problem(at, "%s is in another repository, which the plugin is not given and a promotion could not edit: copy the file into that of %s", name, a.at)
	case revision(source) != revision(to):
		return nil, a.problem(at, "%s is of the revision %s, and %s is of %s: let both be of one", name, revision(source), a.at, revision(to))
	}
	rest = path.Clean("/" + rest)
	if own, inside := strings.CutPrefix(rest, path.Clean("/"+text(to, "path"))+"/"); inside {
		return own, nil
	}
	return rest, nil
}

// sameRepo reports whether two URLs are of one repository, by whatever way it is reached.
func sameRepo(a, b string) bool {
	x, errX := repourl.Parse(a)
	y, errY := repourl.Parse(b)
	if errX != nil || errY != nil {
		return a == b
	}
	name := func(u repourl.URL) string { return strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git") }
	return x.Host == y.Host && name(x) == name(y)
}

// revision is that of a source.
func revision(source map[string]any) string { return cmp.Or(text(source, "targetRevision"), "HEAD") }

// without is a list of positions less the one that a path leads to.
func without(list []int, at yamledit.Path) (out []int) {
	for _, i := range list {
		if i != at[len(at)-1].Index {
			out = append(out, i)
		}
	}
	return out
}

// within is the path of a field of the source.
func (a *Application) within(names ...string) yamledit.Path {
	return append(append(yamledit.Path{}, a.at...), keys(names...)...)
}
