package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/internal/envfs"
)

func (a *app) demoCommand() *cobra.Command {
	keep := false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the three layouts with and without a candidate, and check the laws",
		Long: `Demo takes a small shop that it carries in three layouts: flat YAML, a Helm
chart and a kustomization, each with a plan, an experiment and a candidate. It
renders each without and with the candidate, and checks what Assay promises as
it goes. It needs no cluster and no network, and writes nothing without --keep.`,
		Example: `  assay demo

  # Keep the environments to try the other commands on
  assay demo --keep`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.do(func(ctx context.Context, _ []string) error { return a.demo(ctx, keep) }),
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "copy the environments to a new directory, and say where it is")
	return cmd
}

// demo reads the environments from the program itself: there is nothing to
// clean up, whenever the deadline passes.
func (a *app) demo(ctx context.Context, keep bool) error {
	if keep {
		if err := a.keepExamples(); err != nil {
			return err
		}
	}
	fsys := envfs.New(examples.FS(), envfs.Limits{})
	held, failed := 0, 0
	for _, example := range examples.All() {
		t := &tour{example: example, fsys: fsys, out: &a.out}
		if err := t.walk(ctx); err != nil {
			return fmt.Errorf("%s: %w", example.Dir, err)
		}
		held, failed = held+t.held, failed+t.failed
	}
	if failed > 0 {
		_, _ = fmt.Fprintf(&a.out, "demo: %d of %d checks failed\n", failed, held+failed)
		return errReported
	}
	_, err := fmt.Fprintf(&a.out, "demo: %d layouts, %d checks, all hold\n", len(examples.All()), held)
	return err
}

func (a *app) keepExamples() error {
	dir, err := os.MkdirTemp("", "assay-demo-")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	a.notef("the environments are in %s", dir)
	if err := os.CopyFS(dir, examples.FS()); err != nil {
		return fmt.Errorf("copy examples: %w", err)
	}
	return nil
}
