package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote/candidate"
	"github.com/assaydev/assay/render"
)

// completeWithin is how long a shell waits for names of a cluster.
const completeWithin = 2 * time.Second

// names makes a completion of what is there now. What cannot be asked completes nothing.
func names(list func(ctx context.Context, args []string) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		ctx, cancel := context.WithTimeout(ctx, completeWithin)
		defer cancel()
		found, err := list(ctx, args)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeCluster completes contexts and Applications in all commands that have flags for
// them.
func (a *app) completeCluster(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		a.completeCluster(c)
	}
	if cmd.Flags().Lookup("context") == nil {
		return
	}
	chosen := func() (opt serverFlags) {
		opt.kubeconfig, opt.kubeContext = cmd.Flag("kubeconfig").Value.String(), cmd.Flag("context").Value.String()
		return opt
	}
	cli.MustComplete(cmd, "context", names(func(context.Context, []string) ([]string, error) {
		files, err := a.kubeconfigs(chosen())
		if err != nil {
			return nil, err
		}
		return cluster.Contexts(files)
	}))
	cli.MustComplete(cmd, "app", names(func(ctx context.Context, _ []string) ([]string, error) {
		c, err := a.openCluster(chosen())
		if err != nil {
			return nil, err
		}
		apps, err := c.ListAll(ctx, application.Resource(), "", "")
		var found []string
		for _, o := range apps {
			found = append(found, o.GetNamespace()+"/"+o.GetName())
		}
		return found, err
	}))
}

// completeImages completes the names of the images that the environment runs.
func completeImages(env *environmentFlags) cobra.CompletionFunc {
	return names(func(ctx context.Context, args []string) ([]string, error) {
		res, err := env.render(ctx, dirArg(args), plugin.Call{})
		if err != nil {
			return nil, err
		}
		var found []string
		for _, o := range render.UnderTest(res.Plan, res.Baseline) {
			for _, image := range object.Images(o) {
				name, _, _ := object.SplitImage(image.Ref)
				found = append(found, name+"\t"+image.Ref)
			}
		}
		return found, nil
	})
}

// completeCandidates completes the names of the candidates of the environment, or their
// IDs.
func completeCandidates(env *environmentFlags, id bool) cobra.CompletionFunc {
	return names(func(ctx context.Context, args []string) ([]string, error) {
		at, err := env.open(dirArg(args), plugin.Call{})
		if err != nil {
			return nil, err
		}
		defer at.close()
		m, err := candidate.Read(at.Request)
		if err != nil {
			return nil, err
		}
		queue, err := m.Queue(ctx)
		var found []string
		for _, q := range queue {
			switch {
			case id && q.ID != "":
				found = append(found, q.ID+"\t"+q.Metadata.Name)
			case !id && q.Metadata.Name != "":
				found = append(found, q.Metadata.Name+"\t"+q.State)
			}
		}
		return found, err
	})
}
