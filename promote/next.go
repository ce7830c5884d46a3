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
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Next is what a promotion does for one next environment.
type Next struct {
	Dir   string    `json:"directory"`
	Name  string    `json:"environment,omitempty"`
	State NextState `json:"state"`
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
		at := fmt.Sprintf("spec.promotion.to[%d] of %s", i, p.req.Dir)
		here, err := p.isHere(ctx, to)
		if err != nil {
			return err
		}
		if !here {
			p.edit.Next = append(p.edit.Next, Next{to.Path, to.Environment, Elsewhere})
			continue
		}
		n, err := p.destination(to)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		state, err := n.set(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		p.edit.Next = append(p.edit.Next, Next{n.req.Dir, n.req.Name, state})
	}
	return nil
}

// isHere says whether a next environment is in this tree.
func (p *preparation) isHere(ctx context.Context, to spec.Destination) (bool, error) {
	if to.Repo != "" || to.Branch == "" || p.opt.Branch == nil {
		return to.Repo == "" && to.Branch == "", nil
	}
	branch, err := p.opt.Branch(ctx)
	return branch == to.Branch, err
}

// destination is a next environment in the tree as edited so far.
type destination struct {
	*preparation
	req    render.Request
	marker marker.File
}

func (p *preparation) destination(to spec.Destination) (*destination, error) {
	dir, err := envfs.Resolve(p.req.Dir, to.Path)
	if err != nil {
		return nil, err
	}
	if dir = path.Clean(dir); dir == path.Clean(p.req.Dir) && to.Environment == p.req.Name {
		return nil, errors.New("it names this environment itself: name another, or remove it")
	}
	edits := p.contents()
	n := &destination{preparation: p, req: render.Request{
		FS: p.req.FS.With(edits), Dir: dir, Name: to.Environment, Limits: p.req.Limits, Allow: p.req.Allow,
	}}
	if info, err := n.req.FS.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is no directory of the repository: correct the path", dir)
	} else if err != nil {
		return nil, err
	}
	n.marker, err = marker.Read(n.req.FS, dir, to.Environment)
	return n, err
}

// set writes the change as a marker of its own.
func (n *destination) set(ctx context.Context) (NextState, error) {
	baseline, plan, err := n.baseline(ctx)
	if err != nil {
		return "", err
	}
	c := n.edit.Candidate
	c.Spec.Attempt = 0
	c.Spec.Images = translate(c.Spec.Images, baseline)
	single, err := marker.Encode([]spec.Candidate{c})
	if err != nil {
		return "", err
	}
	req := n.req
	req.FS = req.FS.With(map[string][]byte{n.marker.Path: single})
	if _, err := render.Environment(ctx, req); errors.Is(err, change.ErrNothing) {
		return Already, nil
	} else if err != nil {
		return "", err
	}
	now := n.marker.Candidates
	if slices.ContainsFunc(now, func(other spec.Candidate) bool { return marker.Same(other.Spec.Change, c.Spec.Change) }) {
		return Already, nil
	}
	f, err := n.before(n.marker.Path)
	if err != nil {
		return "", err
	}
	if f.After, err = marker.Encode(marker.Put(now, c, plan.Spec.Queue)); err != nil {
		return "", err
	}
	if bytes.Equal(f.Before, f.After) {
		return Already, nil
	}
	n.edit.Files = append(n.edit.Files, f)
	return Set, nil
}

// baseline renders the next environment without a candidate.
func (n *destination) baseline(ctx context.Context) ([]*unstructured.Unstructured, *spec.Plan, error) {
	req := n.req
	req.FS = req.FS.With(map[string][]byte{n.marker.Path: nil})
	res, err := render.Environment(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	return res.Baseline, res.Plan, nil
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
