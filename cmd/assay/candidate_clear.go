package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/promote"
)

func (a *app) candidateClearCommand() *cobra.Command {
	var env environment
	cmd := &cobra.Command{
		Use:   "clear [DIR]",
		Short: "Withdraw the candidate of an environment",
		Long: `Clear removes the marker, and with it the candidates that wait. The baseline
stays as it is. Without a candidate there is nothing to do.`,
		Example: `  assay candidate clear shop/prod`,
		Args:    cobra.MaximumNArgs(1),
		RunE:    a.do(func(_ context.Context, args []string) error { return a.candidateClear(env, dirArg(args)) }),
	}
	env.bind(cmd)
	return cmd
}

func (a *app) candidateClear(env environment, dir string) error {
	m, err := env.openMarker(dir)
	if m != nil {
		defer m.close()
	}
	// A marker that cannot be decoded is withdrawn too: it blocks every sync.
	if err != nil && (m == nil || m.Data == nil || errors.Is(err, marker.ErrForeign)) {
		return err
	}
	if m.Data == nil {
		a.notef("%s has no candidate", dir)
		return nil
	}
	if err := m.undisturbed(); err != nil {
		return err
	}
	if err := m.remove(); err != nil {
		return err
	}
	if len(m.Candidates) == 0 {
		_, err = fmt.Fprintf(&a.out, "removed %s, which could not be read\n", m.on(m.Path))
		return err
	}
	_, err = fmt.Fprintf(&a.out, "withdrew candidate %s: removed %s\n", promote.Label(m.Candidates[0]), m.on(m.Path))
	if waiting := len(m.Candidates) - 1; waiting > 0 {
		a.notef("%d that waited went with it", waiting)
	}
	return err
}
