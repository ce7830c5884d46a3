package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/promote"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/diff"
	"github.com/assaydev/assay/promote/candidate"
	"github.com/assaydev/assay/render"
)

type diffOptions struct {
	siteFlags
	format, color string
	full          bool
	helms         []string
}

func (a *app) diffCommand() *cobra.Command {
	opt := diffOptions{format: formatText, color: "auto"}
	cmd := &cobra.Command{
		Use:   "diff [DIR...]",
		Short: "Compare baseline and candidate, and list what is injected",
		Long: `Diff compares an environment's baseline with its candidate, object by object,
as promotion would change it. It then lists the objects that run beside the
baseline while the candidate is tested, the files that promotion would change,
other environments that render from them, what ships untested, and what else
selects the candidate's pods. The data of Secrets is masked.

Without a candidate there is nothing to compare, and the exit code is 0.

With --helm v3,v4 it compares what two versions of Helm render instead: the
baseline of every chart at and below the directories. It answers what changes
when Argo CD moves to 3.5, which has Helm 4.`,
		Example: `  assay diff shop/prod

  # With the injected objects in full
  assay diff shop/prod --full

  # What changes when Argo CD moves from Helm 3 to Helm 4
  assay diff --helm v3,v4 environments charts

  # On a server, without a clone
  assay diff --repo https://git.example.com/env.git --path shop/prod

  # The IDs of what is under test
  assay diff shop/prod -o json | jq -r .id`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(opt.helms) > 0 {
				return nil
			}
			return cli.Takes(0, 1, "one directory, unless --helm is given,")(cmd, args)
		},
		RunE: a.do(func(ctx context.Context, args []string) error {
			if len(opt.helms) > 0 {
				return a.diffHelm(ctx, opt, args)
			}
			return a.diff(ctx, opt, args)
		}),
	}
	opt.bind(cmd)
	cli.BindChoice(cmd, &opt.format, "output", "o", "format", formatText, formatYAML, formatJSON)
	cli.BindChoice(cmd, &opt.color, "color", "", "colour the output", "auto", "always", "never")
	cmd.Flags().StringSliceVar(&opt.helms, "helm", nil, "compare what two `versions` of Helm render from each chart, as v3,v4")
	cmd.Flags().BoolVar(&opt.full, "full", false, "print injected objects in full")
	return cmd
}

func (a *app) diff(ctx context.Context, opt diffOptions, args []string) error {
	s, err := a.site(ctx, opt.siteFlags, args, way{})
	if err != nil {
		return err
	}
	defer s.close()
	var c *comparison
	var warnings []string
	err = s.Show(ctx, func(ctx context.Context, m *candidate.Marker) error {
		c, warnings, err = s.compare(ctx, m.Request, opt)
		return err
	})
	if err != nil {
		return err
	}
	if opt.format != formatText {
		if err := a.structured(opt.format, c); err != nil {
			return err
		}
	} else {
		for i, name := range c.Files {
			c.Files[i] = s.on(name)
		}
		c.print(&a.out, a.palette(opt.color))
	}
	a.warn(warnings)
	return nil
}

