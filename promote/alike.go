package promote

import (
	"context"
	"path"
	"slices"

	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Alike is the documents of a marker, where each that is proven to make the given change
// says it in the same words: a person may have written an image by a short name.
func Alike(ctx context.Context, req render.Request, now marker.File, change spec.Change) ([]spec.Candidate, error) {
	out := slices.Clone(now.Candidates)
	for i, c := range out {
		if marker.Same(c.Spec.Change, change) || !marker.Same(shortened(c.Spec.Change), shortened(change)) {
			continue
		}
		data, err := spec.EncodeCandidate(c)
		if err != nil {
			continue // text that no marker can hold
		}
		res, err := renderWith(ctx, req, now.Path, data)
		if ctx.Err() != nil {
			return nil, err
		}
		if err == nil && marker.Same(res.Change, change) {
			out[i].Spec.Change = change
		}
	}
	return out, nil
}

// shortened is a change with the last part of each image's name alone.
func shortened(c spec.Change) spec.Change {
	c.Images = slices.Clone(c.Images)
	for i := range c.Images {
		c.Images[i].Name = path.Base(c.Images[i].Name)
	}
	return c
}
