package main

import (
	"context"

	"github.com/spf13/cobra"
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
		Args: takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.conclude(ctx, opt, args) }),
	}
	opt.bindDecide(cmd)
	return cmd
}

func (a *app) conclude(ctx context.Context, opt decideOptions, args []string) error {
	s, err := a.site(ctx, opt.siteFlags, args, opt.way)
	if err != nil {
		return err
	}
	defer s.close()
	decider, err := a.verdict(opt, "", s)
	if err != nil {
		return err
	}
	r, err := s.Decide(ctx, decider)
	return a.reportDecision(s, opt.format, r, err)
}
