package kustomize

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object/manifest"
)

// scanner checks one kustomization before krusty sees it.
type scanner struct {
	repo *fileSystem
	dir  string // what its paths are relative to
	file string // for messages
}

// want is what krusty does with a path.
type want int

const (
	wantFile      want = iota // reads it
	wantDirectory             // builds it
	wantEither                // reads it, and builds it if that fails
)

// scan refuses what is remote, runs programs, leaves the repo or is not there.
// It decodes with krusty's own type, so that both see the same.
func (s *scanner) scan(data []byte) error {
	if err := manifest.CheckNested(s.file, data); err != nil {
		return err
	}
	var k types.Kustomization
	if err := k.Unmarshal(data); err != nil {
		return s.invalid(data, err)
	}
	if len(k.OpenAPI) > 0 && !s.repo.alone {
		return errAlone
	}
	for _, check := range []func(*types.Kustomization) error{s.charts, s.resources, s.sources, s.patches, s.plugins} {
		if err := s.repo.unless(check(&k)); err != nil {
			return err
		}
	}
	return nil
}

// charts refuses Helm charts: Kustomize runs the helm program for them, and
// Argo CD does not let it without a build option of the operator.
func (s *scanner) charts(k *types.Kustomization) error {
	switch {
	case len(k.HelmCharts) > 0:
		return s.refuse("helmCharts", "Kustomize would run the helm program; make the chart an environment of its own, or commit what it renders")
	case len(k.HelmChartInflationGenerator) > 0:
		return s.refuse("helmChartInflationGenerator", "Kustomize would run the helm program; make the chart an environment of its own, or commit what it renders")
	}
	return nil
}

func (s *scanner) resources(k *types.Kustomization) error {
	return firstError(
		s.each("resources", k.Resources, wantEither),
		s.each("bases", k.Bases, wantEither),
		s.each("components", k.Components, wantDirectory),
		s.each("crds", k.Crds, wantFile),
		s.each("configurations", k.Configurations, wantFile),
		s.optional("openapi.path", k.OpenAPI["path"]),
	)
}

// sources are the files of ConfigMap and Secret generators.
func (s *scanner) sources(k *types.Kustomization) error {
	for i, g := range k.ConfigMapGenerator {
		if err := s.generator(fmt.Sprintf("configMapGenerator[%d]", i), g.KvPairSources); err != nil {
			return err
		}
	}
	for i, g := range k.SecretGenerator {
		if err := s.generator(fmt.Sprintf("secretGenerator[%d]", i), g.KvPairSources); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) generator(field string, kv types.KvPairSources) error {
	files := slices.Clone(kv.FileSources)
	for i, source := range files {
		if _, file, ok := strings.Cut(source, "="); ok {
			files[i] = file
		}
	}
	return firstError(
		s.each(field+".files", files, wantFile),
		s.each(field+".envs", kv.EnvSources, wantFile),
		s.optional(field+".env", kv.EnvSource),
	)
}

func (s *scanner) patches(k *types.Kustomization) error {
	for i, p := range k.Patches {
		if err := s.optional(fmt.Sprintf("patches[%d].path", i), p.Path); err != nil {
			return err
		}
	}
	for i, p := range k.PatchesJson6902 {
		if err := s.optional(fmt.Sprintf("patchesJson6902[%d].path", i), p.Path); err != nil {
			return err
		}
	}
	for i, p := range k.PatchesStrategicMerge {
		if err := s.patchOrPath(fmt.Sprintf("patchesStrategicMerge[%d]", i), string(p)); err != nil {
			return err
		}
	}
	for i, r := range k.Replacements {
		if err := s.optional(fmt.Sprintf("replacements[%d].path", i), r.Path); err != nil {
			return err
		}
	}
	return nil
}

// patchOrPath is a field that holds a patch, or the path of one.
func (s *scanner) patchOrPath(field, value string) error {
	if parsed, err := resmaps().RF().SliceFromBytes([]byte(value)); err == nil && len(parsed) > 0 {
		return nil
	}
	return s.path(field, value, wantFile)
}

func (s *scanner) each(field string, values []string, w want) error {
	for i, value := range values {
		if err := s.path(fmt.Sprintf("%s[%d]", field, i), value, w); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) optional(field, value string) error {
	if value == "" {
		return nil
	}
	return s.path(field, value, wantFile)
}

// path checks one value, and that it names what krusty wants there.
func (s *scanner) path(field, value string, w want) error {
	return s.repo.unless(s.named(field, value, w))
}

func (s *scanner) named(field, value string, w want) error {
	name, err := s.local(field, value, w)
	if err != nil {
		return err
	}
	if s.repo.named != nil {
		s.repo.named[name] = true
	}
	info, err := s.repo.fsys.Stat(name)
	if err != nil {
		return s.missing(field, value, name, err)
	}
	switch {
	case info.IsDir() && w == wantFile:
		return s.refuse(field, display(value)+" is a directory; name a file")
	case info.IsDir():
		return s.hasKustomization(field, value, name)
	case w == wantDirectory:
		return s.refuse(field, display(value)+" is a file; name the directory of a kustomization")
	}
	return s.inside(field, value, name)
}

// local returns the repo's name for a value that is not remote.
func (s *scanner) local(field, value string, w want) (string, error) {
	if remoteFile(value) || w != wantFile && remoteRepo(value) {
		kind := "a URL"
		if remoteRepo(value) && !remoteFile(value) {
			kind = "a remote Git repository"
		}
		return "", s.refuse(field, fmt.Sprintf("%s is %s, and nothing is fetched; copy it into this repository and name its path (`kustomize localize` does both)", display(value), kind))
	}
	name, err := envfs.Resolve(s.dir, value)
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w", s.file, field, err)
	}
	return name, nil
}

// inside holds Kustomize's rule that files stay below their kustomization.
func (s *scanner) inside(field, value, name string) error {
	dir, err := s.repo.fsys.Locate(s.dir)
	if err != nil {
		return err
	}
	target, err := s.repo.fsys.Locate(name)
	if err != nil {
		return err
	}
	if dir != "." && !strings.HasPrefix(target, dir+"/") {
		return s.refuse(field, fmt.Sprintf("%s is outside %s, and Kustomize reads files only below their kustomization; move it there, or make its directory a base", display(value), s.dir))
	}
	return nil
}

func (s *scanner) hasKustomization(field, value, name string) error {
	for _, base := range kustomizationNames() {
		if s.repo.Exists(path.Join(name, base)) {
			return nil
		}
	}
	return s.refuse(field, display(value)+" has no kustomization.yaml; add one, or name its files")
}

// missing explains a path that cannot be read, with near names.
func (s *scanner) missing(field, value, name string, err error) error {
	if !isNotExist(err) || envfs.IsDangling(err) {
		return fmt.Errorf("%s: %s: %w", s.file, field, excerpt.Cause(err))
	}
	reason := "there is no " + display(value)
	entries, _ := s.repo.fsys.ReadDir(path.Dir(name))
	if near := excerpt.Near(path.Base(name), entryNames(entries)); len(near) > 0 {
		return s.refuse(field, fmt.Sprintf("%s; did you mean %s?", reason, display(path.Join(path.Dir(value), near[0]))))
	}
	return s.refuse(field, reason+"; add it, or remove the entry")
}

func entryNames(entries []fs.DirEntry) []string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

func (s *scanner) refuse(field, reason string) error {
	return fmt.Errorf("%s: %s: %s", s.file, field, reason)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
