// Package verify proves what can be proven of an environment before anything is
// decided there.
//
//  1. Environment renders it, with its candidate where there is one.
//  2. promote.Prove proves that both decisions on the candidate would hold now. Without a
//     candidate, the experiment's resources are rendered with the baseline in its place
//     (rehearse.go), and the plan's next environments are looked for.
//  3. The commits since a revision are held against what promotions allow, where that
//     was asked for (promote/audit).
//  4. The expressions of the plan's own engines are compiled.
//  5. Windows of the plan that never open are a warning (window.go).
//  6. What renders well and would surprise under Argo CD is a warning.
package verify

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/audit"
	"github.com/assaydev/assay/render"
)

// Options say what to prove.
type Options struct {
	Against string // the revision since which targets change through promotions alone; may be empty
	Signers string // a file of keys that have to sign promotions; see audit.Options
	Root    string // the repository's directory, in whose history that is
	Process git.Process
	Limits  envfs.Limits
	Top     string // where other environments are looked for that a promotion changes, at and below

	// Branch tells which branch is checked out, as promote.Options have it.
	Branch func(context.Context) (string, error)
}

// Report is what was proven, and what people should know.
type Report struct {
	*render.Result
	Proven   bool     // there is a candidate, and both decisions on it would hold
	Changed  []string // since Options.Against, without a verdict
	Claims   []string // commits that promote as tested, and claim the verdict
	Warnings []string
	promote.Effect
}

// Environment proves one environment. Where targets changed without a verdict, the
// report says which, and it is an error too.
func Environment(ctx context.Context, req render.Request, opt Options) (Report, error) {
	req.Memo = new(render.Memo)
	res, err := render.Environment(ctx, req)
	if err != nil {
		return Report{}, err
	}
	if !promote.IsEnvironment(req, res) {
		return Report{Result: res}, ErrNoEnvironment
	}
	r := Report{Result: res, Warnings: append(append([]string{}, res.Warnings...), res.Unjudged()...)}
	closed, err := windows(res.Plan, time.Now())
	if err != nil {
		return r, err
	}
	r.Warnings = append(r.Warnings, closed...)
	if res.Waits() {
		r.Warnings = append(r.Warnings, "the candidate is not tested yet: "+promote.WaitsInGit)
	}
	if res.Marker != nil {
		err = promote.Prove(ctx, req, res, opt.Branch)
		if r.Proven = err == nil; r.Proven {
			r.Effect, err = promote.EffectOf(ctx, req, res, opt.Branch, opt.Top)
		}
		if asked, failed := placed(ctx, req, res); failed == nil {
			r.Warnings = append(r.Warnings, hosts(asked.Injected, asked.Tested(), asked.Namespace, "")...)
		}
	} else {
		var more []string
		more, err = rehearse(ctx, req, res)
		r.Warnings = append(append(append(r.Warnings, more...), surprises(res)...), overlooked(req, res)...)
		if err == nil {
			err = promote.CheckNext(ctx, req, res.Plan, opt.Branch)
		}
	}
	if err == nil && opt.Against != "" {
		err = r.auditCommits(ctx, req, opt)
	}
	if err == nil {
		err = engines(req, res.Plan.Spec.Experiment.Engines)
	}
	return r, err
}

// ErrNoEnvironment is returned for a directory that is not an environment.
var ErrNoEnvironment = errors.New("no environment is there or below: one has an assay.yaml or a candidate.yaml, or renders objects")

// auditCommits holds the commits since a revision against what promotions allow.
func (r *Report) auditCommits(ctx context.Context, req render.Request, opt Options) error {
	repo, err := local.Open(ctx, opt.Root, opt.Process)
	if err != nil {
		return err
	}
	since, err := audit.Against(ctx, repo, req, audit.Options{Since: opt.Against, Limits: opt.Limits, Signers: opt.Signers}, r.Result)
	if err != nil {
		return err
	}
	r.Claims = since.Claims
	for _, commit := range since.ByHand {
		r.Warnings = append(r.Warnings, "commit "+commit+" promotes by hand, not on a verdict")
	}
	if r.Changed = since.Changed; len(r.Changed) > 0 {
		return fmt.Errorf("changed since %s without a verdict: %s; test changes of a target as a candidate", opt.Against, excerpt.List(r.Changed))
	}
	return nil
}

// engines compiles the expressions of the plan's own engines: a mistake in them shows
// before an experiment waits for them.
func engines(req render.Request, own []spec.Engine) error {
	if len(own) == 0 {
		return nil
	}
	name, err := spec.PlanFile(req.Name)
	if err != nil {
		return err
	}
	file := path.Join(req.Dir, name)
	data, err := req.FS.ReadFile(file)
	if err != nil {
		return err
	}
	return verdict.Check(file, data, own)
}

// surprises are what renders well today and would surprise under Argo CD once
// there is a candidate. With one, the render warns itself.
func surprises(res *render.Result) []string {
	var list []string
	if len(res.Baseline) == 0 {
		list = append(list, "renders no objects: is this the environment's directory?")
	}
	for _, o := range res.Baseline {
		if object.IsPostSync(o) {
			list = append(list, fmt.Sprintf("%s is a PostSync hook: while a candidate is tested, Argo CD waits for it and for the experiment, and syncs nothing newer", object.KeyOf(o)))
		}
	}
	return list
}
