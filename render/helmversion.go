package render

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
)

// mostNamed is how many differences one message names.
const mostNamed = 5

// sameHelm refuses a version of Helm that is not the plan's and renders other
// objects, without the change or with it: what is tested is what the plan's
// version renders, and Argo CD would get something else.
func (r *run) sameHelm(ctx context.Context, edited *envfs.FS, app *stages) error {
	asked, planned := app.source.helm.Version, r.git.helm.Version
	if asked == planned {
		return nil
	}
	source := app.source
	source.helm.Version = planned
	other := &stages{source: source}
	var err error
	if other.baseline, err = r.render(ctx, source, r.tree); err != nil {
		return r.withPlanned(err)
	}
	if err := r.candidate(ctx, edited, other); err != nil {
		return r.withPlanned(err)
	}
	unstable := slices.Concat(app.unstable, other.unstable)
	found := append(differences(other.baseline, app.baseline, unstable), differences(other.candidate, app.candidate, unstable)...)
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("%s: Helm %s, which is asked for, renders differently from Helm %s, which the plan says: %s; put `version: %s` under spec.helm of %s",
		r.files.markerFile, asked, planned, places(found), asked, r.files.planFile)
}

// withPlanned says of a failure which version of Helm it is of, where another one is
// asked for and renders.
func (r *run) withPlanned(err error) error {
	asked, planned := r.app.helm.Version, r.git.helm.Version
	if asked == planned {
		return err
	}
	return fmt.Errorf("%w (with Helm %s, which the plan says; with %s it renders: put `version: %s` under spec.helm of %s)", err, planned, asked, asked, r.files.planFile)
}

// differences are those between two renders, less what differs at every render,
// and Helm's test hooks, which Argo CD never applies.
func differences(a, b []*unstructured.Unstructured, unstable []object.Key) []object.Difference {
	return slices.DeleteFunc(object.Diff(object.Applied(a), object.Applied(b)), func(d object.Difference) bool {
		return slices.Contains(unstable, d.Key)
	})
}

// places names what differs: the object, and the first field of it.
func places(found []object.Difference) string {
	var out []string
	for _, d := range found {
		name := d.Key.String()
		switch {
		case d.Before == nil:
			name += " is new"
		case d.After == nil:
			name += " is gone"
		default:
			name += " in " + strings.TrimPrefix(place("", d.Before.Object, d.After.Object), ".")
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if more := len(out) - mostNamed; more > 0 {
		out = append(out[:mostNamed], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, ", ")
}

// place is the first field in which two values differ. A null is not an absent field.
func place(at string, before, after any) string {
	b, bIsMap := before.(map[string]any)
	a, aIsMap := after.(map[string]any)
	if bIsMap && aIsMap {
		keys := maps.Clone(b)
		maps.Copy(keys, a)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			was, had := b[key]
			is, has := a[key]
			if had != has {
				return at + "." + key
			}
			if !object.Equal(was, is) {
				return place(at+"."+key, was, is)
			}
		}
	}
	bs, bIsList := before.([]any)
	as, aIsList := after.([]any)
	if bIsList && aIsList && len(bs) == len(as) {
		for i := range bs {
			if !object.Equal(bs[i], as[i]) {
				return place(at+"."+strconv.Itoa(i), bs[i], as[i])
			}
		}
	}
	return at
}
