package main

import (
	"context"
	"path"

	"sigs.k8s.io/kustomize/api/types"

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
