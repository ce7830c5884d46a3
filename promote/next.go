package promote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/change"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/yamledit"
	"github.com/assaydev/assay/render"
)

// Next is what a promotion does for one next environment.
type Next struct {
	spec.Environment
	State NextState `json:"state"`

	// Of one elsewhere.
	Repo   string `json:"repo,omitempty"`
	Branch string `json:"branch,omitempty"`

	Destination spec.Destination `json:"-"` // as the plan names it

	Beside []history.Beside `json:"-"` // what setting it there does to candidates there
}

// NextState tells what becomes of a next environment.
type NextState string

// The states.
const (
	Set       NextState = "set"       // the change is under test there, or waits
	Already   NextState = "already"   // it is there, or is promoted there
	Elsewhere NextState = "elsewhere" // another branch or repo: not in this tree
)

// next sets the change under test in the next environments of the same tree,
// and proves that each renders with it.
func (p *preparation) next(ctx context.Context) error {
	for i, to := range p.edit.Plan.Spec.Promotion.To {
		here, err := p.isHere(ctx, to)
		if err != nil {
			return err
		}
		if !here {
			p.edit.Next = append(p.edit.Next, Next{Environment: spec.Environment{Dir: to.Path, Name: to.Environment}, State: Elsewhere, Repo: to.Repo, Branch: to.Branch, Destination: to})
			continue
		}
		if err := p.nextHere(ctx, to); err != nil {
			return fmt.Errorf("%s: %w", destinationAt(p.req, i), err)
		}
	}
	return nil
}

// isHere reports whether a next environment is in this tree.
func (p *preparation) isHere(ctx context.Context, to spec.Destination) (bool, error) {
	if to.Repo != "" || to.Branch == "" || p.opt.Branch == nil {
		return to.Repo == "" && to.Branch == "", nil
	}
	branch, err := p.opt.Branch(ctx)
	return branch == to.Branch, err
}

// nextHere sets the change in one next environment of the tree as edited so far.
func (p *preparation) nextHere(ctx context.Context, to spec.Destination) error {
	there, err := nextRequest(p.req, to)
	if err != nil {
		return err
	}
	there.FS = there.FS.With(p.contents())
	f, n, err := Introduce(ctx, there, p.edit.Forms)
	if err != nil {
		return err
	}
	if n.State == Set {
		p.edit.Files = append(p.edit.Files, f)
		p.edit.Beside = append(p.edit.Beside, n.Beside...)
	}
	n.Destination = to
	p.edit.Next = append(p.edit.Next, n)
	return nil
}

// nextRequest is a next environment in the same tree.
func nextRequest(req render.Request, to spec.Destination) (render.Request, error) {
	dir, err := NextDir(req.Dir, to)
	if err != nil {
		return render.Request{}, err
	}
	if dir = path.Clean(dir); dir == path.Clean(req.Dir) && to.Environment == req.Name {
		return render.Request{}, errors.New("it names this environment itself: name another, or remove it")
	}
	return render.Request{FS: req.FS, Environment: spec.Environment{Dir: dir, Name: to.Environment}, Limits: req.Limits, Allow: req.Allow, Memo: req.Memo}, nil
}

// CheckNext finds the next environments in the same tree that cannot be any: a path
// that is wrong shows before there is a candidate. The branch is as in Options.
func CheckNext(ctx context.Context, req render.Request, plan *spec.Plan, branch func(context.Context) (string, error)) error {
	p := &preparation{req: req, opt: Options{Branch: branch}}
	for i, to := range plan.Spec.Promotion.To {
		here, err := p.isHere(ctx, to)
		if err != nil {
			return err
		}
		if !here {
			continue
		}
		if err := checkNext(ctx, req, to); err != nil {
			return fmt.Errorf("%s: %w", destinationAt(req, i), err)
		}
	}
	return nil
}

// destinationAt is where the plan names a next environment.
func destinationAt(req render.Request, i int) string {
	field := fmt.Sprintf("spec.promotion.to[%d]", i)
	name, err := spec.PlanFile(req.Name)
	if err != nil {
		return field
	}
	name = path.Join(req.Dir, name)
	data, err := req.FS.ReadFile(name)
	if err != nil {
		return name + ": " + field
	}
	file, err := yamledit.Parse(name, data)
	if err == nil {
		at := yamledit.Path{yamledit.Key("spec"), yamledit.Key("promotion"), yamledit.Key("to"), yamledit.Index(i)}
		if line, ok := file.Line(0, at); ok {
			name = fmt.Sprintf("%s:%d", name, line)
		}
	}
	return name + ": " + field
}

func checkNext(ctx context.Context, req render.Request, to spec.Destination) error {
	there, err := nextRequest(req, to)
	if err != nil {
		return err
	}
	if err := present(there); err != nil {
		return err
	}
	now, err := marker.Read(there.FS, there.Dir, there.Name)
	if err != nil && now.Data == nil {
		return err
	}
	baseline, err := renderWith(ctx, there, now.Path, nil)
	if err == nil && len(baseline.Baseline) == 0 {
		err = fmt.Errorf("%s renders no objects: is this the environment's directory?", there.Environment)
	}
	return err
}

// present refuses an environment that is not a directory.
func present(req render.Request) error {
	info, err := req.FS.Stat(req.Dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a directory of the repository: correct the path, which starts at this environment, or with a slash, or with repo, at the root of the repository", req.Dir)
	}
	return err
}

