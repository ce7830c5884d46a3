package kustomize

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/provenance"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/assaydev/assay/internal/object/manifest"
)

// objects converts krusty's result. It goes the first half of the way that
// `kustomize build` goes to its output, through the same encoder and decoder,
// and gives each value the type that Argo CD reads back from that output.
func objects(dir string, built resmap.ResMap, lim manifest.Limits, known *Converted) ([]*unstructured.Unstructured, error) {
	resources := built.Resources()
	if len(resources) > lim.Documents {
		return nil, fmt.Errorf("%s: more than %d objects; split the environment, or raise the limit", dir, lim.Documents)
	}
	objs := make([]*unstructured.Unstructured, len(resources))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	const batch = 32
	for from := 0; from < len(resources); from += batch {
		to := min(from+batch, len(resources))
		group.Go(func() error {
			return manifest.Guard(dir, func() error { return convert(dir, resources[from:to], objs[from:to], lim.Depth, known) })
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return manifest.Flatten(dir, objs)
}

// convert fills objs with what the resources are.
func convert(dir string, resources []*resource.Resource, objs []*unstructured.Unstructured, depth int, known *Converted) error {
	for i, r := range resources {
		o, err := object(dir, r, depth, known)
		if err != nil {
			return err
		}
		objs[i] = o
	}
	return nil
}

func object(dir string, r *resource.Resource, depth int, known *Converted) (*unstructured.Unstructured, error) {
	text, err := encoded(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %s %s: %w", dir, r.GetKind(), r.GetName(), err)
	}
	if o := known.find(text); o != nil {
		return o, nil
	}
	values, err := values(text, depth)
	if err != nil {
		return nil, fmt.Errorf("%s: %s %s: %w", dir, r.GetKind(), r.GetName(), err)
	}
	o, err := manifest.Object(dir, values)
	if err == nil {
		known.add(text, o)
	}
	return o, err
}

// encoded is a resource as `kustomize build` prints it.
func encoded(r *resource.Resource) (string, error) {
	if err := managedBy(r); err != nil {
		return "", errEncode
	}
	text, err := r.RNode.String()
	if err != nil {
		return "", errEncode
	}
	return text, nil
}

// release is the kustomize that api v0.20.1 belongs to, as `kustomize version`
// prints it. The label of `buildMetadata: [managedByLabel]` names it. Keep it in
// step with go.mod:
// https://github.com/kubernetes-sigs/kustomize/releases/tag/kustomize%2Fv5.8.1
const release = "v5.8.1"

// managedBy corrects the label that krusty gives every object on demand. krusty
// names the version of the program that it is linked into: ours, or (devel),
// which is not a valid label.
func managedBy(r *resource.Resource) error {
	labels := r.GetLabels()
	if labels[konfig.ManagedbyLabelKey] != "kustomize-"+provenance.GetProvenance().Semver() {
		return nil
	}
	labels[konfig.ManagedbyLabelKey] = "kustomize-" + release
	return r.SetLabels(labels)
}

func values(text string, depth int) (map[string]any, error) {
	var decoded map[string]any
	if err := yaml.Unmarshal([]byte(text), &decoded); err != nil {
		return nil, errEncode
	}
	var err error
	for key, value := range decoded {
		if decoded[key], err = typed(value, depth-1); err != nil {
			return nil, err
		}
	}
	return decoded, nil
}

var (
	errEncode = errors.New("its values cannot be written as YAML")
	errDepth  = errors.New("nested too deep; flatten it, or raise the limit")
)

// typed converts in place. A date is what JSON makes of it, as in kustomize.
func typed(v any, depth int) (any, error) {
	if scalar, ok, err := manifest.Scalar(v); ok {
		return scalar, err
	}
	if depth <= 0 {
		return nil, errDepth
	}
	var err error
	switch v := v.(type) {
	case time.Time:
		return v.Format(time.RFC3339Nano), nil
	case map[string]any:
		for key, value := range v {
			if v[key], err = typed(value, depth-1); err != nil {
				return nil, err
			}
		}
		return v, nil
	case []any:
		for i, value := range v {
			if v[i], err = typed(value, depth-1); err != nil {
				return nil, err
			}
		}
		return v, nil
	}
	return nil, errors.New("a key is not a string; quote it")
}
