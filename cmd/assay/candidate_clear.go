package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// clearOptions are the flags of candidate clear.
type clearOptions struct {
	environment
	title, id string
}

func (a *app) candidateClearCommand() *cobra.Command {
	var opt clearOptions
	cmd := &cobra.Command{
		Use:   "clear [DIR]",
		Short: "Withdraw the candidate of an environment",
		Long: `Clear removes the marker, and with it the candidates that wait. The baseline
stays as it is. Without a candidate there is nothing to do.

With --name or --id it withdraws one of several, whether it is under test or
waits; the others stay as they are, to the byte.`,
		Example: `  assay candidate clear shop/prod

  # One that waits
  assay candidate show shop/prod
  assay candidate clear shop/prod --name 6.15.0`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.candidateClear(ctx, opt, dirArg(args)) }),
	}
	opt.bindRender(cmd)
	f := cmd.Flags()
	f.StringVar(&opt.title, "name", "", "`name` of the one candidate to withdraw")
	f.StringVar(&opt.id, "id", "", "`ID` of the one candidate to withdraw, as assay candidate set prints it")
	return cmd
}

func (a *app) candidateClear(ctx context.Context, opt clearOptions, dir string) error {
	m, err := opt.openMarker(dir)
	if m != nil {
		defer m.close()
	}
	one := opt.title != "" || opt.id != ""
	// A marker that cannot be decoded is withdrawn too: it blocks every sync.
	if err != nil && (m == nil || m.Data == nil || one || errors.Is(err, marker.ErrForeign)) {
		return err
	}
	if m.Data == nil {
		a.notef("%s has no candidate", dir)
		return nil
	}
	if err := m.undisturbed(); err != nil {
		return err
	}
	if one {
		return a.withdraw(ctx, opt, m)
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

// withdraw takes one candidate out of the marker.
func (a *app) withdraw(ctx context.Context, opt clearOptions, m *markerPlace) error {
	i, err := opt.find(ctx, m.Request, m.File)
	if err != nil {
		return err
	}
	rest, err := marker.Remove(m.File, i)
	if err != nil {
		return err
	}
	if rest == nil {
		err = m.remove()
	} else {
		err = m.write(ctx, rest)
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(&a.out, "withdrew candidate %s from %s\n", promote.Label(m.Candidates[i]), m.on(m.Path))
	left := slices.Delete(slices.Clone(m.Candidates), i, i+1)
	if len(left) == 0 {
		return nil
	}
	req := m.Request
	req.FS = req.FS.With(map[string][]byte{m.Path: rest})
	queue, err := queueOf(ctx, req, left)
	if err != nil {
		return nil //nolint:nilerr // it is done: the time for what is only told has passed
	}
	which := "stays under test"
	if i == 0 {
		which = "is under test from now on"
	}
	a.notef("candidate %s%s %s", promote.Label(left[0]), inBrackets(queue[0].ID), which)
	if queue[0].Error != "" {
		a.notef("it does not render: %s", queue[0].Error)
	}
	return nil
}

// find is the place of the one candidate that the flags mean.
func (o clearOptions) find(ctx context.Context, req render.Request, m marker.File) (int, error) {
	var found []int
	for i, c := range m.Candidates {
		if o.title != "" && c.Metadata.Name != o.title {
			continue
		}
		if o.id != "" {
			id, err := idOf(ctx, req, m.Path, c)
			if err != nil {
				return 0, err
			}
			if id != o.id {
				continue
			}
		}
		found = append(found, i)
	}
	meant := o.title
	if meant == "" {
		meant = "with the ID " + o.id
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		var names []string
		for _, c := range m.Candidates {
			names = append(names, promote.Label(c))
		}
		return 0, fmt.Errorf("%s has no candidate %s: there are %s", m.Path, meant, listed(names))
	default:
		return 0, fmt.Errorf("%s has %d candidates %s: say which with --id", m.Path, len(found), meant)
	}
}

// idOf is the ID that a candidate has if it is tested now; empty if it does not
// render.
func idOf(ctx context.Context, req render.Request, path string, c spec.Candidate) (string, error) {
	data, err := spec.EncodeCandidate(c)
	if err != nil {
		return "", err
	}
	req.FS = req.FS.With(map[string][]byte{path: data})
	res, err := render.Environment(ctx, req)
	if ctx.Err() != nil {
		return "", err
	}
	if err != nil {
		return "", nil //nolint:nilerr // it is not the one that is meant
	}
	return res.ID, nil
}
