// Package compare sets two renders of an environment side by side, for people and
// programs.
//
//  1. Candidate renders the environment, and compares its baseline with its candidate,
//     object by object. It lists what runs beside the baseline while it is tested, and
//     what a promotion would change.
//  2. Helm compares what two versions of Helm make of the charts below a directory
//     (helm.go).
//
// Both print within the limit of an object.Printer. Secrets are masked.
package compare

import (
	"context"
	"errors"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/diff"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// Options say what of a comparison is printed.
type Options struct {
	Full    bool            // with the manifests of what runs beside the baseline
	Printer *object.Printer // what counts the bytes
	Top     string          // as promote.EffectOf takes it

	// Branch tells which branch is checked out, as promote.Options have it.
	Branch func(context.Context) (string, error)
}

// Comparison is what a candidate changes, and what its test adds.
type Comparison struct {
	Environment string        `json:"environment"`
	Layout      string        `json:"layout"`
	Candidate   string        `json:"candidate,omitempty"`
	ID          string        `json:"id,omitempty"`
	Digest      digest.Digest `json:"digest,omitempty"`
	Waiting     int           `json:"waiting,omitempty"`
	Changes     []Change      `json:"changes"`
	Variant     []Entry       `json:"variant"`
	Replaced    []Entry       `json:"replaced"`
	Injected    []Entry       `json:"injected"`
	Untested    []string      `json:"untested"`
	Selected    []string      `json:"selected"`
	Rewritten   []string      `json:"rewritten,omitempty"` // what of the variant differs from what is promoted

	promote.Effect
	UnderTest bool `json:"-"` // there is a candidate
}

// Change is one object in which two renders differ.
type Change struct {
	Object string    `json:"object"`
	Change diff.Kind `json:"change"`
	Diff   string    `json:"diff"`
}

// Entry is one object that runs beside the baseline.
type Entry struct {
	Object   string `json:"object"`
	Role     string `json:"role,omitempty"`     // judges, or load
	Manifest string `json:"manifest,omitempty"` // with Options.Full
}

// Candidate renders the environment and compares its baseline with its candidate. That
// the candidate could not be promoted is a warning.
func Candidate(ctx context.Context, req render.Request, opt Options) (*Comparison, []string, error) {
	res, err := render.Environment(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	c, err := renders(res, opt)
	if err != nil || res.Marker == nil {
		return c, res.Warnings, err
	}
	warnings := res.Warnings
	if c.Effect, err = promote.EffectOf(ctx, req, res, opt.Branch, opt.Top); ctx.Err() != nil {
		return nil, nil, err
	}
	if err != nil {
		warnings = append(warnings, "the candidate could not be promoted: "+err.Error())
	}
	return c, append(warnings, res.Unjudged()...), nil
}

func renders(res *render.Result, opt Options) (*Comparison, error) {
	c := &Comparison{
		Environment: res.Plan.Metadata.Name, Layout: string(res.Layout), ID: res.ID, Digest: res.Digest, Waiting: res.Waiting,
		Changes: []Change{}, Variant: []Entry{}, Replaced: []Entry{}, Injected: []Entry{},
		Untested: append([]string{}, res.Untested...), Selected: append([]string{}, res.Selected...), Rewritten: res.Rewritten,
	}
	if res.Marker == nil {
		return c, nil
	}
	c.UnderTest, c.Candidate = true, res.Marker.Metadata.Name
	for _, d := range object.Diff(object.Applied(res.Baseline), object.Applied(res.Candidate)) {
		item, err := Object(d, opt.Printer)
		if err != nil {
			return nil, err
		}
		c.Changes = append(c.Changes, item)
	}
	var err error
	if c.Variant, err = entries(res.Variant, opt); err != nil {
		return nil, err
	}
	if c.Replaced, err = entries(res.Replaced, opt); err != nil {
		return nil, err
	}
	if c.Injected, err = entries(res.Injected, opt); err != nil {
		return nil, err
	}
	judges := res.Judges() // what is cloned may be of an engine's kind too
	mark(c.Replaced, res.Replaced, judges)
	mark(c.Injected, res.Injected, judges)
	return c, nil
}

// mark says of each object that judges that it does.
func mark(list []Entry, objs []*unstructured.Unstructured, judges []object.Key) {
	for i, o := range objs {
		if slices.Contains(judges, object.KeyOf(o)) {
			list[i].Role = "judges"
		}
	}
}

// Object makes a unified diff of one object's YAML, from baseline to candidate.
func Object(d object.Difference, out *object.Printer) (Change, error) {
	text, err := diff.Unified(d, out.Limit())
	return changeOf(d, text, err, out)
}

// changeOf is the change that a diff tells, or why there is none.
func changeOf(d object.Difference, text string, err error, out *object.Printer) (Change, error) {
	if errors.Is(err, object.ErrTooLarge) {
		return Change{}, out.Exceeded()
	}
	if err != nil {
		return Change{}, err
	}
	return Change{Object: d.Key.String(), Change: diff.KindOf(d), Diff: text}, out.Take(len(text))
}

func entries(objs []*unstructured.Unstructured, opt Options) ([]Entry, error) {
	list := make([]Entry, 0, len(objs))
	for _, o := range objs {
		e := Entry{Object: object.KeyOf(o).String(), Role: o.GetAnnotations()[engine.RoleAnnotation]}
		if opt.Full {
			data, err := opt.Printer.YAML(diff.Masked(o))
			if err != nil {
				return nil, err
			}
			e.Manifest = string(data)
		}
		list = append(list, e)
	}
	return list, nil
}
