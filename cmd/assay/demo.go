package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/examples/tour"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/git/local"
)

func (a *app) demoCommand() *cobra.Command {
	keep := false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Walk the whole loop in the three layouts, and check the laws",
		Long: `Demo copies a small shop in three layouts to a throw-away directory: flat YAML,
a Helm chart and a kustomization, each with a plan, an experiment and recorded
verdicts. In each, one candidate passes and is promoted, one fails and is
rejected, and one is preempted by a newer one. It checks what Assay promises
as it goes, and needs no cluster and no network.

With --keep the directory is a Git repository, with what the demo decided as
commits, and the last candidates are still under test there.`,
		Example: `  assay demo

  # Keep the environments to try the other commands on
  assay demo --keep`,
		Args:              cli.Takes(0, 0, ""),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.do(func(ctx context.Context, _ []string) error { return a.demo(ctx, keep) }),
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the directory and say where it is")
	return cmd
}

func (a *app) demo(ctx context.Context, keep bool) error {
	dir, err := a.copyExamples(ctx, keep)
	if err != nil {
		return err
	}
	place := tour.Place{Root: dir, Process: a.process}
	if !keep {
		defer func() { _ = os.RemoveAll(dir) }()
	} else if place.Commit, err = a.keepDemo(ctx, dir); err != nil {
		return err
	}
	held, failed := 0, 0
	for _, example := range examples.All() {
		checks, err := tour.Walk(ctx, place, example, &a.out)
		if err != nil {
			return fmt.Errorf("%s: %w", example.Dir, err)
		}
		held, failed = held+checks.Held, failed+checks.Failed
	}
	if failed > 0 {
		_, _ = fmt.Fprintf(&a.out, "demo: %d of %d checks failed\n", failed, held+failed)
		return errReported
	}
	_, err = fmt.Fprintf(&a.out, "demo: %d layouts, %d checks, all hold\n", len(examples.All()), held)
	if keep {
		a.nextf("the environments are in %s", dir)
		a.nextf("next: cd %s && assay status", dir)
	}
	return err
}

// keepDemo makes a repository of the directory, so that every command works there.
func (a *app) keepDemo(ctx context.Context, dir string) (commit func(context.Context, string) error, err error) {
	repo, err := local.Create(ctx, dir, a.process, "Assay", "noreply@assay.dev")
	if err == nil {
		err = repo.Commit(ctx, "Add the shop in three layouts")
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return repo.Commit, nil
}

// copyExamples writes the examples to a new directory. Unless it is kept, it
// goes when the command ends, in time or not.
func (a *app) copyExamples(ctx context.Context, keep bool) (string, error) {
	a.writing.Lock()
	defer a.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "assay-demo-")
	if err != nil {
		return "", fmt.Errorf("make directory: %w", err)
	}
	if !keep {
		a.scratch = dir
	}
	if err := os.CopyFS(dir, examples.FS()); err != nil {
		return "", fmt.Errorf("copy examples: %w", err)
	}
	return dir, nil
}
