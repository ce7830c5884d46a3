package experiment

import (
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
		sources = append(sources, Source{name, data, matching[name]})
	}
	return sources, nil
}

// allMatch refuses a pattern of the plan, unless it is the default, that
// matches nothing: it is misspelt, and the candidate would go untested. Without
// a marker nothing is lost, so Load lets it pass.
func allMatch(in Input) error {
	for i, pattern := range in.Experiment.Resources {
		matched := slices.ContainsFunc(in.Sources, func(s Source) bool { return slices.Contains(s.patterns, pattern) })
		if !matched && pattern != DefaultResources {
			return fmt.Errorf("%s: spec.experiment.resources[%d]: %q matches no .yaml, .yml or .tmpl file: correct the pattern, which is relative to the environment", in.PlanFile, i, pattern)
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
		return "", fmt.Errorf("%s: spec.experiment.resources: %q is no valid pattern", dir, pattern)
	}
	return full, nil
}

func match(fsys *envfs.FS, dir, pattern string) ([]string, error) {
	full, err := resolve(dir, pattern)
	if err != nil {
		return nil, err
	}
	found, err := fs.Glob(fsys, full)
	if err != nil {
		return nil, fmt.Errorf("%s: spec.experiment.resources: %q: %w", dir, pattern, err)
	}
	var out []string
	for _, name := range found {
		if !isResource(name) {
			continue
		}
		info, err := fs.Stat(fsys, name)
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			out = append(out, name)
		}
	}
	return out, nil
}

func isResource(name string) bool {
	name = strings.TrimSuffix(name, ".tmpl")
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}
