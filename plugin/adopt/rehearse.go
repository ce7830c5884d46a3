package adopt

import (
	"context"
	"maps"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// rehearse renders the environment with the new files and a made-up candidate of one
// image after another. The first that renders shows that the files work; where none
// does, the first error counts.
func (e Environment) rehearse(ctx context.Context, s *Scaffold) error {
	var first error
	for _, image := range s.Images {
		err := e.rehearseImage(ctx, s.Files, image)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func (e Environment) rehearseImage(ctx context.Context, files map[string][]byte, image string) error {
	marker, err := spec.CandidateFile(e.Name)
	if err != nil {
		return err
	}
	c := spec.Candidate{APIVersion: spec.APIVersion, Kind: spec.KindCandidate, Metadata: spec.Metadata{Name: "rehearsal"}}
	c.Spec.Images = []types.Image{{Name: image, NewTag: "assay-rehearsal"}}
	data, err := spec.EncodeCandidate(c)
	if err != nil {
		return err
	}
	files = maps.Clone(files)
	files[e.at(marker)] = data
	_, err = render.Environment(ctx, e.with(files).Request)
	return err
}