// NextDir is the directory of a next environment in this repository: from its root
// where the path starts with a slash, else from the environment that names it.
func NextDir(from string, to spec.Destination) (string, error) {
	if rest, ok := strings.CutPrefix(to.Path, "/"); ok {
		return envfs.Resolve(".", rest)
	}
	return envfs.Resolve(from, to.Path)
}

// Introduce makes the marker that puts a candidate of another environment under
// test in this one, in the first of its forms that is proven to render here. The
// file counts only for the state Set.
func Introduce(ctx context.Context, req render.Request, forms []Form) (git.File, Next, error) {
	n := Next{Environment: req.Environment, State: Already}
	if err := present(req); err != nil {
		return git.File{}, Next{}, err
	}
	now, err := marker.Read(req.FS, req.Dir, req.Name)
	if err != nil {
		return git.File{}, Next{}, err
	}
	baseline, err := renderWith(ctx, req, now.Path, nil)
	if err != nil {
		return git.File{}, Next{}, err
	}
	for _, form := range forms {
		c, then, failed := fits(ctx, req, now, form.Candidate, baseline.Baseline)
		if ctx.Err() != nil {
			return git.File{}, Next{}, failed
		}
		if err = failed; err != nil {
			continue
		}
		if then == nil {
			return git.File{}, n, nil
		}
		return n.placed(ctx, req, now, c, then)
	}
	return git.File{}, Next{}, err
}

// fits is a candidate of another environment as it is called here, and what it is
// proven to render to; nil where it is under test, waits or is promoted already.
func fits(ctx context.Context, req render.Request, now marker.File, c spec.Candidate, baseline []*unstructured.Unstructured) (_ spec.Candidate, then *render.Result, err error) {
	c.Spec.Attempt, c.Spec.Waiting = 0, false
	c.Spec.Images = translate(c.Spec.Images, baseline)
	if c.Spec.Patches, err = anywhere(c.Spec.Patches); err != nil {
		return c, nil, err
	}
	single, err := marker.Encode([]spec.Candidate{c})
	if err != nil {
		return c, nil, err
	}
	then, err = renderWith(ctx, req, now.Path, single)
	if errors.Is(err, change.ErrNothing) {
		return c, nil, nil
	}
	if err == nil {
		now.Candidates, err = Alike(ctx, req, now, then.Change)
	}
	if slices.ContainsFunc(now.Candidates, func(other spec.Candidate) bool { return marker.Same(other.Spec.Change, c.Spec.Change) }) {
		return c, nil, err
	}
	return c, then, err
}

// placed is the marker with a candidate in its place. One of other workloads waits: the
// test of those that are under test goes on.
func (n Next) placed(ctx context.Context, req render.Request, now marker.File, c spec.Candidate, then *render.Result) (git.File, Next, error) {
	f, err := Before(req.FS, now.Path)
	if err != nil {
		return git.File{}, Next{}, err
	}
	queue := then.Plan.Spec.Queue
	if lost, err := Loses(ctx, req, now, then); err != nil {
		return git.File{}, Next{}, err
	} else if len(lost) > 0 && queue == "preempt" {
		queue = "every"
	}
	put := marker.Put(now.Candidates, c, queue)
	if f.After, err = marker.Encode(put); err != nil {
		return git.File{}, Next{}, err
	}
	if bytes.Equal(f.Before, f.After) {
		return git.File{}, n, nil
	}
	n.State = Set
	n.Beside = append([]history.Beside{{Outcome: decision.Candidate, Environment: req.Environment, Candidate: c.Metadata.Name}}, Displaced(req.Environment, now.Candidates, put)...)
	return f, n, nil
}

// renderWith renders the environment with another content of one file.
func renderWith(ctx context.Context, req render.Request, name string, data []byte) (*render.Result, error) {
	req.FS = req.FS.With(map[string][]byte{name: data})
	return render.Environment(ctx, req)
}

// translate names each image as it renders in another environment: by the same
// name, else by the one that ends alike, as a mirror's does.
func translate(images []types.Image, objs []*unstructured.Unstructured) []types.Image {
	out := slices.Clone(images)
	for i := range out {
		if name, ok := rendersAs(out[i].Name, objs); ok {
			out[i].Name = name
		}
	}
	return out
}

// anywhere is patches without the namespace of the environment that they were made
// in: what they select is found by kind and name.
func anywhere(patches []types.Patch) ([]types.Patch, error) {
	out := slices.Clone(patches)
	for i, p := range out {
		if p.Target != nil {
			target := *p.Target
			target.Namespace = ""
			out[i].Target = &target
		}
		text, err := change.WithoutNamespace(p.Patch)
		if err != nil {
			return nil, fmt.Errorf("spec.patches[%d]: %w", i, err)
		}
		out[i].Patch = text
	}
	return out, nil
}

// rendersAs finds the one image of the objects that name stands for.
func rendersAs(name string, objs []*unstructured.Unstructured) (string, bool) {
	var known []string
	for _, o := range objs {
		for _, image := range object.Images(o) {
			n, _, _ := object.SplitImage(image.Ref)
			known = append(known, n)
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	if slices.Contains(known, name) {
		return name, true
	}
	for rest := name; rest != ""; {
		var found []string
		for _, k := range known {
			if k == rest || strings.HasSuffix(k, "/"+rest) {
				found = append(found, k)
			}
		}
		if len(found) > 0 {
			return found[0], len(found) == 1
		}
		_, rest, _ = strings.Cut(rest, "/")
	}
	return "", false
}
