package plugin

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

// textRow is a row whose parameter is one string.
func textRow(name string, layout spec.Layout, title, option, tooltip string, field func(*sources) *string) parameter {
	return parameter{
		name: name, layout: layout, collection: collectionString, option: option, title: title, tooltip: tooltip,
		set: func(s *sources, v value) error { *field(s) = v.text; return nil },
		get: func(s *sources) value { return value{text: *field(s)} },
	}
}

// boolRow is a row whose parameter is true or false.
func boolRow(name string, layout spec.Layout, title, option, tooltip string, field func(*sources) *bool) parameter {
	return parameter{
		name: name, layout: layout, collection: collectionString, item: itemBoolean, option: option, title: title, tooltip: tooltip,
		set: func(s *sources, v value) error {
			on, err := strconv.ParseBool(v.text)
			if err != nil {
				return errors.New("takes true or false")
			}
			*field(s) = on
			return nil
		},
		get: func(s *sources) value { return value{text: strconv.FormatBool(*field(s))} },
	}
}

// listRow is a row whose parameter is an array of strings.
func listRow(name string, layout spec.Layout, title, option, tooltip string, field func(*sources) *[]string) parameter {
	return parameter{
		name: name, layout: layout, collection: collectionArray, option: option, title: title, tooltip: tooltip,
		set: func(s *sources, v value) error { *field(s) = v.list; return nil },
		get: func(s *sources) value { return value{list: *field(s)} },
	}
}

// mapRow is a row whose parameter is a map of strings.
func mapRow(name string, layout spec.Layout, title, option, tooltip string, field func(*sources) *map[string]string) parameter {
	return parameter{
		name: name, layout: layout, collection: collectionMap, option: option, title: title, tooltip: tooltip,
		set: func(s *sources, v value) error { *field(s) = v.pairs; return nil },
		get: func(s *sources) value { return value{pairs: *field(s)} },
	}
}

var errAliases = errors.New("expands its aliases to too much: write the values out")

// helmValues takes YAML text and announces the plan's values as such. It sets
// valuesObject, since that is what Argo CD prefers: it replaces both of the plan's.
func helmValues() parameter {
	return parameter{
		name: "helm-values", layout: spec.Helm, collection: collectionString, title: "Values",
		option: "helm.values, helm.valuesObject", tooltip: "Values as YAML, laid over the value files.",
		set: func(s *sources, v value) error {
			if strings.TrimSpace(v.text) == "" {
				return nil
			}
			if manifest.CheckAliases("helm-values", []byte(v.text)) != nil {
				return errAliases
			}
			values := map[string]any{}
			if err := yaml.Unmarshal([]byte(v.text), &values); err != nil {
				return errors.New("is not a YAML mapping")
			}
			if values == nil { // YAML's null
				values = map[string]any{}
			}
			s.helm.ValuesObject = values
			return nil
		},
		get: func(s *sources) value {
			if len(s.helm.ValuesObject) == 0 {
				return value{text: s.helm.Values}
			}
			data, err := yaml.Marshal(s.helm.ValuesObject)
			if err != nil {
				return value{text: s.helm.Values}
			}
			return value{text: string(data)}
		},
	}
}

// setParameters is a row for one of helm's two ways to set a single value.
func setParameters(name string, forceString bool, title, tooltip string) parameter {
	return parameter{
		name: name, layout: spec.Helm, collection: collectionMap, title: title, option: "helm.parameters", tooltip: tooltip,
		set: func(s *sources, v value) error {
			for _, key := range slices.Sorted(maps.Keys(v.pairs)) {
				s.helm.Parameters = append(s.helm.Parameters, spec.HelmParameter{Name: key, Value: v.pairs[key], ForceString: forceString})
			}
			return nil
		},
		get: func(s *sources) value {
			v := value{pairs: map[string]string{}}
			for _, p := range s.helm.Parameters {
				if p.ForceString == forceString {
					v.pairs[p.Name] = p.Value
				}
			}
			return v
		},
	}
}

func helmFileParameters() parameter {
	return parameter{
		name: "helm-file-parameters", layout: spec.Helm, collection: collectionMap, title: "File parameters", option: "helm.fileParameters",
		tooltip: "Values read from files, as helm's --set-file takes them.",
		set: func(s *sources, v value) error {
			for _, key := range slices.Sorted(maps.Keys(v.pairs)) {
				s.helm.FileParameters = append(s.helm.FileParameters, spec.HelmFileParameter{Name: key, Path: v.pairs[key]})
			}
			return nil
		},
		get: func(s *sources) value {
			v := value{pairs: map[string]string{}}
			for _, p := range s.helm.FileParameters {
				v.pairs[p.Name] = p.Path
			}
			return v
		},
	}
}

func kustomizeReplicas() parameter {
	return parameter{
		name: "kustomize-replicas", layout: spec.Kustomize, collection: collectionMap, item: itemNumber, title: "Replicas", option: "kustomize.replicas",
		tooltip: "Number of replicas by the name of the workload.",
		set: func(s *sources, v value) error {
			for _, key := range slices.Sorted(maps.Keys(v.pairs)) {
				count, err := strconv.ParseInt(v.pairs[key], 10, 32)
				if err != nil || count < 0 {
					return fmt.Errorf("takes whole numbers: %q has another value", key)
				}
				s.kustomize.Replicas = append(s.kustomize.Replicas, types.Replica{Name: key, Count: count})
			}
			return nil
		},
		get: func(s *sources) value {
			v := value{pairs: map[string]string{}}
			for _, r := range s.kustomize.Replicas {
				v.pairs[r.Name] = strconv.FormatInt(r.Count, 10)
			}
			return v
		},
	}
}

func kustomizePatches() parameter {
	return parameter{
		name: "kustomize-patches", layout: spec.Kustomize, collection: collectionString, title: "Patches", option: "kustomize.patches",
		tooltip: "Kustomize patches, as a YAML list.",
		set: func(s *sources, v value) error {
			text := []byte(v.text)
			if manifest.CheckAliases("kustomize-patches", text) != nil || manifest.CheckNested("kustomize-patches", text) != nil {
				return errAliases
			}
			if err := yaml.UnmarshalStrict([]byte(v.text), &s.kustomize.Patches); err != nil {
				return errors.New("is not a YAML list of Kustomize patches (path, patch, target, options)")
			}
			return nil
		},
		get: func(s *sources) value {
			if len(s.kustomize.Patches) == 0 {
				return value{}
			}
			data, err := yaml.Marshal(s.kustomize.Patches)
			if err != nil {
				return value{}
			}
			return value{text: string(data)}
		},
	}
}
