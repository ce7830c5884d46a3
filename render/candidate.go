package render

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/change"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/experiment"
	"github.com/assaydev/assay/render/flat"
	"github.com/assaydev/assay/render/helm"
	"github.com/assaydev/assay/render/kustomize"
	"github.com/assaydev/assay/render/variant"
)

// stages are an environment without and with the change, from one source.
type stages struct {
	source              source
	namespace           string // where objects go that name none; empty when it is not known
	baseline, candidate []*unstructured.Unstructured
	draws               bool         // the baseline may render otherwise the next time
	unstable            []object.Key // what differs between two renders of the same files
	variant             *variant.Result
}

// test renders what the marker asks for, beside the baseline in res: once as
// Argo CD asks, and once as Git alone says, for the ID.
func (r *run) test(ctx context.Context, res *Result, baseline made) error {
	if err := r.ready(); err != nil {
		return err
	}
	app := &stages{source: r.app, namespace: r.app.destination(r.req.Namespace), baseline: baseline.objs, draws: baseline.draws}
	git := &stages{source: r.git, namespace: r.git.destination(""), baseline: baseline.objs}
	same := r.git.equal(r.app)
	if !same {
		m, err := r.make(ctx, r.git, r.tree)
		if err != nil {
			return r.withPlanned(err)
		}
		git.baseline, git.draws = m.objs, m.draws
	}
	edit, err := r.edit(ctx, git.baseline)
	if err != nil {
		return err
	}
	if err := r.rendered(ctx, edit.Files, git.baseline); err != nil {
		return err
	}
	if err := r.apart(ctx, edit.Files); err != nil {
		return err
	}
	edited := r.tree.With(edit.Files)
	if err := r.candidate(ctx, edited, app); err != nil {
		return fmt.Errorf("%w (with the change of %s; without it, the environment renders)", err, r.files.markerFile)
	}
	if same {
		git.candidate, git.unstable = app.candidate, app.unstable
	} else if err := r.candidate(ctx, edited, git); err != nil {
		return r.withPlanned(err)
	} else if err := r.sameHelm(ctx, edited, app); err != nil {
		return err
	} else if err := sameChange(r.files.markerFile, app, git); err != nil {
		return err
	}
	if err := r.variants(ctx, app, git, same); err != nil {
		return err
	}
	res.Candidate, res.Random = app.candidate, app.unstable
	res.Edited, res.Idle, res.Change = edit.Files, edit.Idle, edit.Change
	for _, t := range app.variant.Targets {
		res.Targets = append(res.Targets, object.KeyOf(t.Baseline))
	}
	return r.inject(ctx, res, app, git)
}

// ready refuses a marker in an environment whose plan does not say enough for
// the ID to be the same everywhere.
func (r *run) ready() error {
	if r.app.layout != r.git.layout {
		return fmt.Errorf("%s: the plugin's parameters make this a %s environment, and Git alone a %s one: with a marker, put the options in the plan",
			r.files.markerFile, r.app.layout, r.git.layout)
	}
	if r.git.layout != spec.Helm {
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
		Layout: r.git.layout, Plan: r.files.plan, Change: r.files.marker.Spec.Change, Baseline: baseline,
		Schema: kustomize.WithDefaultSchema,
		Kept: func(use string, texts [][]byte, create func() ([]byte, bool, error)) ([]byte, error) {
			return manifest.Remember(ctx, use, texts, create)
		},
		Render: func(tree *envfs.FS) ([]*unstructured.Unstructured, error) {
			objs, err := r.render(ctx, r.git, tree)
			return objs, err
		},
	}
	var err error
	switch r.git.layout {
	case spec.Flat:
		in.Files, err = flat.Files(ctx, r.tree, r.req.Dir, r.git.directory, r.hide)
	case spec.Helm:
		if in.ValueFiles, err = helm.ValueFiles(r.tree, r.req.Dir, r.git.helm, r.git.helmOptions(r.tree)); err == nil && len(in.Change.Images) > 0 {
			in.Files, err = helm.Templates(ctx, r.tree, r.req.Dir, r.git.helm, r.git.helmOptions(r.tree))
		}
		in.Values = func(tree *envfs.FS, over map[string]any) (map[string]any, error) {
			opt := r.git.helmOptions(tree)
			opt.Over = over
			return helm.Merged(ctx, tree, r.req.Dir, r.git.helm, opt)
		}
	case spec.Kustomize:
	}
	if err != nil {
		return change.Edit{}, err
	}
	return change.Make(in)
}

