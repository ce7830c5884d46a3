package plugin

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Announcement is one parameter as Argo CD's user interface shows it: the JSON
// of argo-cd's ParameterAnnouncement.
type Announcement struct {
	Name           string            `json:"name"`
	Title          string            `json:"title,omitempty"`
	Tooltip        string            `json:"tooltip,omitempty"`
	Required       bool              `json:"required,omitempty"`
	ItemType       string            `json:"itemType,omitempty"`
	CollectionType string            `json:"collectionType,omitempty"`
	String         string            `json:"string,omitempty"`
	Array          []string          `json:"array,omitempty"`
	Map            map[string]string `json:"map,omitempty"`
}

// Announce lists the parameters of the environment's layout with their current
// values: the plan's. For Helm,
// helm-parameters holds every value that the chart renders with, flattened to
// the names that --set takes.
func Announce(req render.Request) ([]Announcement, error) {
	layout, plan, err := render.Inspect(req)
	if err != nil {
		return nil, err
	}
	s := sourcesOf(plan)
	s.environment = req.Name
	var all []Announcement
	for _, p := range parameters() {
		if p.layout != "" && p.layout != layout {
			continue
		}
		v := p.get(s)
		if p.name == "helm-parameters" {
			values, err := chartValues(req, s.helm)
			if err != nil {
				return nil, err
			}
			flat := map[string]string{}
			flatten("", values, flat)
			maps.Copy(flat, v.pairs)
			v.pairs = flat
		}
		all = append(all, Announcement{
			Name: p.name, Title: p.title, Tooltip: p.tooltip, ItemType: p.item, CollectionType: p.collection,
			String: v.text, Array: v.list, Map: v.pairs,
		})
	}
	return all, nil
}

// sourcesOf are the plan's source options, zero where it has none.
func sourcesOf(plan *spec.Plan) *sources {
	s := &sources{}
	if plan == nil {
		return s
	}
	if plan.Spec.Helm != nil {
		s.helm = *plan.Spec.Helm
	}
	if plan.Spec.Kustomize != nil {
		s.kustomize = *plan.Spec.Kustomize
	}
	if plan.Spec.Directory != nil {
		s.directory = *plan.Spec.Directory
	}
	return s
}

// chartValues lays the plan's value files and values over the chart's own.
func chartValues(req render.Request, helm spec.HelmSource) (map[string]any, error) {
	values := map[string]any{}
	files := append([]string{"values.yaml"}, helm.ValueFiles...)
	for i, file := range files {
		name, err := envfs.Resolve(req.Dir, file)
		if err != nil {
			return nil, err
		}
		data, err := req.FS.ReadFile(name)
		if err != nil {
			if i == 0 || helm.IgnoreMissingValueFiles {
				continue
			}
			return nil, fmt.Errorf("read value file %s: %w", path.Join(req.Dir, file), err)
		}
		if err := layOver(values, data, name); err != nil {
			return nil, err
		}
	}
	if err := layOver(values, []byte(helm.Values), "the plan's helm.values"); err != nil {
		return nil, err
	}
	mergeValues(values, helm.ValuesObject)
	return values, nil
}

func layOver(values map[string]any, data []byte, name string) error {
	var over map[string]any
	if err := yaml.Unmarshal(data, &over); err != nil {
		return fmt.Errorf("%s is not a YAML mapping of values", name)
	}
	mergeValues(values, over)
	return nil
}

// mergeValues lays over on values as Helm does: maps merge, null deletes.
func mergeValues(values, over map[string]any) {
	for key, v := range over {
		below, isMap := values[key].(map[string]any)
		above, aboveMap := v.(map[string]any)
		switch {
		case v == nil:
			delete(values, key)
		case isMap && aboveMap:
			mergeValues(below, above)
		default:
			values[key] = v
		}
	}
}

// flatten writes every leaf of v into out under the name that --set takes.
func flatten(name string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			// A dot in a key would start a new level.
			step := strings.ReplaceAll(key, ".", `\.`)
			if name != "" {
				step = name + "." + step
			}
			flatten(step, item, out)
		}
	case []any:
		for i, item := range v {
			flatten(fmt.Sprintf("%s[%d]", name, i), item, out)
		}
	case string:
		out[name] = v
	case nil:
	default:
		if data, err := json.Marshal(v); err == nil {
			out[name] = string(data)
		}
	}
}
