package verify

import (
	"errors"
	"fmt"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// overlooked are mistakes that say nothing until a candidate is set, or that keep one
// from being seen: a target that does not render, and a candidate.yaml that is not a
// marker.
func overlooked(req render.Request, res *render.Result) []string {
	var list, known []string
	if f, err := marker.Read(req.FS, req.Dir, req.Name); errors.Is(err, marker.ErrForeign) {
		list = append(list, fmt.Sprintf("%s is not a candidate, and nothing is under test: one begins with apiVersion: %s and kind: Candidate", f.Path, spec.APIVersion))
	}
	for _, o := range res.Baseline {
		known = append(known, o.GetKind()+"/"+o.GetName())
	}
	for i, t := range res.Plan.Spec.Targets {
		alone := &spec.Plan{Spec: spec.PlanSpec{Targets: []spec.Ref{t}}}
		if len(render.UnderTest(alone, res.Baseline)) > 0 {
			continue
		}
		name := t.Kind + "/" + t.Name
		warning := fmt.Sprintf("spec.targets[%d] of the plan: the environment renders no %s", i, name)
		if hint := excerpt.DidYouMean(name, known); hint != "" {
			warning += "; " + hint
		}
		list = append(list, warning)
	}
	return list
}
