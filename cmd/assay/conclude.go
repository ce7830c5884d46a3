package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/gitrepo"
	"github.com/assaydev/assay/internal/verdict"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

func (a *app) concludeCommand() *cobra.Command {
	var opt decideOptions
	cmd := &cobra.Command{
		Use:   "conclude [DIR]",
		Short: "Follow the verdict of the experiment: promote, reject or hold",
		Long: `Conclude reads the experiment's objects, as kubectl get -o yaml or -o json
prints them, and follows their verdict. All objects that judge have to be there,
with the label of the experiment that is under test now: a verdict on another
candidate is superseded, and nothing happens.

An experiment that still runs past the plan's deadline counts as a reject. A
decision that was killed while it wrote is finished by the same command.

Exit codes: 0 promoted, rejected, superseded or nothing to do; 3 hold.`,
		Example: `  # From the cluster
  kubectl get experiments.iter8.tools -n shop -o yaml | assay conclude shop/prod --experiment -

  # From a file, and a commit with the evidence
  assay conclude shop/prod --experiment experiment.yaml --commit`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.conclude(ctx, opt, dirArg(args)) }),
	}
	opt.bindDecide(cmd)
	return cmd
}

func (a *app) conclude(ctx context.Context, opt decideOptions, dir string) error {
	if opt.experiment == "" {
		return usagef("name the experiment's objects with --experiment FILE, or - for stdin")
	}
	p, err := opt.open(dir, plugin.Call{})
	if err != nil {
		return err
	}
	defer p.close()
	if done, err := a.resume(ctx, opt, p, ""); done || err != nil {
		return err
	}
	return a.follow(ctx, opt, p, "")
}

// follow does what the verdict says, if that is wanted; anything is where
// wanted is empty.
func (a *app) follow(ctx context.Context, opt decideOptions, p *place, wanted promote.Outcome) error {
	data, err := a.readInput(opt.experiment)
	if err != nil {
		return err
	}
	name := opt.experiment
	if name == "-" {
		name = "stdin"
	}
	objs, err := verdict.Read(name, data)
	if err != nil {
		return err
	}
	res, err := render.Environment(ctx, p.Request)
	if err != nil {
		return err
	}
	if res.Marker == nil {
		return a.nothingToDo(opt, p)
	}
	v, err := p.judge(ctx, res, objs)
	if err != nil {
		return err
	}
	d := decision{outcome: promote.Outcome(v.Outcome), reason: v.Message, engine: v.Engine, evidence: v.Evidence}
	switch {
	case v.Outcome == verdict.Superseded:
		return a.leave(opt, p, res, v, "superseded", nil)
	case v.Outcome == verdict.Hold:
		return a.leave(opt, p, res, v, "hold", errHeld)
	case wanted == promote.Promote && v.Outcome == verdict.Reject:
		return a.leave(opt, p, res, v, "reject", errHeld)
	case wanted == promote.Reject && v.Outcome == verdict.Promote:
		return fmt.Errorf("not rejected: the verdict is promote: %s; to reject it anyway, say why with --reason", v.Message)
	case res.Plan.Spec.Promotion.Paused:
		return fmt.Errorf("%s is paused (spec.promotion.paused) and the verdict is %s: to follow it anyway, say why with assay %s --reason", p.arg, v.Outcome, v.Outcome)
	}
	return a.decide(ctx, opt, p, res, d)
}

// judge reads the verdict on what is under test.
func (p *place) judge(ctx context.Context, res *render.Result, objs []*unstructured.Unstructured) (verdict.Verdict, error) {
	custom := res.Plan.Spec.Experiment.Engines
	deadline, err := time.ParseDuration(res.Plan.Spec.Experiment.Deadline)
	if err != nil {
		return verdict.Verdict{}, fmt.Errorf("parse spec.experiment.deadline of the plan: %w", err)
	}
	since, err := p.since(ctx)
	if err != nil {
		return verdict.Verdict{}, err
	}
	expect := verdict.Expect{ID: res.ID, Judges: res.Judges(), Since: since, Deadline: deadline, Now: time.Now()}
	return verdict.Judge(ctx, objs, expect, verdict.Options{Engines: custom})
}

// since is when the candidate was set: when its marker was committed. It is not
// known of one that is not in a commit.
func (p *place) since(ctx context.Context) (time.Time, error) {
	repo, err := gitrepo.Open(ctx, p.root)
	if errors.Is(err, gitrepo.ErrNoRepo) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	marker, err := p.markerFile()
	if err != nil {
		return time.Time{}, err
	}
	return repo.Changed(ctx, marker)
}

// leave tells why nothing is done.
func (a *app) leave(opt decideOptions, p *place, res *render.Result, v verdict.Verdict, outcome string, result error) error {
	if opt.format == formatJSON {
		r := &report{
			Outcome: outcome, Environment: p.Dir, Name: p.Name, Candidate: res.Marker.Metadata.Name, ID: res.ID,
			Engine: v.Engine, Reason: v.Message, Evidence: v.Evidence,
		}
		if err := a.reportJSON(r); err != nil {
			return err
		}
		return result
	}
	switch outcome {
	case "superseded":
		a.notef("superseded: %s: nothing to do", v.Message)
	default:
		a.notef("candidate %s (%s) is not promoted: the verdict is %s: %s", label(*res.Marker), res.ID, outcome, v.Message)
	}
	return result
}
