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

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/experiment"
	"github.com/assaydev/assay/render/flat"
	"github.com/assaydev/assay/render/helm"
	"github.com/assaydev/assay/render/kustomize"
)

// files are what a source renders from, by their real paths. One that is false
// may be read, and does not have to make a difference: a chart's templates can
// read every file of it.
func (s source) files(ctx context.Context, fsys *envfs.FS, hide func(string) bool) (map[string]bool, error) {
	out := map[string]bool{}
	switch s.layout {
	case spec.Helm:
		list, err := helm.Sources(ctx, fsys, s.dir, s.helm, s.helmOptions(fsys))
		for _, f := range list {
			out[f.Path] = f.Part
		}
		return out, err
	case spec.Kustomize:
		list, err := kustomize.Files(ctx, fsys, s.dir, s.kustomize)
		for _, name := range list {
			out[name] = true
		}
		return out, err
	default:
		list, err := flat.Files(ctx, fsys, s.dir, s.directory, hide)
		if err != nil {
			return nil, err
		}
		for _, name := range list {
			at, err := fsys.Locate(name)
			if err != nil {
				return nil, err
			}
			data, err := fsys.ReadFile(name)
			if err != nil {
				return nil, err
			}
			out[at] = !manifest.Skipped(data)
		}
		return out, nil
	}
}

// rendered holds law 4: a change edits only what the baseline is rendered from.
// That a file has been read is not enough, since nothing that is compared would
// show what else it is good for.
func (r *run) rendered(ctx context.Context, edits map[string][]byte, baseline []*unstructured.Unstructured) error {
	sources, err := r.git.files(ctx, r.tree, r.hide)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(edits)) {
		why, err := r.foreign(ctx, r.tree, sources, name, edits[name], baseline)
		if err != nil {
			return err
		}
		if why != "" {
			return r.refuseEdit(name, why)
		}
	}
	return nil
}

// foreign says why the baseline is not rendered from a file, which sources are of
// the tree; empty where it is.
func (r *run) foreign(ctx context.Context, tree *envfs.FS, sources map[string]bool, name string, data []byte, baseline []*unstructured.Unstructured) (string, error) {
	at, err := tree.Locate(name)
	if err != nil {
		return "", err
	}
	owner, err := r.judgedBy(at)
	if err != nil {
		return "", err
	}
	if owner != "" {
		return "is an experiment resource of " + owner, nil
	}
	part := sources[at]
	if !part && r.git.layout == spec.Helm {
		if part, err = r.matters(ctx, name, data, baseline); err != nil {
			return "", err
		}
	}
	if !part {
		return fmt.Sprintf("the environment %s is not rendered from", r.req.Environment), nil
	}
	return "", nil
}

// Rendered reports which files an environment, less its marker, is rendered from,
// of those whose new contents are given: a change may edit them, and no others
// (law 4). A file without content is removed. One that is made or removed counts
// as the tree has it that it is in.
func Rendered(ctx context.Context, req Request, contents map[string][]byte) (map[string]bool, error) {
	r, err := open(req)
	if err != nil {
		return nil, err
	}
	edited := r.tree.With(contents)
	before, err := r.git.files(ctx, r.tree, r.hide)
	if err != nil {
		return nil, err
	}
	after, err := r.git.files(ctx, edited, r.hide)
	if err != nil {
		return nil, err
	}
	var baseline []*unstructured.Unstructured
	if r.git.layout == spec.Helm { // any file of a chart may matter
		if baseline, err = r.render(ctx, r.git, r.tree); err != nil {
			return nil, err
		}
	}
	out := map[string]bool{}
	for name, data := range contents {
		tree, sources := edited, after
		if data == nil {
			tree, sources = r.tree, before
		}
		why, err := r.foreign(ctx, tree, sources, name, data, baseline)
		if err != nil {
			return nil, err
		}
		out[name] = why == ""
	}
	return out, nil
}

func (r *run) refuseEdit(name, why string) error {
	return fmt.Errorf("%s: the change edits %s, which %s: a candidate changes nothing that its experiment does not see; make this part of the change by hand",
		r.files.markerFile, name, why)
}

// matters reports whether the edit of one file alone changes an object.
func (r *run) matters(ctx context.Context, name string, data []byte, baseline []*unstructured.Unstructured) (bool, error) {
	edited := r.tree.With(map[string][]byte{name: data})
	alone, err := r.git.render(ctx, edited, r.hide)
	if err != nil {
		return false, ctx.Err() // it renders with the rest of the change alone, if at all
	}
	differences, err := r.git.steady(ctx, object.Diff(baseline, alone), r.hide, rendering{r.tree, baseline}, rendering{edited, alone})
	return len(differences) > 0, err
}

// rendering is what a tree rendered to once.
type rendering struct {
	tree *envfs.FS
	objs []*unstructured.Unstructured
}

// steady leaves out the objects that differ between two renders of the same files, on
// either side: one with a random name is another object in every render.
func (s source) steady(ctx context.Context, differences []object.Difference, hide func(string) bool, before, after rendering) ([]object.Difference, error) {
	if len(differences) == 0 || s.layout != spec.Helm {
		return differences, nil
	}
	random := map[object.Key]bool{}
	for _, once := range []rendering{before, after} {
		again, err := s.render(ctx, once.tree, hide)
		if err != nil {
			return nil, err
		}
		for _, d := range object.Diff(once.objs, again) {
			random[d.Key] = true
		}
	}
	return slices.DeleteFunc(differences, func(d object.Difference) bool { return random[d.Key] }), nil
}

// judgedBy names the plan whose experiment a file belongs to: of the environment
// itself, of another one in a directory above the file, or of one below.
func (r *run) judgedBy(file string) (string, error) {
	if (r.files.planned || !r.git.directory.Recurse) && experiment.Owns(r.req.Dir, r.files.plan.Spec.Experiment, file) {
		return r.files.planFile, nil
	}
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		names, err := ownIn(r.req.FS, dir)
		if err != nil {
			return "", err
		}
		for _, name := range names {
			if dir == path.Clean(r.req.Dir) && name == r.req.Name {
				continue
			}
			f, err := readFiles(r.req.FS, dir, name)
			if err != nil {
				continue // what is wrong with it is told where it is rendered
			}
			if experiment.Owns(dir, f.plan.Spec.Experiment, file) {
				return f.planFile, nil
			}
		}
		if dir == "." {
			return "", nil
		}
	}
}

// ownIn lists the environments in a directory that have a plan or a marker, by
// name.
func ownIn(fsys *envfs.FS, dir string) ([]string, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name := path.Join(dir, e.Name()); mayBeOwn(e.Name()) && isOwn(fsys, name) {
			names = append(names, environmentOf(name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

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
