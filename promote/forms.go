package promote

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/helm"
)

// Form is a candidate, and the digest that it has as the change that it says.
type Form struct {
	spec.Candidate
	Digest digest.Digest
}

// Forms are the candidate of an environment as others may take it, the likeliest
// first. A diff is of this environment's files: where the images or the Helm values
// that it changes are proven to be all of it, it may go on as those.
func Forms(ctx context.Context, req render.Request, res *render.Result) ([]Form, error) {
	out := []Form{{*res.Marker, res.Digest}}
	if res.Marker.Spec.Diff == "" {
		return out, nil
	}
	name, err := spec.CandidateFile(req.Name)
	if err != nil {
		return nil, err
	}
	values, err := valuesChanged(req, res)
	if err != nil {
		return nil, err
	}
	for _, change := range []spec.Change{{Images: ImagesChanged(res.Baseline, res.Candidate)}, {Values: values}} {
		if len(change.Images)+len(change.Values) == 0 {
			continue
		}
		c := *res.Marker
		c.Spec.Change = change
		data, err := spec.EncodeCandidate(c)
		if err != nil {
			continue // text that no marker can hold
		}
		same, err := renderWith(ctx, req, path.Join(req.Dir, name), data)
		if ctx.Err() != nil {
			return nil, err
		}
		if err == nil && len(steady(object.Diff(object.Applied(same.Candidate), object.Applied(res.Candidate)), res)) == 0 {
			out = append(out, Form{c, same.Digest})
		}
	}
	return out, nil
}

// steady leaves out what a chart draws at random.
func steady(differences []object.Difference, res *render.Result) []object.Difference {
	return slices.DeleteFunc(differences, func(d object.Difference) bool { return slices.Contains(res.Random, d.Key) })
}

// ImagesChanged are the images that differ between the same places of the same
// objects.
func ImagesChanged(before, after []*unstructured.Unstructured) []types.Image {
	there := map[object.Key]*unstructured.Unstructured{}
	for _, o := range after {
		there[object.KeyOf(o)] = o
	}
	changed := map[string]types.Image{}
	for _, o := range before {
		other := there[object.KeyOf(o)]
		if other == nil {
			continue
		}
		now := map[string]string{}
		for _, image := range object.Images(other) {
			now[fmt.Sprint(image.Path)] = image.Ref
		}
		for _, image := range object.Images(o) {
			if ref, ok := now[fmt.Sprint(image.Path)]; ok && ref != image.Ref {
				to := imageFor(image.Ref, ref)
				changed[to.Name] = to
			}
		}
	}
	var out []types.Image
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		out = append(out, changed[name])
	}
	return out
}

func imageFor(from, to string) types.Image {
	was, _, _ := object.SplitImage(from)
	name, tag, digest := object.SplitImage(to)
	image := types.Image{Name: was, NewTag: tag, Digest: digest}
	if name != was {
		image.NewName = name
	}
	return image
}

// valuesChanged are the values that the change alters in the value files of the
// environment.
func valuesChanged(req render.Request, res *render.Result) (map[string]any, error) {
	if res.Layout != spec.Helm {
		return nil, nil
	}
	names := []string{"values.yaml"}
	if h := res.Plan.Spec.Helm; h != nil {
		names = append(names, h.ValueFiles...)
	}
	out := map[string]any{}
	for _, name := range names {
		file, err := envfs.Resolve(req.Dir, name)
		data, edited := res.Edited[file]
		if err != nil || !edited || req.Dir != "." && !strings.HasPrefix(file, path.Clean(req.Dir)+"/") {
			continue
		}
		was, err := req.FS.ReadFile(file)
		if err != nil {
			return nil, err
		}
		before, err := chartutil.ReadValues(was)
		if err != nil {
			return nil, fmt.Errorf("%s is not a YAML mapping of values", file)
		}
		after, err := chartutil.ReadValues(data)
		if err != nil {
			return nil, fmt.Errorf("%s is not a YAML mapping of values", file)
		}
		out = helm.Overlay(out, valueChange(before, after))
	}
	return out, nil
}

// valueChange is what has to be merged into before to get after: null deletes
// a key, and a list is replaced whole.
func valueChange(before, after map[string]any) map[string]any {
	out := map[string]any{}
	for key, v := range after {
		was, had := before[key]
		low, isMap := was.(map[string]any)
		high, alsoMap := v.(map[string]any)
		switch {
		case isMap && alsoMap:
			if inner := valueChange(low, high); len(inner) > 0 {
				out[key] = inner
			}
		case !had || !object.Equal(was, v):
			out[key] = v
		}
	}
	for key := range before {
		if _, kept := after[key]; !kept {
			out[key] = nil
		}
	}
	return out
}
