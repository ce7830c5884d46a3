package render

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/experiment"
	"github.com/assaydev/assay/render/helm"
)

// apart holds law 5 for the other environments of the same directory: they render
// as before.
func (r *run) apart(ctx context.Context, edits map[string][]byte) error {
	names, err := ownIn(r.req.FS, r.req.Dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == r.req.Name || r.broken(name) {
			continue
		}
		n, err := r.neighbour(spec.Environment{Dir: r.req.Dir, Name: name})
		if err != nil {
			continue // it does not render either way
		}
		differences, err := n.changes(ctx, edits)
		if errors.Is(err, errUnrendered) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: the environment %s of the same directory would no longer render: %w", r.files.markerFile, n.env, err)
		}
		if len(differences) > 0 {
			return fmt.Errorf("%s: the change edits %s, and would change %s of the environment %s of the same directory, untested: %s",
				r.files.markerFile, listed(slices.Sorted(maps.Keys(edits))), differences[0].Key, n.env, r.instead(n))
		}
	}
	return nil
}

// broken reports whether nothing but a marker that does not decode tells of an
// environment.
func (r *run) broken(name string) bool {
	f, err := readFiles(r.req.FS, r.req.Dir, name)
	if err == nil {
		return !f.planned && f.marker == nil
	}
	plan, err := spec.PlanFile(name)
	return err == nil && !isOwn(r.req.FS, path.Join(r.req.Dir, plan))
}

func listed(names []string) string {
	const most = 3
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// instead says where the change would be of this environment alone.
func (r *run) instead(n *neighbour) string {
	if r.git.layout != spec.Helm {
		return "give each a directory of its own"
	}
	own, _ := helm.ValueFiles(r.tree, r.req.Dir, r.git.helm, r.git.helmOptions(r.tree))
	others, _ := helm.ValueFiles(n.tree, n.env.Dir, n.source.helm, n.source.helmOptions(n.tree))
	for _, file := range slices.Backward(own) {
		if !slices.Contains(others, file) && envfs.Within(file, r.req.Dir) {
			return "write the values into " + file + ", which is of this environment alone"
		}
	}
	name := "values-candidate.yaml"
	if r.req.Name != "" {
		name = "values-" + r.req.Name + ".yaml"
	}
	return fmt.Sprintf("write the values into a value file of this environment alone, such as %s, and name it last in spec.helm.valueFiles of %s",
		path.Join(r.req.Dir, name), r.files.planFile)
}

// neighbour is another environment of the tree, as Git alone says it.
type neighbour struct {
	env    spec.Environment
	source source
	tree   *envfs.FS // less its marker
	hide   func(string) bool

	experiment spec.Experiment
}

func (r *run) neighbour(env spec.Environment) (*neighbour, error) {
	n, err := openNeighbour(Request{FS: r.tree, Environment: env, Limits: r.req.Limits})
	if err == nil && n.source.layout == spec.Helm { // its Application may name its release
		n.source.helm.ReleaseName = cmp.Or(n.source.helm.ReleaseName, r.git.helm.ReleaseName)
		n.source.helm.Namespace = cmp.Or(n.source.helm.Namespace, r.git.helm.Namespace)
	}
	return n, err
}

// openNeighbour leaves the marker out, which may be broken: the baseline is what
// runs.
func openNeighbour(req Request) (*neighbour, error) {
	name, err := spec.CandidateFile(req.Name)
	if err != nil {
		return nil, err
	}
	req.FS = req.FS.With(map[string][]byte{path.Join(req.Dir, name): nil})
	other, err := open(req)
	if err != nil {
		return nil, err
	}
	return &neighbour{
		env: req.Environment, source: other.git, tree: other.tree, hide: other.hide, experiment: other.files.plan.Spec.Experiment,
	}, nil
}

// judgedBy reports whether its experiment holds one of the edited files.
func (n *neighbour) judgedBy(edits map[string][]byte) bool {
	edited := map[string]bool{}
	for name := range edits {
		if at, err := n.tree.Locate(name); err == nil {
			edited[at] = true
		}
	}
	sources, err := experiment.Load(n.tree, n.env.Dir, n.experiment)
	return err == nil && slices.ContainsFunc(sources, func(s experiment.Source) bool {
		at, err := n.tree.Locate(s.File)
		return err == nil && edited[at]
	})
}

// errUnrendered is returned for an environment that is rendered from an edited file, and
// does not render here: Argo CD may fetch what it lacks.
var errUnrendered = errors.New("it does not render here")

// changes are the objects that edits change in it: none where it is not rendered
// from them.
func (n *neighbour) changes(ctx context.Context, edits map[string][]byte) ([]object.Difference, error) {
	files, _ := n.source.files(ctx, n.tree, n.hide) // as many as can be found
	reads := false
	for name := range edits {
		at, err := n.tree.Locate(name)
		_, read := files[at]
		reads = reads || err == nil && read
	}
	if !reads {
		return nil, ctx.Err()
	}
	before, err := n.source.render(ctx, n.tree, n.hide)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), errUnrendered)
	}
	edited := n.tree.With(edits)
	after, err := n.source.render(ctx, edited, n.hide)
	if err != nil {
		return nil, err
	}
	return n.source.steady(ctx, object.Diff(object.Applied(before), object.Applied(after)), n.hide, rendering{n.tree, before}, rendering{edited, after})
}
