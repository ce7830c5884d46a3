package promote

import (
	"context"
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Loses lists the targets of the candidate under test that another one, which is
// rendered at hand, does not test: taking its place would end their test. A candidate
// that does not render has no test to lose.
func Loses(ctx context.Context, req render.Request, now marker.File, other *render.Result) ([]object.Key, error) {
	if len(now.Candidates) == 0 || marker.Same(now.Candidates[0].Spec.Change, other.Marker.Spec.Change) {
		return nil, nil
	}
	res, err := renderWith(ctx, req, now.Path, now.Data)
	if ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		return nil, nil //nolint:nilerr // it blocks every sync: another one may take its place
	}
	return slices.DeleteFunc(slices.Clone(res.Targets), func(k object.Key) bool { return slices.Contains(other.Targets, k) }), nil
}

// Displaced is what becomes of the candidates of a marker that have no place in it any
// more.
func Displaced(env spec.Environment, before, after []spec.Candidate) []history.Beside {
	var list []history.Beside
	for i, c := range before {
		if slices.ContainsFunc(after, func(other spec.Candidate) bool { return marker.Same(other.Spec.Change, c.Spec.Change) }) {
			continue
		}
		b := history.Beside{Outcome: decision.Drop, Environment: env, Candidate: Label(c)}
		if i == 0 {
			b.Outcome = decision.Preempt
		}
		list = append(list, b)
	}
	return list
}
