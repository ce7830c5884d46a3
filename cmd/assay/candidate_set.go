package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/promote/candidate"
)

type candidateOptions struct {
	siteFlags
	candidate.Change
	title, format string
	editFlags
	retry, pull, preempt, queue bool
}

func (a *app) candidateSetCommand() *cobra.Command {
	var opt candidateOptions
	cmd := &cobra.Command{
		Use:   "set [DIR]",
		Short: "Put a change under test",
		Long: `Set writes the marker, candidate.yaml, with the change that is to be tested. It
renders the environment with it first: what cannot be edited into the
environment's files, or changes nothing, is refused, and nothing is written.

A candidate that is already under test is replaced by a newer one of the same
workloads, unless the plan's queue says latest or every: then the new one waits.
One of other workloads is refused, since it would end their test: it waits with
--queue, or takes the place with --preempt. The same command again changes
nothing, and neither does a change that the environment runs already.

What was rejected is not tested again, and neither is what was promoted and then
reverted, unless --retry says so. Decisions are looked for in the newest 500
commits.`,
		Example: `  # A new tag of the only image
  assay candidate set --tag 6.15.0 shop/prod

  # One image of several, as kustomize edit set image takes it
  assay candidate set --image podinfo=ghcr.io/stefanprodan/podinfo:6.15.0 shop/prod

  # Helm values, and what that would write
  assay candidate set --set image.tag=6.15.0,replicas=3 --dry-run charts/shop

  # A variable, or anything that Kustomize's patches can say
  assay candidate set --env LOG_LEVEL=debug shop/prod
  assay candidate set --patch resources.yaml shop/prod

  # The same change once more, after a rejection
  assay candidate set --tag 6.15.0 --retry shop/prod

  # On a server, without a clone; and where the branch takes no pushes
  assay candidate set --repo https://git.example.com/env.git --path shop/prod --tag 6.15.0
  assay candidate set --repo https://git.example.com/env.git --path shop/prod --tag 6.15.0 --pull-request`,
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.candidateSet(ctx, opt, args) }),
	}
	opt.bind(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&opt.Images, "image", nil, "`image` to change: NAME:TAG, NAME@DIGEST or NAME=NEWNAME[:TAG|@DIGEST]; repeatable")
	f.StringVar(&opt.Tag, "tag", "", "new `tag` of the only image of the workloads under test")
	f.StringArrayVar(&opt.Settings, "set", nil, "Helm values as `KEY=VALUE`, in the syntax of helm --set; repeatable")
	f.StringArrayVar(&opt.ValueFiles, "values", nil, "YAML `file` of Helm values, - for stdin; repeatable, and under --set")
	f.StringArrayVar(&opt.Patches, "patch", nil, "`file` of patches as Kustomize takes them, - for stdin; repeatable")
	env := f.Lookup("env")
	env.Value = envFlag{&opt.name, &opt.Change}
	env.Usage = "`name` of the environment where a directory serves several; or, as NAME=VALUE, a variable of the container under test; repeatable"
	f.StringVar(&opt.title, "name", "", "`name` of the candidate, for people (default: the new tag, or what changes)")
	opt.bindPut(cmd)
	cli.MustComplete(cmd, "image", completeImages(&opt.environmentFlags))
	return cmd
}

// bindPut adds the flags of commands that write the marker.
func (o *candidateOptions) bindPut(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.retry, "retry", false, "test the same change again, as a new attempt")
	f.BoolVar(&o.dryRun, "dry-run", false, "print the change of candidate.yaml and write nothing")
	f.BoolVar(&o.preempt, "preempt", false, "take the place of the candidate under test, also where that ends the test of other workloads")
	f.BoolVar(&o.queue, "queue", false, "wait for the verdict on the candidate under test")
	cli.Exclude(f, "queue", "preempt")
	bindCommit(f, &o.editFlags)
	o.format = formatText
	cli.BindChoice(cmd, &o.format, "output", "o", "format", formatText, formatYAML, formatJSON)
	f.BoolVar(&o.pull, "pull-request", false, "on a server, open a pull request for the candidate, as for a protected branch")
}

func (a *app) candidateSet(ctx context.Context, opt candidateOptions, args []string) error {
	if err := opt.checkChange(); err != nil {
		return err
	}
	opt.Read = a.input.Read
	return a.putCandidate(ctx, opt, args, func(s *site) candidate.Derive {
		return func(ctx context.Context, m *candidate.Marker) (candidate.Derived, error) {
			c, err := opt.Derive(ctx, m)
			return c, opt.explainChange(s.arg, err)
		}
	})
}

// putCandidate puts what is derived at a site under test.
func (a *app) putCandidate(ctx context.Context, opt candidateOptions, args []string, derive func(*site) candidate.Derive) error {
	if opt.pull && !opt.chosen() {
		return cli.Usagef("--pull-request is for a server: name it with --repo or --app")
	}
	s, err := a.site(ctx, opt.siteFlags, args, opt.editFlags)
	if err != nil {
		return err
	}
	defer s.close()
	p, err := s.Set(ctx, candidate.Put{Derive: derive(s), Name: opt.title, Retry: opt.retry, Loose: len(opt.ValueFiles) > 0, Pull: opt.pull, Preempt: opt.preempt, Queue: opt.queue})
	var remembered *candidate.RememberedError
	var others *candidate.OtherTargetsError
	switch {
	case errors.As(err, &others):
		return fmt.Errorf("%w, give --queue to test it after that, or --preempt to take the place now", err)
	case errors.As(err, &remembered):
		return fmt.Errorf("%w; to test the same change once more, add --retry", err)
	case err != nil:
		return a.explain(s, err)
	}
	return a.reportSet(s, p, opt)
}

// checkChange refuses flags of a change that make no sense together.
func (o candidateOptions) checkChange() error {
	switch {
	case o.Tag != "" && len(o.Images) > 0:
		return cli.Usagef("--tag is for the only image, --image names one: give one of the two")
	case o.Tag == "" && len(o.Images)+len(o.Settings)+len(o.ValueFiles)+len(o.Patches)+len(o.Variables) == 0:
		return cli.Usagef("no change is given: name it with --tag, --image, --env NAME=VALUE, --set, --values or --patch")
	}
	return nil
}
