package candidate

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/change"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/variant"
)

// live reports whether a change does nothing because the environment runs it already,
// and says where. A change that does nothing for another reason may be a mistake.
func (m *Marker) live(ctx context.Context, c spec.Change, cause error) (string, bool) {
	var nothing *change.NothingError
	switch {
	case errors.As(cause, &nothing):
		return nothing.Found, nothing.Holds
	case !errors.Is(cause, variant.ErrNothing) || len(c.Values)+len(c.Patches) > 0 || c.Diff != "":
		return "", false
	}
	res, err := m.without(ctx)
	if err != nil {
		return "", false
	}
	var running []string
	for _, o := range res.Baseline {
		for _, image := range object.Images(o) {
			running = append(running, image.Ref)
		}
	}
	for _, image := range c.Images {
		ref := describeImage(image)
		if image.NewName != "" {
			_, ref, _ = strings.Cut(ref, "=")
		}
		if !slices.ContainsFunc(running, func(other string) bool { return other == ref || strings.HasSuffix(other, "/"+ref) }) {
			return "", false
		}
	}
	return Describe(c) + " runs there", true
}

// unwrittenError is about a marker that is not there: it is about the change.
type unwrittenError struct {
	marker string
	err    error
}

func (e *unwrittenError) Error() string {
	text := strings.ReplaceAll(e.err.Error(), e.marker+": ", "")
	text = strings.ReplaceAll(text, "name another version, or remove the file", "name another version")
	return strings.ReplaceAll(text, "with the change of "+e.marker, "with the change")
}

func (e *unwrittenError) Unwrap() error { return e.err }

// unwritten names no file that does not exist.
func (m *Marker) unwritten(err error) error {
	if m.Data != nil {
		return err
	}
	return &unwrittenError{m.Path, err}
}
