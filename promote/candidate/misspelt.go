package candidate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/variant"
)

// misspelt adds to the error of a change that alters nothing the first of its values that the
// chart does not have and that is close to one that it has.
func (m *Marker) misspelt(ctx context.Context, c spec.Change, cause error) error {
	if len(c.Values) == 0 || !errors.Is(cause, variant.ErrNothing) {
		return cause
	}
	req := m.Request
	req.FS = req.FS.With(map[string][]byte{m.Path: nil})
	values, err := render.Values(ctx, req)
	if err != nil {
		return cause
	}
	known := leaves(values, "")
	for _, key := range leaves(c.Values, "") {
		exists := slices.ContainsFunc(known, func(k string) bool {
			return k == key || strings.HasPrefix(key, k+".") || strings.HasPrefix(k, key+".")
		})
		if hint := excerpt.DidYouMean(key, known); !exists && hint != "" {
			return fmt.Errorf("%w; the chart has no value %s: %s", cause, excerpt.Cut(key, longestName), hint)
		}
	}
	return cause
}
