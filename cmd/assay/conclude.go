package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

func (a *app) concludeCommand() *cobra.Command {
	var opt decideOptions
	cmd := &cobra.Command{
		Use:   "conclude [DIR]",
		Short: "Follow the verdict of the experiment: promote, reject or hold",
		Long: `Conclude reads the experiment's objects and follows their verdict: those of the
cluster or, with --experiment, those that kubectl get -o yaml or -o json has
printed. All objects that judge have to be there, with the digest of the
experiment that is under test now: a verdict on another candidate is superseded,
and nothing happens. What the cluster does not have yet is a hold, and so is an
object without a digest, or of another format.

The cluster is that of the kubeconfig's context, as for kubectl, else that of
the pod; the namespace is the one that the Application deploys to, or
--namespace. It takes the verb list on the kinds that judge.

No verdict by the plan's deadline counts as a reject. A decision that was killed
while it wrote is finished by the same command.

Exit codes: 0 promoted, rejected, superseded or nothing to do; 3 hold.`,
		Example: `  # An Application's, and its experiment, both in the cluster
  assay conclude --app shop

  # A directory, and the experiment in the cluster; a commit with the evidence
  assay conclude shop/prod --namespace shop --commit

  # On a server, without a clone: what a CI job or an experiment's last step runs
  kubectl get analysisruns -n shop -o yaml |
    assay conclude --repo https://git.example.com/env.git --path shop/prod --namespace shop --experiment -`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.conclude(ctx, opt, args) }),
	}
	opt.bindDecide(cmd)
	return cmd
}

func (a *app) conclude(ctx context.Context, opt decideOptions, args []string) error {
	opt.live = opt.experiment == ""
	return a.decideAnywhere(ctx, opt, args, "")
}

// followsVerdict reports whether an experiment decides, and not people.
func (o decideOptions) followsVerdict() bool { return o.experiment != "" || o.live }

// verdict decides by what the experiment's objects say. In a cluster, those that
// name no namespace are in the one that the Application deploys to, which is
// asked for once there is a candidate.
func (a *app) verdict(opt decideOptions, wanted promote.Outcome, namespace func() (string, error)) (promote.Decider, error) {
	if opt.experiment == "" {
		return promote.Meaning(opt.id, promote.ByVerdict(a.live(opt, namespace), wanted)), nil
	}
	data, err := a.readInput(opt.experiment)
	if err != nil {
		return nil, err
	}
	objs, err := verdict.Read(inputName(opt.experiment), data)
	if err != nil {
		return nil, err
	}
	decide := promote.Meaning(opt.id, promote.ByVerdict(promote.Saved(objs), wanted))
	return func(ctx context.Context, res *render.Result, since promote.Since) (promote.Choice, error) {
		c, err := decide(ctx, res, since)
		if errors.Is(err, verdict.ErrNamespace) {
			err = fmt.Errorf("%w: name it with --namespace", err)
		}
		return c, err
	}, nil
}

// since tells when the branch that is checked out began to hold what is under
// test. That is not known of what is in no commit.
func (p *place) since(res *render.Result) promote.Since {
	return func(ctx context.Context) (time.Time, error) {
		repo, err := local.Open(ctx, p.root)
		if errors.Is(err, local.ErrNoRepo) {
			return time.Time{}, nil
		}
		if err != nil {
			return time.Time{}, err
		}
		tip, err := repo.Head(ctx)
		if err != nil || tip == "" {
			return time.Time{}, err
		}
		return promote.Began(ctx, repo, tip, res.Digest, p.in)
	}
}

// in is the environment in another tree of the repository.
func (p *place) in(tree fs.FS) render.Request {
	req := p.Request
	req.FS = envfs.New(tree, p.files)
	return req
}

// leave tells why nothing is done.
func (a *app) leave(opt decideOptions, p *place, c promote.Choice) error {
	result := errHeld
	if c.Left == promote.Superseded {
		result = nil
	}
	if opt.format == formatJSON {
		r := &report{
			Outcome: string(c.Left), Environment: p.Environment, Candidate: c.Candidate.Metadata.Name, ID: c.Experiment,
			Engine: c.Engine, Reason: c.Reason, Evidence: c.Evidence,
		}
		if err := a.reportJSON(r); err != nil {
			return err
		}
		return result
	}
	if c.Left == promote.Superseded {
		a.notef("superseded: %s: nothing to do", c.Reason)
	} else {
		a.notef("candidate %s (%s) is not promoted: the verdict is %s: %s", promote.Label(c.Candidate), c.Experiment, c.Left, c.Reason)
	}
	return result
}
