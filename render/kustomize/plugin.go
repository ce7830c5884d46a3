package kustomize

import (
	"fmt"
	"path"
	"reflect"

	"sigs.k8s.io/kustomize/api/builtins" //nolint:staticcheck // deprecated, yet the only way to krusty's own types
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object/manifest"
)

// deepest is how far directories of plugin configurations may nest.
const deepest = 8

func resmaps() *resmap.Factory {
	return resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory())
}

// plugins checks the generators and transformers that a kustomization
// configures: they have path fields of their own.
func (s *scanner) plugins(k *types.Kustomization) error {
	for _, list := range []struct {
		field  string
		values []string
	}{{"generators", k.Generators}, {"transformers", k.Transformers}, {"validators", k.Validators}} {
		for i, value := range list.values {
			if err := s.plugin(fmt.Sprintf("%s[%d]", list.field, i), value, deepest); err != nil {
				return err
			}
		}
	}
	return nil
}

// plugin checks one entry: a configuration, or the path of one or more.
func (s *scanner) plugin(field, value string, depth int) error {
	if configs, err := resmaps().NewResMapFromBytes([]byte(value)); err == nil {
		return s.configs(s, field, configs)
	}
	if err := s.path(field, value, wantEither); err != nil {
		return err
	}
	name, err := s.local(field, value, wantEither)
	if err != nil {
		return err
	}
	if s.repo.IsDir(name) {
		return s.pluginDirectory(field, name, depth)
	}
	return s.pluginFile(s, field, name)
}

// pluginFile checks a file of configurations, whose paths are relative to the
// kustomization that uses them.
func (s *scanner) pluginFile(user *scanner, field, name string) error {
	data, err := s.repo.read(name)
	if err != nil {
		return err
	}
	if err := manifest.CheckNested(name, data); err != nil {
		return err
	}
	configs, err := resmaps().NewResMapFromBytes(data)
	if err != nil {
		return nil //nolint:nilerr // krusty reads the same bytes and says what is wrong
	}
	return s.configs(user, field, configs)
}

// pluginDirectory checks a kustomization of configurations. It may only list
// them: what it changed could not be told before krusty has built it.
func (s *scanner) pluginDirectory(field, name string, depth int) error {
	if depth == 0 {
		return s.refuse(field, "directories of configurations nest too deep; list the files")
	}
	for _, base := range kustomizationNames() {
		file := path.Join(name, base)
		if !s.repo.Exists(file) {
			continue
		}
		data, err := s.repo.read(file)
		if err != nil {
			return err
		}
		var k types.Kustomization
		inner := scanner{repo: s.repo, dir: name, file: file}
		if err := k.Unmarshal(data); err != nil {
			return inner.invalid(data, err)
		}
		entries := append(k.Resources, k.Bases...)
		k.TypeMeta, k.MetaData, k.Resources, k.Bases = types.TypeMeta{}, nil, nil, nil
		if !reflect.DeepEqual(k, types.Kustomization{}) {
			return s.refuse(field, file+" does more than list resources; list the configuration files in it, without changing them")
		}
		for i, entry := range entries {
			if err := s.nested(&inner, fmt.Sprintf("resources[%d]", i), entry, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scanner) nested(inner *scanner, field, entry string, depth int) error {
	if err := inner.path(field, entry, wantEither); err != nil {
		return err
	}
	name, err := inner.local(field, entry, wantEither)
	if err != nil {
		return err
	}
	if s.repo.IsDir(name) {
		nested := *s
		nested.file = inner.file
		return nested.pluginDirectory(field, name, depth-1)
	}
	return inner.pluginFile(s, field, name)
}

// configs checks the path fields of plugin configurations against the
// kustomization of user.
func (s *scanner) configs(user *scanner, field string, configs resmap.ResMap) error {
	for _, r := range configs.Resources() {
		gvk := r.GetGvk()
		if gvk.Group != "" || gvk.Version != konfig.BuiltinPluginApiVersion {
			return s.refuse(field, fmt.Sprintf("%s is not a built-in plugin, and programs and containers are not run; use patches, replacements or a built-in transformer", display(gvk.Kind)))
		}
		if err := user.config(field+" "+gvk.Kind, gvk.Kind, r); err != nil {
			return err
		}
	}
	return nil
}

// config decodes as the plugin itself does. What does not decode, krusty
// refuses before it reads any path.
func (s *scanner) config(field, kind string, r *resource.Resource) error {
	data, err := r.AsYAML()
	if err != nil {
		return nil //nolint:nilerr // krusty goes the same way
	}
	switch kind {
	case "HelmChartInflationGenerator":
		return s.refuse(field, "Kustomize would run the helm program; make the chart an environment of its own, or commit what it renders")
	case "PatchTransformer":
		return check(data, func(p *builtins.PatchTransformerPlugin) error { return s.optional(field+".path", p.Path) })
	case "PatchJson6902Transformer":
		return check(data, func(p *builtins.PatchJson6902TransformerPlugin) error { return s.optional(field+".path", p.Path) })
	case "ValueAddTransformer":
		return check(data, func(p *builtins.ValueAddTransformerPlugin) error {
			return s.optional(field+".targetFilePath", p.TargetFilePath)
		})
	case "ConfigMapGenerator":
		return check(data, func(p *builtins.ConfigMapGeneratorPlugin) error { return s.generator(field, p.KvPairSources) })
	case "SecretGenerator":
		return check(data, func(p *builtins.SecretGeneratorPlugin) error { return s.generator(field, p.KvPairSources) })
	case "PatchStrategicMergeTransformer":
		return check(data, func(p *builtins.PatchStrategicMergeTransformerPlugin) error {
			for i, value := range p.Paths {
				if err := s.patchOrPath(fmt.Sprintf("%s.paths[%d]", field, i), string(value)); err != nil {
					return err
				}
			}
			return nil
		})
	case "ReplacementTransformer":
		return check(data, func(p *builtins.ReplacementTransformerPlugin) error {
			for i, entry := range p.ReplacementList {
				if err := s.optional(fmt.Sprintf("%s.replacements[%d].path", field, i), entry.Path); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return nil
}

func check[T any](data []byte, paths func(*T) error) error {
	var p T
	if yaml.Unmarshal(data, &p) != nil {
		return nil
	}
	return paths(&p)
}
