package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// DefaultResources is the pattern that applies when the plan names none.
const DefaultResources = "experiment/*"

// Source is one resource file.
type Source struct {
	File string // relative to the repo
	Data []byte

	patterns []string // of the plan, those that match the file
}

// Template tells a template from plain YAML, by the name.
func (s Source) Template() bool { return strings.HasSuffix(s.File, ".tmpl") }

// Owns reports whether the file belongs to the experiment of the environment
// in dir: flat manifests leave it out. It reads nothing.
func Owns(dir string, exp spec.Experiment, file string) bool {
	for _, pattern := range patterns(exp) {
		full, err := resolve(dir, pattern)
		if err != nil {
			continue
		}
		if ok, _ := path.Match(full, file); ok {
			return true
		}
	}
	return false
}

// Load reads the files that the plan names, sorted by path, each once. Only
// YAML files and YAML templates are resources; other files may lie beside them.
func Load(fsys *envfs.FS, dir string, exp spec.Experiment) ([]Source, error) {
	matching := map[string][]string{}
	for _, pattern := range patterns(exp) {
		names, err := match(fsys, dir, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			matching[name] = append(matching[name], pattern)
		}
	}
	var sources []Source
	for _, name := range slices.Sorted(maps.Keys(matching)) {
		data, err := fsys.ReadFile(name)
		if err != nil {
			return nil, err
		}
		s := Source{name, data, matching[name]}
		if s.Template() {
			s.Data = plainText(data)
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// plainText is a text as Git keeps it: a checkout may add a mark at its start, or
// end its lines otherwise. What a template renders to must not depend on it.
func plainText(data []byte) []byte {
	return bytes.ReplaceAll(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
}

// allMatch refuses a pattern of the plan, unless it is the default, that
// matches nothing: it is misspelt, and the candidate would go untested. Without
// a marker nothing is lost, so Load lets it pass.
func allMatch(in Input) error {
	for i, pattern := range in.Experiment.Resources {
		matched := slices.ContainsFunc(in.Sources, func(s Source) bool { return slices.Contains(s.patterns, pattern) })
		if !matched && pattern != DefaultResources {
			return fmt.Errorf("%s: spec.experiment.resources[%d]: %q matches no %s file: correct the pattern, which is relative to the environment", in.PlanFile, i, pattern, endings)
		}
	}
	return nil
}

func patterns(exp spec.Experiment) []string {
	if len(exp.Resources) == 0 {
		return []string{DefaultResources}
	}
	return exp.Resources
}

// resolve makes a pattern relative to the repo.
func resolve(dir, pattern string) (string, error) {
	full := path.Join(dir, pattern)
	_, badPattern := path.Match(full, "")
	switch {
	case pattern == "" || path.IsAbs(pattern) || strings.Contains(pattern, "://"):
		return "", fmt.Errorf("%s: spec.experiment.resources: %q must be a path relative to the environment", dir, pattern)
	case full == ".." || strings.HasPrefix(full, "../"):
		return "", fmt.Errorf("%s: spec.experiment.resources: %q leaves the repository: copy the files into it", dir, pattern)
	case strings.Contains(pattern, "**"):
		return "", fmt.Errorf("%s: spec.experiment.resources: %q: ** is not known: name each directory, as in experiment/*", dir, pattern)
	case badPattern != nil || strings.Contains(pattern, `\`):
		return "", fmt.Errorf("%s: spec.experiment.resources: %q is not a valid pattern", dir, pattern)
	}
	return full, nil
}

// match lists the resource files that a pattern of the plan names.
func match(fsys *envfs.FS, dir, pattern string) ([]string, error) {
	full, err := resolve(dir, pattern)
	if err != nil {
		return nil, err
	}
	g := glob{fsys: fsys, pattern: pattern}
	found, err := g.expand(full)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range found {
		better, near := renamed(name)
		if !near && !isResource(name) {
			continue
		}
		info, err := g.stat(name)
		switch {
		case err != nil:
			return nil, err
		case info == nil || info.IsDir():
		case isResource(name):
			out = append(out, name)
		default:
			return nil, fmt.Errorf("%s: experiment resources end in %s, and this file would be left out: rename it to %s, or move it away", name, endings, path.Base(better))
		}
	}
	return out, nil
}

// endings are those of experiment resources.
const endings = ".yaml, .yml, .yaml.tmpl or .yml.tmpl"

func isResource(name string) bool {
	name = strings.TrimSuffix(name, ".tmpl")
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// renamed is what a file should be called that only its ending keeps from
// being a resource. ok is false for files of other kinds, such as scripts.
func renamed(name string) (better string, ok bool) {
	stem, template := strings.CutSuffix(strings.ToLower(name), ".tmpl")
	switch path.Ext(stem) {
	case ".json", ".yaml", ".yml":
		stem = strings.TrimSuffix(stem, path.Ext(stem))
	default:
		if !template {
			return "", false
		}
	}
	better = name[:len(stem)] + ".yaml"
	if template {
		better += ".tmpl"
	}
	return better, true
}

// glob expands one pattern. Unlike fs.Glob it tells of every directory that it
// cannot list: without its judge, a candidate would go untested.
type glob struct {
	fsys    *envfs.FS
	pattern string // as the plan has it
}

// expand follows the pattern one element at a time, through links.
func (g glob) expand(full string) ([]string, error) {
	found := []string{"."}
	elements := strings.Split(full, "/")
	for i, element := range elements {
		wild := strings.ContainsAny(element, "*?[")
		var next []string
		for _, dir := range found {
			names, err := g.entries(dir, element, wild)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				keep, err := g.passable(name, wild, i == len(elements)-1)
				if err != nil {
					return nil, err
				}
				if keep {
					next = append(next, name)
				}
			}
		}
		found = next
	}
	return found, nil
}

// entries are what one element of the pattern may stand for in dir.
func (g glob) entries(dir, element string, wild bool) ([]string, error) {
	if !wild {
		return []string{path.Join(dir, element)}, nil
	}
	list, err := g.fsys.ReadDir(dir)
	if err != nil {
		return nil, g.unreadable(dir, err)
	}
	var names []string
	for _, e := range list {
		if ok, _ := path.Match(element, e.Name()); ok {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names, nil
}

// passable reports whether the pattern goes on at name. Where the pattern says a
// directory's name, a file in its place is an error.
func (g glob) passable(name string, wild, last bool) (bool, error) {
	if last && wild {
		return true, nil
	}
	info, err := g.stat(name)
	switch {
	case err != nil || info == nil:
		return false, err
	case last || info.IsDir():
		return true, nil
	case wild:
		return false, nil
	}
	return false, fmt.Errorf("%s: is a file, and spec.experiment.resources (%s) wants a directory there: move it, or correct the pattern", name, g.pattern)
}

// stat describes what is at name, and is nil where there is nothing.
func (g glob) stat(name string) (fs.FileInfo, error) {
	info, err := g.fsys.Stat(name)
	if err == nil {
		return info, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, g.unreadable(name, err)
	}
	if link, err := g.fsys.Lstat(name); err == nil && link.Mode()&fs.ModeSymlink != 0 {
		return nil, fmt.Errorf("%s: is a link to nothing: correct or remove it", name)
	}
	return nil, nil
}

func (g glob) unreadable(name string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s: permission denied, and spec.experiment.resources (%s) looks there: make the directory readable", name, g.pattern)
	}
	return fmt.Errorf("spec.experiment.resources (%s): %w", g.pattern, err)
}
