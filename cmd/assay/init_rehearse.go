package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// rehearse renders the environment with the new files and a made-up candidate:
// what init writes works, or it says what is still missing.
func (p *place) rehearse(ctx context.Context, files map[string][]byte, images []string) string {
	edits := map[string][]byte{}
	for name, data := range files {
		edits[path.Join(p.Dir, name)] = data
	}
	if len(images) == 0 {
		return ""
	}
	var firstErr error
	for _, image := range images {
		err := p.rehearseImage(ctx, edits, image)
		if err == nil {
			return ""
		}
		if firstErr == nil {
			firstErr = err
		}
	}
	return "a made-up candidate does not render yet: " + oneLine(firstErr.Error())
}

func (p *place) rehearseImage(ctx context.Context, edits map[string][]byte, image string) error {
	file, err := spec.CandidateFile(p.Name)
	if err != nil {
		return err
	}
	c := spec.Candidate{APIVersion: spec.APIVersion, Kind: spec.KindCandidate, Metadata: spec.Metadata{Name: "rehearsal"}}
	c.Spec.Images = []types.Image{{Name: image, NewTag: "assay-rehearsal"}}
	data, err := spec.EncodeCandidate(c)
	if err != nil {
		return err
	}
	edits[path.Join(p.Dir, file)] = data
	req := p.Request
	req.FS = req.FS.With(edits)
	_, err = render.Environment(ctx, req)
	return err
}

// chartValues reads the chart's own values, and the value files over them.
func (p *place) chartValues(files []string) (map[string]any, error) {
	values := map[string]any{}
	for i, file := range append([]string{"values.yaml"}, files...) {
		name, err := envfs.Resolve(p.Dir, file)
		if err != nil {
			return nil, err
		}
		data, err := p.FS.ReadFile(name)
		if i == 0 && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		more, err := chartutil.ReadValues(data)
		if err != nil {
			return nil, fmt.Errorf("%s is not a YAML mapping of values", name)
		}
		values = mergeValues(values, more)
	}
	return values, nil
}
