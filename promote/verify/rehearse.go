package verify

import (
	"context"
	"path"
	"slices"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/experiment"
)

// rehearse renders the experiment's resources without a candidate, with the baseline in
// its place: a mistake in them shows before one is set. It returns warnings.
func rehearse(ctx context.Context, req render.Request, res *render.Result) ([]string, error) {
	exp := res.Plan.Spec.Experiment
	sources, err := experiment.Load(req.FS, req.Dir, exp)
	if err != nil {
		return nil, err
	}
	planFile, err := spec.PlanFile(req.Name)
	if err != nil {
		return nil, err
	}
	in := experiment.Input{PlanFile: path.Join(req.Dir, planFile), Sources: sources, Experiment: exp, Name: res.Plan.Metadata.Name, Namespace: res.Namespace, Destination: res.Namespace, Taken: res.Baseline}
	for _, o := range render.UnderTest(res.Plan, res.Baseline) {
		v := experiment.VersionOf(o)
		in.Targets = append(in.Targets, experiment.Target{Baseline: v, Candidate: v})
	}
	if len(in.Targets) == 0 {
		return nil, nil // a change of other objects is nothing that templates could speak of
	}
	opt := experiment.Options{AllowKinds: req.Allow.InjectKinds}
	_, warnings, err := experiment.Render(ctx, in, "e000000000", opt)
	if err != nil {
		return nil, err
	}
	if in.Namespace == "" {
		in.Namespace, in.Destination = unknownNamespace, unknownNamespace
	}
	injected, _, err := experiment.Render(ctx, in, "e000000000", opt)
	if err != nil {
		return warnings, nil //nolint:nilerr // what renders without a namespace is right
	}
	return append(warnings, hosts(injected, append(slices.Clone(res.Baseline), injected...), in.Namespace, res.Plan.Spec.Candidate.NameSuffix)...), nil
}
