package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/promote/candidate"
	"github.com/assaydev/assay/render/helm"
)

// parseImages reads --image, or finds the image that --tag is for.
func (o candidateOptions) parseImages(ctx context.Context, m *candidate.Marker) ([]types.Image, error) {
	if o.tag != "" {
		images, err := m.OnlyImage(ctx, o.tag)
		var several *candidate.NotOnlyError
		switch {
		case !errors.As(err, &several):
		case len(several.Names) == 0:
			return nil, errors.New("no workload runs an image that --tag could change: name the change with --image or --set")
		default:
			return nil, fmt.Errorf("--tag needs the only image, and there are %s: choose one with --image NAME:%s", excerpt.List(several.Names), o.tag)
		}
		return images, err
	}
	var images []types.Image
	for _, text := range o.images {
		image, err := parseImage(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(images, func(other types.Image) bool { return other.Name == image.Name }) {
			return nil, cli.Usagef("--image names %s twice: keep one", image.Name)
		}
		images = append(images, image)
	}
	return images, nil
}

// values merges --values and --set as Helm does in the environment.
func (a *app) values(ctx context.Context, opt candidateOptions, m *candidate.Marker) (map[string]any, error) {
	if len(opt.valueFiles)+len(opt.sets) == 0 {
		return nil, nil
	}
	values := map[string]any{}
	for _, name := range opt.valueFiles {
		data, err := a.input.Read(name)
		if err != nil {
			return nil, err
		}
		if err := manifest.CheckAliases(name, data); err != nil {
			return nil, err
		}
		more, err := candidate.DecodeValues(name, data)
		if err != nil {
			return nil, err
		}
		values = helm.Overlay(values, more)
	}
	for _, text := range opt.sets {
		if _, err := strvals.Parse(text); err != nil {
			return nil, cli.Usagef("--set %s: give KEY=VALUE[,KEY=VALUE]", keyOf(text))
		}
	}
	return m.Values(ctx, values, opt.sets)
}

// keyOf keeps a value, which may be secret, out of a message.
func keyOf(text string) string {
	key, _, _ := strings.Cut(text, "=")
	return key
}
