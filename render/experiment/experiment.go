// Package experiment turns an environment's experiment resources into the
// objects that are injected beside the candidate: what judges it, and its load.
//
//  1. Load finds the files that the plan names; Owns says which files flat
//     manifests must not take for their own.
//  2. Parse executes and parses them under a placeholder for the ID.
//  3. Digest hashes all that is tested: what Parse returns, the bytes of the
//     templates, which can tell the placeholder from an ID, and what they read of the
//     environment (used.go). The ID is a part of it.
//  4. Render does the same under the real ID: plain files get it appended to
//     their names, and references between them follow; templates place it
//     themselves.
//  5. Every object is checked against the rules (rule.go, trace.go): nothing that
//     would delete its own verdict, run again, outlive the experiment, or
//     reach past the application.
package experiment

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/spec"
)

// Input is what the resources are rendered from.
type Input struct {
	Sources    []Source
	Experiment spec.Experiment
	PlanFile   string // for messages; empty means assay.yaml
	Name       string // the plan's
	Namespace  string // the variant's, which templates see; empty when it is not known

	// Destination is the namespace that the application deploys to, where objects
	// go that name none; empty when it is not known.
	Destination string

	Targets []Target

	// Taken are the objects that exist beside the experiment: the baseline
	// and the variant. No injected object may have the identity of one.
	Taken []*unstructured.Unstructured
}

func (in Input) engines() engine.Set { return engine.With(in.Experiment.Engines) }

// Options are the operator's. A zero field means its default.
type Options struct {
	AllowKinds  []string // beyond the default list, as Kind.group; Kind alone is the core group
	OutputBytes int      // of one template, default 4 MiB
	Documents   int      // of all resources together, default 1000
}

func (o Options) defaulted() Options {
	if o.OutputBytes <= 0 {
		o.OutputBytes = 4 << 20
	}
	if o.Documents <= 0 {
		o.Documents = 1000
	}
	return o
}

// The placeholders that stand for what must not be part of the digest: the ID,
// and the namespace, which a laptop may not know.
const (
	placeholderID        = "e000000000"
	placeholderNamespace = "assay-namespace"
)

// resource is one object with the place that it comes from.
type resource struct {
	file     string
	document int // from 1
	template bool
	object   *unstructured.Unstructured
}

// errorf names the resource before the message.
func (r resource) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: document %d: %s: %w", r.file, r.document, title(r.object), fmt.Errorf(format, args...))
}

func title(o *unstructured.Unstructured) string {
	kind, name := o.GetKind(), o.GetName()
	if kind == "" {
		kind = "object"
	}
	if name == "" {
		return kind
	}
	return kind + "/" + name
}

// Parse returns the resources as they are before they are named: templates
// executed with fixed placeholders for the ID and the namespace. For one tree
// it is the same everywhere, provided that in.Targets come from Git alone.
func Parse(ctx context.Context, in Input, opt Options) ([]*unstructured.Unstructured, error) {
	in.Namespace = placeholderNamespace
	resources, err := expand(ctx, in, placeholderID, opt.defaulted())
	return objects(resources), err
}

// Render returns the injected objects for one ID, sorted as their files are,
// and warnings for people. On error there are no objects.
func Render(ctx context.Context, in Input, id string, opt Options) ([]*unstructured.Unstructured, []string, error) {
	opt = opt.defaulted()
	resources, err := expand(ctx, in, id, opt)
	if err != nil {
		return nil, nil, err
	}
	if err := check(resources, in, opt); err != nil {
		return nil, nil, err
	}
	if err := appendID(resources, id); err != nil {
		return nil, nil, err
	}
	if err := checkNames(resources, in, id); err != nil {
		return nil, nil, err
	}
	return objects(resources), warnings(resources, in), nil
}

// expand executes the templates and decodes everything.
func expand(ctx context.Context, in Input, id string, opt Options) ([]resource, error) {
	if in.PlanFile == "" {
		in.PlanFile = "assay.yaml"
	}
	if err := allMatch(in); err != nil {
		return nil, err
	}
	var out []resource
	for _, s := range in.Sources {
		data := s.Data
		if s.Template() {
			var err error
			if data, err = execute(ctx, s, in, id, opt); err != nil {
				return nil, err
			}
		}
		objs, err := decode(s, data, opt)
		if err != nil {
			return nil, err
		}
		for i, o := range objs {
			out = append(out, resource{s.File, i + 1, s.Template(), o})
		}
		if len(out) > opt.Documents {
			return nil, fmt.Errorf("%s: the experiment has more than %d objects: make it smaller", s.File, opt.Documents)
		}
	}
	return out, nil
}

func objects(resources []resource) []*unstructured.Unstructured {
	out := make([]*unstructured.Unstructured, len(resources))
	for i, r := range resources {
		out[i] = r.object
	}
	return out
}

func warnings(resources []resource, in Input) []string {
	judges := slices.ContainsFunc(resources, func(r resource) bool { return in.engines().Judges(r.object) })
	if len(resources) == 0 || judges {
		return nil
	}
	return []string{resources[0].file + ": no object of a known engine judges the candidate: it waits for a decision by hand"}
}