// compare renders the environment and compares its baseline with its candidate.
func (s *site) compare(ctx context.Context, req render.Request, opt diffOptions) (*comparison, []string, error) {
	res, err := render.Environment(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	c, err := compare(res, opt.full, opt.output(s.arg))
	if err != nil || res.Marker == nil {
		return c, res.Warnings, err
	}
	warnings := res.Warnings
	if c.Effect, err = promote.EffectOf(ctx, req, res, s.branch, s.session == nil); ctx.Err() != nil {
		return nil, nil, err
	}
	if err != nil {
		warnings = append(warnings, "the candidate could not be promoted: "+err.Error())
	}
	return c, append(warnings, res.Unjudged()...), nil
}

// comparison is what a candidate changes, and what its test adds.
type comparison struct {
	Environment string        `json:"environment"`
	Layout      string        `json:"layout"`
	Candidate   string        `json:"candidate,omitempty"`
	ID          string        `json:"id,omitempty"`
	Digest      digest.Digest `json:"digest,omitempty"`
	Waiting     int           `json:"waiting,omitempty"`
	Changes     []change      `json:"changes"`
	Variant     []entry       `json:"variant"`
	Replaced    []entry       `json:"replaced"`
	Injected    []entry       `json:"injected"`
	Untested    []string      `json:"untested"`
	Selected    []string      `json:"selected"`
	Rewritten   []string      `json:"rewritten,omitempty"` // what of the variant differs from what is promoted

	promote.Effect
	marker bool
}

// change is one object in which baseline and candidate differ.
type change struct {
	Object string    `json:"object"`
	Change diff.Kind `json:"change"`
	Diff   string    `json:"diff"`
}

// entry is one object that runs beside the baseline.
type entry struct {
	Object   string `json:"object"`
	Role     string `json:"role,omitempty"`     // judges, or load
	Manifest string `json:"manifest,omitempty"` // with --full
}

func compare(res *render.Result, full bool, out *output) (*comparison, error) {
	c := &comparison{
		Environment: res.Plan.Metadata.Name, Layout: string(res.Layout), ID: res.ID, Digest: res.Digest, Waiting: res.Waiting,
		Changes: []change{}, Variant: []entry{}, Replaced: []entry{}, Injected: []entry{},
		Untested: append([]string{}, res.Untested...), Selected: append([]string{}, res.Selected...), Rewritten: res.Rewritten,
	}
	if res.Marker == nil {
		return c, nil
	}
	c.marker, c.Candidate = true, res.Marker.Metadata.Name
	for _, d := range object.Diff(object.Applied(res.Baseline), object.Applied(res.Candidate)) {
		item, err := compareObject(d, out)
		if err != nil {
			return nil, err
		}
		c.Changes = append(c.Changes, item)
	}
	var err error
	if c.Variant, err = entries(res.Variant, full, out); err != nil {
		return nil, err
	}
	if c.Replaced, err = entries(res.Replaced, full, out); err != nil {
		return nil, err
	}
	if c.Injected, err = entries(res.Injected, full, out); err != nil {
		return nil, err
	}
	judges := res.Judges() // what is cloned may be of an engine's kind too
	mark(c.Replaced, res.Replaced, judges)
	mark(c.Injected, res.Injected, judges)
	return c, nil
}

// mark says of each object that judges that it does.
func mark(list []entry, objs []*unstructured.Unstructured, judges []object.Key) {
	for i, o := range objs {
		if slices.Contains(judges, object.KeyOf(o)) {
			list[i].Role = "judges"
		}
	}
}

// compareObject makes a unified diff of one object's YAML.
func compareObject(d object.Difference, out *output) (change, error) {
	text, err := diff.Unified(d, out.max)
	if errors.Is(err, object.ErrTooLarge) {
		return change{}, out.exceeded()
	}
	if err != nil {
		return change{}, err
	}
	return change{Object: d.Key.String(), Change: diff.KindOf(d), Diff: text}, out.take(len(text))
}

func entries(objs []*unstructured.Unstructured, full bool, out *output) ([]entry, error) {
	list := make([]entry, 0, len(objs))
	for _, o := range objs {
		e := entry{Object: object.KeyOf(o).String(), Role: o.GetAnnotations()[engine.RoleAnnotation]}
		if full {
			data, err := out.yaml(diff.Masked(o))
			if err != nil {
				return nil, err
			}
			e.Manifest = string(data)
		}
		list = append(list, e)
	}
	return list, nil
}

func (c *comparison) print(w io.Writer, p cli.Palette) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
	if !c.marker {
		say("%s has no candidate (%s): nothing to compare\n", c.Environment, c.Layout)
		return
	}
	say("%s\n", p.Bold(cli.Join(c.Environment+" ("+c.Layout+")", "candidate "+called(c.Candidate), c.ID)))
	if c.Waiting > 0 {
		say("%d more wait in the queue\n", c.Waiting)
	}
	for _, item := range c.Changes {
		say("\n%s %s\n", p.Bold(item.Object), item.Change)
		p.Diff(w, item.Diff)
	}
	printEntries(w, p, "Runs beside the baseline:", c.Variant)
	printEntries(w, p, "Replaces the baseline's:", c.Replaced)
	printEntries(w, p, "Tests it:", c.Injected)
	printList(w, p, "Promotion changes the files:", c.Files)
	printList(w, p, "Also changes the environments:", c.Also)
	printList(w, p, "Ships untested:", c.Untested)
	printList(w, p, "Selects the candidate's pods:", c.Selected)
	printList(w, p, "Differs from what is promoted:", c.Rewritten)
}

func printEntries(w io.Writer, p cli.Palette, title string, list []entry) {
	lines := make([]string, len(list))
	for i, e := range list {
		lines[i] = e.Object
		if e.Role != "" {
			lines[i] += " (" + e.Role + ")"
		}
	}
	printList(w, p, title, lines)
	for _, e := range list {
		if e.Manifest != "" {
			_, _ = fmt.Fprintf(w, "---\n%s", e.Manifest)
		}
	}
}

func printList(w io.Writer, p cli.Palette, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	_, _ = fmt.Fprintf(w, "\n%s\n", p.Bold(title))
	for _, line := range lines {
		_, _ = fmt.Fprintf(w, "  %s\n", line)
	}
}