// candidate renders the edited tree. Where a chart's templates may draw random
// values, it is rendered once more without and with the change, to tell what
// differs between two renders of the same files.
func (r *run) candidate(ctx context.Context, edited *envfs.FS, s *stages) error {
	m, err := r.make(ctx, s.source, edited)
	if err != nil {
		return err
	}
	if s.candidate = m.objs; !s.draws && !m.draws {
		return nil
	}
	var baseline, candidate []*unstructured.Unstructured
	group, ctx := errgroup.WithContext(ctx)
	again := func(tree *envfs.FS, objs *[]*unstructured.Unstructured) {
		group.Go(func() (err error) {
			defer recovered(r.req.Dir, &err)
			*objs, err = s.source.render(ctx, tree, r.hide)
			return err
		})
	}
	again(edited, &candidate)
	again(r.tree, &baseline)
	if err := group.Wait(); err != nil {
		return err
	}
	for _, d := range append(object.Diff(s.baseline, baseline), object.Diff(s.candidate, candidate)...) {
		s.unstable = append(s.unstable, d.Key)
	}
	return nil
}

// variants derives the candidate's copies for both.
func (r *run) variants(ctx context.Context, app, git *stages, same bool) (err error) {
	input := func(s *stages) variant.Input {
		return variant.Input{
			Plan: r.files.plan, File: r.files.planFile, Marker: r.files.markerFile, Namespace: s.namespace,
			Baseline: s.baseline, Candidate: s.candidate, Unstable: s.unstable,
		}
	}
	if app.variant, err = variant.Build(ctx, input(app)); err != nil {
		return err
	}
	if same && input(app).SameIn(git.namespace) {
		git.variant = app.variant
		return nil
	}
	git.variant, err = variant.Build(ctx, input(git))
	return err
}

// inject renders the experiment's resources, names them by the ID and marks
// what belongs to the experiment.
func (r *run) inject(ctx context.Context, res *Result, app, git *stages) error {
	plan, marker := r.files.plan, r.files.marker
	var sources []experiment.Source
	// Without a plan, what a recursive directory renders stays a manifest.
	if r.files.planned || !r.app.directory.Recurse {
		var err error
		if sources, err = experiment.Load(r.tree, r.req.Dir, plan.Spec.Experiment); err != nil {
			return err
		}
	}
	opt := experiment.Options{AllowKinds: r.req.Allow.InjectKinds}
	in := experiment.Input{
		PlanFile: r.files.planFile, Sources: sources, Experiment: plan.Spec.Experiment, Name: plan.Metadata.Name,
	}
	if len(sources) > 0 { // nothing else looks at the targets
		in.Targets = targets(git.variant)
	}
	resources, err := experiment.Parse(ctx, in, opt)
	if err != nil {
		return err
	}
	if res.Digest, err = experiment.Digest(experiment.Tested{
		Path: r.req.Dir, Environment: r.req.Name, Change: res.Change, Attempt: marker.Spec.Attempt,
		Plan: plan, Resources: resources, Sources: sources, Baseline: git.variant.Before, Candidate: git.variant.After,
		Beside: git.baseline,
		JSON:   func(o *unstructured.Unstructured) ([]byte, error) { return manifest.JSON(ctx, o) },
	}); err != nil {
		return err
	}
	res.ID = res.Digest.ID()
	in.Namespace, in.Destination = app.namespace, app.namespace
	if len(sources) > 0 && app.variant != git.variant {
		in.Targets = targets(app.variant)
	}
	if first := app.variant.Targets; len(first) > 0 && first[0].Candidate.GetNamespace() != "" {
		in.Namespace = first[0].Candidate.GetNamespace() // the experiment goes where the variant is
	}
	in.Taken = append(append(in.Taken, app.baseline...), app.variant.Objects...)
	injected, warnings, err := experiment.Render(ctx, in, res.ID, opt)
	if err != nil {
		return err
	}
	return r.mark(res, app, injected, warnings)
}

func targets(v *variant.Result) []experiment.Target {
	out := make([]experiment.Target, len(v.Targets))
	for i, t := range v.Targets {
		out[i] = experiment.Target{Baseline: experiment.VersionOf(t.Baseline), Candidate: experiment.VersionOf(t.Candidate)}
	}
	return out
}
