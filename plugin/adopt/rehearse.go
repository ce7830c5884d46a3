package adopt

import (
	"context"
	"errors"
	"maps"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// rehearse renders the environment with the new files and a made-up candidate of one
// image after another. The first that renders shows that the files work; where none
// does, the first error counts.
func (e Environment) rehearse(ctx context.Context, s *Scaffold) (*render.Result, error) {
	first := errors.New("its target runs no image")
	for i, image := range s.Images {
		res, err := e.rehearseImage(ctx, s.Files, image)
		if err == nil {
			return res, nil
		}
		if i == 0 {
			first = err
		}
	}
	return nil, first
}

func (e Environment) rehearseImage(ctx context.Context, files map[string][]byte, image string) (*render.Result, error) {
	marker, err := spec.CandidateFile(e.Name)
	if err != nil {
		return nil, err
	}
	c := spec.Candidate{APIVersion: spec.APIVersion, Kind: spec.KindCandidate, Metadata: spec.Metadata{Name: "rehearsal"}}
	c.Spec.Images = []types.Image{{Name: image, NewTag: "assay-rehearsal"}}
	data, err := spec.EncodeCandidate(c)
	if err != nil {
		return nil, err
	}
	files = maps.Clone(files)
	files[e.at(marker)] = data
	return render.Environment(ctx, e.with(files).Request)
}
