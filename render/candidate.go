package render

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/change"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/experiment"
	"github.com/assaydev/assay/render/flat"
	"github.com/assaydev/assay/render/helm"
	"github.com/assaydev/assay/render/kustomize"
	"github.com/assaydev/assay/render/variant"
)

// stages are an environment without and with the change, from one source.
type stages struct {
	baseline, candidate []*unstructured.Unstructured
	variant             *variant.Result
}

// test renders what the marker asks for, beside the baseline in res.
func (r *run) test(ctx context.Context, res *Result) error {
	if err := r.ready(); err != nil {
		return err
	}
	app := &stages{baseline: res.Baseline}
	git := app
	if !r.git.equal(r.app) {
		git = &stages{}
		var err error
		if git.baseline, _, err = r.git.render(ctx, r.tree, r.hide); err != nil {
			return err
		}
	}
	edit, err := r.edit(ctx, git.baseline)
	if err != nil {
		return err
	}
	again, err := r.candidates(ctx, r.tree.With(edit.Files), app, git)
	if err != nil {
		return err
	}
	var unstable []object.Key
	for _, d := range object.Diff(app.baseline, again) {
		unstable = append(unstable, d.Key)
	}
	if git != app {
		if err := sameChange(r.files.markerFile, unstable, app, git); err != nil {
			return err
		}
	}
	if err := r.variants(ctx, unstable, app, git); err != nil {
		return err
	}
	res.Candidate, res.Edited = app.candidate, edit.Files
	return r.inject(ctx, res, app, git)
}

// ready refuses a marker in an environment whose plan does not say enough for
// the ID to be the same everywhere.
func (r *run) ready() error {
	if r.layout != spec.Helm {
		return nil
	}
	for _, field := range []struct{ name, value string }{
		{"releaseName", r.git.helm.ReleaseName}, {"namespace", r.git.helm.Namespace},
	} {
		if field.value == "" {
			return fmt.Errorf("%s: spec.helm.%s is missing: with a marker, the plan names the release, so that every render of it is the same; set it, or run `assay init`",
				r.files.planFile, field.name)
		}
	}
	return nil
}

// edit makes the marker's change in the environment's files, in memory.
func (r *run) edit(ctx context.Context, baseline []*unstructured.Unstructured) (change.Edit, error) {
	in := change.Input{
		FS: r.tree, Dir: r.req.Dir, Marker: r.files.markerFile, PlanFile: r.files.planFile,
		Layout: r.layout, Plan: r.files.plan, Change: r.files.marker.Spec.Change, Baseline: baseline,
		Schema: kustomize.WithDefaultSchema,
		Render: func(tree *envfs.FS) ([]*unstructured.Unstructured, error) {
			objs, _, err := r.git.render(ctx, tree, r.hide)
			return objs, err
		},
	}
	var err error
	switch r.layout {
	case spec.Flat:
		in.Files, err = flat.Files(ctx, r.tree, r.req.Dir, r.git.directory, r.hide)
	case spec.Helm:
		in.ValueFiles, err = helm.ValueFiles(r.tree, r.req.Dir, r.git.helm, r.git.helmOptions(r.tree))
	case spec.Kustomize:
	}
	if err != nil {
		return change.Edit{}, err
	}
	return change.Make(in)
}

// candidates renders the edited tree for both sources, and the unedited one
// once more: again tells what differs between two renders of the same files.
// Only a chart's templates can do that.
func (r *run) candidates(ctx context.Context, edited *envfs.FS, app, git *stages) (again []*unstructured.Unstructured, err error) {
	group, ctx := errgroup.WithContext(ctx)
	into := func(s source, tree *envfs.FS, objs *[]*unstructured.Unstructured) {
		group.Go(func() (err error) {
			*objs, _, err = s.render(ctx, tree, r.hide)
			return err
		})
	}
	into(r.app, edited, &app.candidate)
	if git != app {
		into(r.git, edited, &git.candidate)
	}
	again = app.baseline
	if r.layout == spec.Helm {
		into(r.app, r.tree, &again)
	}
	return again, group.Wait()
}

// variants derives the candidate's copies for both sources.
func (r *run) variants(ctx context.Context, unstable []object.Key, app, git *stages) (err error) {
	in := variant.Input{
		Plan: r.files.plan, File: r.files.planFile, Namespace: r.namespace(),
		Baseline: app.baseline, Candidate: app.candidate, Unstable: unstable,
	}
	if app.variant, err = variant.Build(ctx, in); err != nil || git == app {
		return err
	}
	in.Baseline, in.Candidate = git.baseline, git.candidate
	git.variant, err = variant.Build(ctx, in)
	return err
}

// inject renders the experiment's resources, names them by the ID and marks
// what belongs to the experiment.
func (r *run) inject(ctx context.Context, res *Result, app, git *stages) error {
	plan, marker := r.files.plan, r.files.marker
	sources, err := experiment.Load(r.tree, r.req.Dir, plan.Spec.Experiment)
	if err != nil {
		return err
	}
	opt := experiment.Options{AllowKinds: r.req.Allow.InjectKinds}
	in := experiment.Input{
		PlanFile: r.files.planFile, Sources: sources, Experiment: plan.Spec.Experiment, Name: plan.Metadata.Name,
		Targets: targets(git.variant),
	}
	resources, err := experiment.Parse(ctx, in, opt)
	if err != nil {
		return err
	}
	if res.ID, err = experiment.ID(experiment.IDInput{
		Path: r.req.Dir, Environment: r.req.Name, Change: marker.Spec.Change, Attempt: marker.Spec.Attempt,
		Plan: plan, Resources: resources, Baseline: git.variant.Before, Candidate: git.variant.After,
	}); err != nil {
		return err
	}
	in.Namespace, in.Targets = r.namespace(), targets(app.variant)
	if in.Namespace == "" && len(app.variant.Targets) > 0 {
		in.Namespace = app.variant.Targets[0].Candidate.GetNamespace()
	}
	in.Taken = append(append(in.Taken, app.baseline...), app.variant.Objects...)
	injected, warnings, err := experiment.Render(ctx, in, res.ID, opt)
	if err != nil {
		return err
	}
	return r.mark(res, app, injected, warnings)
}

// namespace is where the application's objects go, as far as it is known.
func (r *run) namespace() string {
	for _, ns := range []string{r.req.Namespace, r.app.helm.Namespace, r.app.kustomize.Namespace} {
		if ns != "" {
			return ns
		}
	}
	return ""
}

func targets(v *variant.Result) []experiment.Target {
	out := make([]experiment.Target, len(v.Targets))
	for i, t := range v.Targets {
		out[i] = experiment.Target{Baseline: experiment.VersionOf(t.Baseline), Candidate: experiment.VersionOf(t.Candidate)}
	}
	return out
}
