package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/helm"
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
// values: the plan's. For Helm, helm-parameters holds every value that the chart
// renders with, flattened to the names that --set takes.
func Announce(ctx context.Context, req render.Request) ([]Announcement, error) {
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
			values, err := chartValues(ctx, req, s.helm)
			if err != nil {
				return nil, err
			}
			maps.Copy(values, v.pairs)
			v.pairs = values
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

// maxFlat bounds what values take once each has its whole name: one long name
// may stand before many values.
const maxFlat = 16 << 20

// chartValues are the values that the chart has with the plan's options, by the
// names that --set takes.
func chartValues(ctx context.Context, req render.Request, source spec.HelmSource) (map[string]string, error) {
	values, err := helm.Values(ctx, req.FS, req.Dir, source, helm.Options{
		AppName: req.AppName, Namespace: req.Namespace, Env: req.Env,
		Limits: helm.Limits{OutputBytes: req.Limits.OutputBytes},
	})
	if err != nil {
		return nil, err
	}
	f := flat{out: map[string]string{}, left: maxFlat}
	if f.add("", values); f.left < 0 {
		return nil, fmt.Errorf("%s: the chart's values take more than %d MiB as single parameters: move large content out of the values", req.Dir, maxFlat>>20)
	}
	return f.out, nil
}

// flat is a tree of values by the names that --set takes.
type flat struct {
	out  map[string]string
	left int // bytes that out may still take
}

// add adds every leaf of v. It stops once nothing is left.
func (f *flat) add(name string, v any) {
	if f.left -= len(name); f.left < 0 {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			// A dot in a key would start a new level.
			step := strings.ReplaceAll(key, ".", `\.`)
			if name != "" {
				step = name + "." + step
			}
			f.add(step, item)
		}
	case []any:
		for i, item := range v {
			f.add(fmt.Sprintf("%s[%d]", name, i), item)
		}
	case string:
		f.set(name, v)
	case nil:
	default:
		if data, err := json.Marshal(v); err == nil {
			f.set(name, string(data))
		}
	}
}

func (f *flat) set(name, text string) {
	f.out[name] = text
	f.left -= len(text)
}
