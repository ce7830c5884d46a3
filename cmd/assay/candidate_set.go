package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/verify"
	"github.com/assaydev/assay/render"
)

type candidateOptions struct {
	environment
	server
	images, sets, valueFiles, patches, variables []string
	tag, title                                   string
	retry, dryRun, pull                          bool
}

func (a *app) candidateSetCommand() *cobra.Command {
	var opt candidateOptions
	cmd := &cobra.Command{
		Use:   "set [DIR]",
		Short: "Put a change under test",
		Long: `Set writes the marker, candidate.yaml, with the change that is to be tested. It
renders the environment with it first: what cannot be edited into the
environment's files, or changes nothing, is refused, and nothing is written.

A candidate that is already under test is replaced, unless the plan's queue says
latest or every: then the new one waits. The same command again changes nothing.

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
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.candidateSet(ctx, opt, args) }),
	}
	opt.bindRender(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&opt.images, "image", nil, "`image` to change: NAME:TAG, NAME@DIGEST or NAME=NEWNAME[:TAG|@DIGEST]; repeatable")
	f.StringVar(&opt.tag, "tag", "", "new `tag` of the only image of the workloads under test")
	f.StringArrayVar(&opt.sets, "set", nil, "Helm values as `KEY=VALUE`, in the syntax of helm --set; repeatable")
	f.StringArrayVar(&opt.valueFiles, "values", nil, "YAML `file` of Helm values, - for stdin; repeatable, and under --set")
	f.StringArrayVar(&opt.patches, "patch", nil, "`file` of patches as Kustomize takes them, - for stdin; repeatable")
	env := f.Lookup("env")
	env.Value = envFlag{&opt.name, &opt.variables}
	env.Usage = "`name` of the environment where a directory serves several; or, as NAME=VALUE, a variable of the container under test; repeatable"
	f.StringVar(&opt.title, "name", "", "`name` of the candidate, for people (default: the new tag)")
	opt.bindPut(cmd)
	return cmd
}

// bindPut adds the flags of commands that write the marker.
func (o *candidateOptions) bindPut(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.retry, "retry", false, "test the same change again, as a new attempt")
	f.BoolVar(&o.dryRun, "dry-run", false, "print the change of candidate.yaml and write nothing")
	f.BoolVar(&o.pull, "pull-request", false, "on a server, offer the candidate in a pull request, as for a protected branch")
	o.server.bind(cmd)
}

func (a *app) candidateSet(ctx context.Context, opt candidateOptions, args []string) error {
	if err := opt.check(args); err != nil {
		return err
	}
	if opt.chosen() {
		return a.putThere(ctx, opt, func(ctx context.Context, m *markerPlace) (spec.Candidate, error) { return a.candidate(ctx, opt, m) })
	}
	m, err := opt.openMarker(dirArg(args))
	if m != nil {
		defer m.close()
	}
	if err != nil && (m == nil || m.Data == nil || errors.Is(err, marker.ErrForeign)) {
		return err
	}
	candidate, err := a.candidate(ctx, opt, m)
	if err != nil {
		return err
	}
	return a.putCandidate(ctx, opt, m, candidate)
}

// putCandidate proves the candidate and writes it to the marker.
func (a *app) putCandidate(ctx context.Context, opt candidateOptions, m *markerPlace, candidate spec.Candidate) error {
	if err := m.undisturbed(); err != nil {
		return err
	}
	past, err := m.memory(ctx, opt.commits)
	if err != nil {
		return err
	}
	p, err := m.placed(ctx, candidate, opt.retry, past)
	if err != nil {
		return err
	}
	if !p.changes() || opt.dryRun {
		a.preview(p)
		return nil
	}
	if err := a.write(ctx, func() error { return m.write(ctx, "candidate set", p.data) }); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(&a.out, "wrote %s to %s\n", p.called(), p.on(p.Path))
	a.tellSet(p)
	a.notef("next: assay diff %s", m.argument())
	if past.Shallow && !past.Cut {
		a.notef("the clone is shallow and holds %d of the branch's commits: what was rejected before them is not remembered here", past.Commits)
	}
	return nil
}

// placement is a candidate in its place in the marker, proven.
type placement struct {
	*markerPlace
	candidate spec.Candidate
	queue     []spec.Candidate
	data      []byte // of the marker
	rendered  *render.Result
}

// placed proves a candidate and puts it in its place.
func (m *markerPlace) placed(ctx context.Context, c spec.Candidate, retry bool, past history.Past) (*placement, error) {
	res, err := unremembered(ctx, &c, retry, past, m.try)
	if err != nil {
		return nil, err
	}
	p := &placement{markerPlace: m, candidate: c, queue: marker.Put(m.Candidates, c, res.Plan.Spec.Queue), rendered: res}
	p.data, err = marker.Encode(p.queue)
	return p, err
}

func (p *placement) changes() bool { return !bytes.Equal(p.data, p.Data) }

// preview prints what placing the candidate would change.
func (a *app) preview(p *placement) {
	if !p.changes() {
		_, _ = fmt.Fprintf(&a.out, "%s is in %s already\n", p.called(), p.on(p.Path))
		return
	}
	a.out.WriteString(udiff.Unified("a/"+p.Path, "b/"+p.Path, string(p.Data), string(p.data)))
}

// check refuses flags that make no sense together.
func (o candidateOptions) check(args []string) error {
	if err := o.checkPut(args); err != nil {
		return err
	}
	switch {
	case o.tag != "" && len(o.images) > 0:
		return usagef("--tag is for the only image, --image names one: give one of the two")
	case o.tag == "" && len(o.images)+len(o.sets)+len(o.valueFiles)+len(o.patches)+len(o.variables) == 0:
		return usagef("no change is given: name it with --tag, --image, --env NAME=VALUE, --set, --values or --patch")
	}
	return nil
}

// candidate makes the marker's document from the flags.
func (a *app) candidate(ctx context.Context, opt candidateOptions, m *markerPlace) (spec.Candidate, error) {
	c := spec.Candidate{APIVersion: spec.APIVersion, Kind: spec.KindCandidate}
	var err error
	if c.Spec.Images, err = opt.parseImages(ctx, m); err != nil {
		return c, err
	}
	if c.Spec.Values, err = a.values(opt); err != nil {
		return c, err
	}
	if c.Spec.Patches, err = a.parsePatches(ctx, opt, m); err != nil {
		return c, err
	}
	c.Metadata.Name = opt.title
	if c.Metadata.Name == "" {
		c.Metadata.Name = defaultName(c.Spec.Change)
	}
	m.recall(&c, opt.title == "")
	if opt.retry {
		c.Spec.Attempt++
	}
	return c, nil
}

// recall takes over what the marker says of the same change already.
func (m *markerPlace) recall(c *spec.Candidate, name bool) {
	for _, other := range m.Candidates {
		if !marker.Same(other.Spec.Change, c.Spec.Change) {
			continue
		}
		c.Spec.Attempt = other.Spec.Attempt
		c.Metadata.Annotations = other.Metadata.Annotations
		if name {
			c.Metadata.Name = other.Metadata.Name
		}
	}
}

// try renders the environment with the candidate under test, and proves that
// promoting and rejecting it would hold.
func (m *markerPlace) try(ctx context.Context, c spec.Candidate) (*render.Result, error) {
	data, err := spec.EncodeCandidate(c)
	if err != nil {
		return nil, err
	}
	req := m.Request
	req.FS = req.FS.With(map[string][]byte{m.Path: data})
	res, err := render.Environment(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := verify.Decidable(ctx, req, res, m.branch); err != nil {
		return nil, err
	}
	return res, nil
}

// called is the candidate for people.
func (p *placement) called() string {
	return fmt.Sprintf("candidate %s (%s)", promote.Label(p.candidate), p.rendered.ID)
}

// tellSet says on stderr what people should know beside the result.
func (a *app) tellSet(p *placement) {
	if len(p.Candidates) > 0 {
		first := p.Candidates[0]
		switch {
		case len(p.queue) > 1:
			a.notef("it waits until candidate %s has its verdict", promote.Label(first))
		case !marker.Same(first.Spec.Change, p.candidate.Spec.Change):
			a.notef("it preempts candidate %s, which was under test", promote.Label(first))
		}
		if dropped := len(p.Candidates) - len(p.queue); dropped > 0 {
			a.notef("%d that waited were dropped", dropped)
		}
	}
	for _, u := range p.rendered.Untested {
		a.notef("ships untested: %s", oneLine(u))
	}
	a.warn(p.rendered.Warnings)
}

// defaultName names a candidate after its first new tag or digest.
func defaultName(change spec.Change) string {
	for _, image := range change.Images {
		switch {
		case image.NewTag != "":
			return image.NewTag
		case image.Digest != "":
			_, hash, _ := strings.Cut(image.Digest, ":")
			return hash[:min(12, len(hash))]
		}
	}
	return ""
}
