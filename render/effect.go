package render

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/change"
	"github.com/assaydev/assay/render/helm"
)

// Values returns the values that the templates of a chart see as Git alone says:
// those of the environment less its marker, and of its subcharts.
func Values(ctx context.Context, req Request) (map[string]any, error) {
	return bounded(ctx, req, "read the values of", func() (map[string]any, error) {
		r, err := open(req)
		if err != nil {
			return nil, err
		}
		return helm.Merged(ctx, r.tree, req.Dir, r.git.helm, r.git.helmOptions(r.tree))
	})
}

// Effect renders a chart twice as Git alone says: with the values that the marker
// sets written to its files, and with others laid over all that it has, as Helm's
// --set does. What does not render once it is written has no objects.
func Effect(ctx context.Context, req Request, set map[string]any) (written, laid []*unstructured.Unstructured, err error) {
	type both struct{ written, laid []*unstructured.Unstructured }
	rendered, err := bounded(ctx, req, "render", func() (r both, err error) {
		r.written, r.laid, err = effect(ctx, req, set)
		return r, err
	})
	return rendered.written, rendered.laid, err
}

func effect(ctx context.Context, req Request, set map[string]any) (written, laid []*unstructured.Unstructured, err error) {
	r, err := open(req)
	if err != nil {
		return nil, nil, err
	}
	edit, err := r.edit(ctx, nil)
	if err != nil && !errors.Is(err, change.ErrNothing) {
		return nil, nil, err
	}
	opt := r.git.helmOptions(r.tree)
	opt.Over = set
	if laid, _, err = helm.Render(ctx, r.tree, req.Dir, r.git.helm, opt); err != nil {
		return nil, nil, err
	}
	tree := r.tree.With(edit.Files)
	if written, err = r.render(ctx, r.git, tree); ctx.Err() != nil {
		return nil, nil, err
	}
	return written, laid, nil
}
