package kustomize

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
)

// editFunc returns a kustomization's new content.
type editFunc func(file string, data []byte) ([]byte, error)

func kustomizationNames() []string { return konfig.RecognizedKustomizationFileNames() }

// editRoot finds the kustomization of dir and changes what will be read of it.
func (f *fileSystem) editRoot(dir string, edit editFunc) error {
	if !f.IsDir(dir) {
		return fmt.Errorf("%s: there is no such directory; name the directory of a kustomization", dir)
	}
	var found []string
	for _, base := range kustomizationNames() {
		switch _, err := f.fsys.Stat(path.Join(dir, base)); {
		case err == nil:
			found = append(found, base)
		case envfs.IsDangling(err):
			return fmt.Errorf("%s: %w", dir, excerpt.Cause(err))
		}
	}
	switch len(found) {
	case 0:
		return fmt.Errorf("%s: no kustomization.yaml; add one, or choose another layout in the plan", dir)
	case 1:
	default:
		return fmt.Errorf("%s: more than one kustomization (%s); keep one", dir, strings.Join(found, ", "))
	}
	if edit == nil {
		return nil
	}
	file := path.Join(dir, found[0])
	data, err := f.read(file)
	if err != nil {
		return err
	}
	edited, err := edit(file, data)
	if err != nil {
		return err
	}
	target, err := f.fsys.Locate(file)
	if err != nil {
		return err
	}
	f.data[target] = edited
	return nil
}

// edits are Argo CD's source options for Kustomize, which it makes with
// `kustomize edit` in the checked-out kustomization, in this order.
// Source: argo-cd v3.2 util/kustomize/kustomize.go, Build.
type edits struct {
	revision string // the name under which an option asks for the revision
	src      spec.KustomizeSource
	env      map[string]string
	fsys     *envfs.FS
	dir      string

	ignored []string // components that do not exist
}

func (e *edits) apply(file string, data []byte) ([]byte, error) {
	if e.nothing() {
		return data, nil
	}
	var k types.Kustomization
	if err := k.Unmarshal(data); err != nil {
		return data, nil //nolint:nilerr // the scan of the same bytes says what is wrong
	}
	k.FixKustomization()
	k.NamePrefix = or(e.src.NamePrefix, k.NamePrefix)
	k.NameSuffix = or(e.src.NameSuffix, k.NameSuffix)
	for _, step := range []func(*types.Kustomization) error{e.images, e.replicas, e.labels, e.annotations} {
		if err := step(&k); err != nil {
			return nil, fmt.Errorf("%s: kustomize.%w", file, err)
		}
	}
	if e.revision != "" {
		return nil, fmt.Errorf("%s: source options use $%s: the revision must not reach the output, since Argo CD's cache outlives it", file, e.revision)
	}
	k.Namespace = or(e.src.Namespace, k.Namespace)
	k.Patches = append(k.Patches, e.src.Patches...)
	e.components(&k)
	edited, err := yaml.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("%s: write source options: %w", file, err)
	}
	return edited, nil
}

func (e *edits) nothing() bool {
	s := e.src
	return s.NamePrefix == "" && s.NameSuffix == "" && s.Namespace == "" && len(s.Images) == 0 && len(s.Replicas) == 0 &&
		len(s.CommonLabels) == 0 && len(s.CommonAnnotations) == 0 && len(s.Patches) == 0 && len(s.Components) == 0
}

// warnings are what the user asked for that has no effect.
func (e *edits) warnings() []string {
	var all []string
	if e.src.KubeVersion != "" || len(e.src.APIVersions) > 0 {
		all = append(all, e.dir+": kustomize.kubeVersion and apiVersions have no effect: they are for Helm charts in a kustomization, which are not rendered")
	}
	for _, c := range e.ignored {
		all = append(all, fmt.Sprintf("%s: component %s does not exist and is left out", e.dir, display(c)))
	}
	return all
}

func or(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}

// replicas sets counts by name, and sorts the list, as `kustomize edit set replicas`.
func (e *edits) replicas(k *types.Kustomization) error {
	if len(e.src.Replicas) == 0 {
		return nil
	}
	byName := map[string]types.Replica{}
	for _, r := range slices.Concat(k.Replicas, e.src.Replicas) {
		if strings.Contains(r.Name, "=") {
			return fmt.Errorf("replicas: %q is not a name of an object", display(r.Name))
		}
		byName[r.Name] = r
	}
	k.Replicas = sortedValues(byName)
	return nil
}

// labels adds labels as `kustomize edit add label`.
func (e *edits) labels(k *types.Kustomization) error {
	if len(e.src.CommonLabels) == 0 {
		return nil
	}
	added := map[string]string{}
	for name, value := range e.src.CommonLabels {
		added[name] = unquote(e.substitute(value))
	}
	if !e.src.LabelWithoutSelector {
		if e.src.LabelIncludeTemplates {
			return errors.New("labelIncludeTemplates: it needs labelWithoutSelector")
		}
		return add("commonLabels", &k.CommonLabels, added, e.src.ForceCommonLabels)
	}
	i := slices.IndexFunc(k.Labels, func(l types.Label) bool {
		return !l.IncludeSelectors && l.IncludeTemplates == e.src.LabelIncludeTemplates
	})
	if i < 0 {
		k.Labels = append(k.Labels, types.Label{IncludeTemplates: e.src.LabelIncludeTemplates})
		i = len(k.Labels) - 1
	}
	return add("commonLabels", &k.Labels[i].Pairs, added, e.src.ForceCommonLabels)
}

// annotations adds annotations as `kustomize edit add annotation`.
func (e *edits) annotations(k *types.Kustomization) error {
	added := map[string]string{}
	for name, value := range e.src.CommonAnnotations {
		if e.src.CommonAnnotationsEnvsubst {
			value = e.substitute(value)
		}
		added[name] = unquote(value)
	}
	return add("commonAnnotations", &k.CommonAnnotations, added, e.src.ForceCommonAnnotations)
}

// add refuses to replace what is there, unless forced.
func add(field string, to *map[string]string, added map[string]string, force bool) error {
	for _, name := range slices.Sorted(maps.Keys(added)) {
		if name == "" {
			return fmt.Errorf("%s: a name is empty", field)
		}
		if _, ok := (*to)[name]; ok && !force {
			return fmt.Errorf("%s: %s is in the kustomization already; set force%s to replace it", field, display(name), strings.ToUpper(field[:1])+field[1:])
		}
		if *to == nil {
			*to = map[string]string{}
		}
		(*to)[name] = added[name]
	}
	return nil
}

// unquote drops one pair of double quotes, as `kustomize edit add` does.
func unquote(value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}

// components adds components that are not there yet.
func (e *edits) components(k *types.Kustomization) {
	for _, c := range e.src.Components {
		if e.src.IgnoreMissingComponents && !e.exists(c) {
			e.ignored = append(e.ignored, c)
			continue
		}
		if !slices.Contains(k.Components, c) {
			k.Components = append(k.Components, c)
		}
	}
}

func (e *edits) exists(component string) bool {
	name, err := envfs.Resolve(e.dir, component)
	if err != nil {
		return false
	}
	_, err = e.fsys.Stat(name)
	return err == nil
}

func sortedValues[V any](m map[string]V) []V {
	values := make([]V, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[name])
	}
	return values
}
