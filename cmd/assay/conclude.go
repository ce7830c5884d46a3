package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/promote"
)

func (a *app) concludeCommand() *cobra.Command {
	var opt decideOptions
	wait := false
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
--namespace. It takes the verb list on the kinds that judge. A promotion takes
it on the kinds of the variant, too: what was tested there has to be what Git
renders, less what the Application of --app and its Argo CD ignore. A field that
differs is a hold that names it.

A verdict of promote waits until the plan's windows (spec.promotion.windows)
open. No verdict by the plan's deadline counts as a reject. A decision that was
killed while it wrote is finished by the same command.

With --wait it looks again for as long as the verdict is hold, until --timeout
where that is given. The plan's deadline ends it in any case.

Exit codes: 0 promoted, rejected, superseded or nothing to do; 3 hold.
--exit-code tells them apart.`,
		Example: `  # An Application's, and its experiment, both in the cluster
  assay conclude --app shop

  # Until there is a verdict, and what it was
  assay conclude --app shop --wait --timeout 30m --exit-code

  # A directory, and the experiment in the cluster; a commit with the evidence
  assay conclude shop/prod --namespace shop --commit

  # On a server, without a clone: what a CI job or an experiment's last step runs
  kubectl get analysisruns -n shop -o yaml |
    assay conclude --repo https://git.example.com/env.git --path shop/prod --namespace shop --experiment -`,
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.conclude(ctx, opt, args, wait) }),
	}
	opt.bindDecide(cmd)
	cmd.Flags().BoolVar(&wait, "wait", false, "look again until there is a verdict, or --timeout has passed")
	return cmd
}

func (a *app) conclude(ctx context.Context, opt decideOptions, args []string, wait bool) error {
	if wait && opt.experiment == "-" {
		return cli.Usagef("--wait looks again, and stdin can be read once: give a file with --experiment, or leave it out to ask the cluster")
	}
	s, err := a.site(ctx, opt.siteFlags, args, opt.editFlags)
	if err != nil {
		return err
	}
	defer s.close()
	decide := func(ctx context.Context) (*promote.Result, error) {
		decider, err := a.verdict(opt, "", s)
		if err != nil {
			return nil, err
		}
		return s.Decide(ctx, decider)
	}
	if !wait {
		r, err := decide(ctx)
		return a.reportDecision(s, opt, r, err)
	}
	patience := promote.Patience{Held: func(r *promote.Result) {
		a.notef("candidate %s (%s) waits for a verdict: %s", promote.LabelOf(r.Candidate), r.ID, excerpt.Of(r.Reason, 300))
	}}
	if a.limited {
		patience.Until = time.Now().Add(a.timeout)
	}
	r, err := promote.Wait(ctx, patience, decide)
	return a.reportDecision(s, opt, r, err)
}
