package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// clearOptions are the flags of candidate clear.
type clearOptions struct {
	environment
	server
	title string
	id    digest.Selector
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
  assay candidate clear shop/prod --name 6.15.0

  # On a server, without a clone
  assay candidate clear --repo https://git.example.com/env.git --path shop/prod`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.candidateClear(ctx, opt, args) }),
	}
	opt.bindRender(cmd)
	opt.server.bind(cmd)
	f := cmd.Flags()
	f.StringVar(&opt.title, "name", "", "`name` of the one candidate to withdraw")
	f.Var((*selector)(&opt.id), "id", "`ID` of the one candidate to withdraw, as assay candidate set prints it, or its digest")
	return cmd
}

func (a *app) candidateClear(ctx context.Context, opt clearOptions, args []string) error {
	if err := opt.check(args, opt.environment); err != nil {
		return err
	}
	if opt.chosen() {
		return a.clearThere(ctx, opt)
	}
	m, err := opt.openMarker(dirArg(args))
	if m != nil {
		defer m.close()
	}
	w, err := opt.withdraw(ctx, m, err)
	if err != nil {
		return err
	}
	if w == nil {
		a.notef("%s has no candidate", dirArg(args))
		return nil
	}
	if err := m.undisturbed(); err != nil {
		return err
	}
	if err := a.write(ctx, func() error { return m.write(ctx, "candidate clear", w.rest) }); err != nil {
		return err
	}
	a.reportWithdrawn(w, "")
	return nil
}

// withdrawal is what withdrawing makes of a marker.
type withdrawal struct {
	*markerPlace
	index int      // of the one candidate that is withdrawn; -1 withdraws all
	rest  []byte   // of the marker; nil where nothing is left
	left  []queued // once one of several is withdrawn
}

// withdraw makes it of a marker that was read with an error, or without; nil
// where there is nothing to withdraw.
func (o clearOptions) withdraw(ctx context.Context, m *markerPlace, read error) (*withdrawal, error) {
	one := o.title != "" || o.id != ""
	// A marker that cannot be decoded is withdrawn too: it blocks every sync.
	if read != nil && (m == nil || m.Data == nil || one || errors.Is(read, marker.ErrForeign)) {
		return nil, read
	}
	if m.Data == nil {
		return nil, nil
	}
	w := &withdrawal{markerPlace: m, index: -1}
	if !one {
		return w, nil
	}
	var err error
	if w.index, err = o.find(ctx, m.Request, m.File); err != nil {
		return nil, err
	}
	if w.rest, err = marker.Remove(m.File, w.index); err != nil || w.rest == nil {
		return w, err
	}
	req := m.Request
	req.FS = req.FS.With(map[string][]byte{m.Path: w.rest})
	w.left, err = queueOf(ctx, req, slices.Delete(slices.Clone(m.Candidates), w.index, w.index+1))
	return w, err
}

// reportWithdrawn tells what was done; there is where it went on a server.
func (a *app) reportWithdrawn(w *withdrawal, there string) {
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintf(&a.out, format+"\n", args...)
		if there != "" {
			_, _ = fmt.Fprintf(&a.out, "  %s\n", there)
		}
	}
	switch {
	case len(w.Candidates) == 0:
		say("removed %s, which could not be read", w.on(w.Path))
	case w.index < 0:
		say("withdrew candidate %s: removed %s", promote.Label(w.Candidates[0]), w.on(w.Path))
		if waiting := len(w.Candidates) - 1; waiting > 0 {
			a.notef("%d that waited went with it", waiting)
		}
	default:
		say("withdrew candidate %s from %s", promote.Label(w.Candidates[w.index]), w.on(w.Path))
		a.tellLeft(w)
	}
}

// tellLeft says what is under test once one of several is withdrawn.
func (a *app) tellLeft(w *withdrawal) {
	if len(w.left) == 0 {
		return
	}
	which := "stays under test"
	if w.index == 0 {
		which = "is under test from now on"
	}
	a.notef("candidate %s%s %s", promote.Label(w.left[0].Candidate), inBrackets(w.left[0].ID), which)
	if w.left[0].Error != "" {
		a.notef("it does not render: %s", w.left[0].Error)
	}
}

// find is the place of the one candidate that the flags mean.
func (o clearOptions) find(ctx context.Context, req render.Request, m marker.File) (int, error) {
	var found []int
	var digests []digest.Digest
	for i, c := range m.Candidates {
		if o.title != "" && c.Metadata.Name != o.title {
			continue
		}
		if o.id != "" {
			tested, err := digestOf(ctx, req, m.Path, c)
			if err != nil {
				return 0, err
			}
			if !o.id.Selects(tested) {
				continue
			}
			digests = append(digests, tested)
		}
		found = append(found, i)
	}
	meant := o.title
	if meant == "" {
		meant = "with the ID " + string(o.id)
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
		if o.id != "" && digests[0] != digests[1] {
			return 0, fmt.Errorf("%s: %w", m.Path, o.id.Ambiguous(digests[0], digests[1]))
		}
		return 0, fmt.Errorf("%s has %d candidates %s: say which with --id", m.Path, len(found), meant)
	}
}

// digestOf is the digest that a candidate has if it is tested now; empty if it does not
// render.
func digestOf(ctx context.Context, req render.Request, path string, c spec.Candidate) (digest.Digest, error) {
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
	return res.Digest, nil
}
