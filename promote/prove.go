package promote

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// LawError is a law of the design that the edit would break. Nothing was written.
type LawError struct {
	Law         int
	Differences []object.Difference // before: what the law promises; after: what would render
	message     string
}

func (e *LawError) Error() string { return e.message }

// change adds the change, and holds law 4: the files that the environment has,
// and no others.
func (p *preparation) change() error {
	dir, err := p.req.FS.Locate(p.req.Dir)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(p.edited)) {
		f, err := Before(p.req.FS, name)
		if err != nil {
			return err
		}
		f.After = p.edited[name]
		switch {
		case f.Before == nil:
			return p.breaks4(name, "would be made")
		case f.After == nil:
			return p.breaks4(name, "would be removed")
		case dir != "." && !strings.HasPrefix(f.Path, dir+"/"):
			return p.breaks4(f.Path, "lies outside the environment and would be changed")
		case spec.KindByName(f.Path) != "" && spec.IsOwn(f.Path, f.Before):
			return p.breaks4(f.Path, "is a plan or a marker and would be changed")
		}
		if i := slices.IndexFunc(p.edit.Files, func(g git.File) bool { return g.Path == f.Path }); i >= 0 {
			if !bytes.Equal(p.edit.Files[i].After, f.After) {
				return p.breaks4(f.Path, "is reached by two names and would be changed twice")
			}
			continue
		}
		p.edit.Files = append(p.edit.Files, f)
	}
	return nil
}

func (p *preparation) breaks4(name, what string) error {
	return &LawError{Law: 4, message: fmt.Sprintf("%s: %s %s: a promotion edits the files that the environment %s has, and no others; make this part of the change by hand",
		p.marker.Path, name, what, p.req.Dir)}
}

// prove renders the edited tree and compares it with what was tested, or with
// the baseline that a rejection must leave.
func (p *preparation) prove(ctx context.Context) error {
	req := p.req
	req.FS = req.FS.With(p.contents())
	differences, err := compare(ctx, req, p.want)
	if err != nil {
		return err
	}
	if len(differences) == 0 {
		return nil
	}
	law, what := 2, "not what was tested"
	if p.opt.Outcome == decision.Reject {
		law, what = 3, "not what it was before"
	}
	return &LawError{Law: law, Differences: differences, message: fmt.Sprintf(
		"%s: the edited environment %s renders %s: %s; nothing is written; make the change by hand, or report this",
		p.marker.Path, p.req.Dir, what, keys(differences))}
}

// compare renders the edited environment and compares it with what it must
// render to. What Argo CD never applies is left out, and so is what says nothing
// because it is drawn at random.
func compare(ctx context.Context, req render.Request, want []*unstructured.Unstructured) ([]object.Difference, error) {
	after, err := render.Environment(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("render the edited environment: %w", err)
	}
	differences := slices.DeleteFunc(object.Diff(want, after.Baseline), isTest)
	if len(differences) == 0 {
		return nil, nil
	}
	random, err := drawn(ctx, req, after)
	return slices.DeleteFunc(differences, func(d object.Difference) bool { return random[d.Key] }), err
}

// drawn are the objects for which a chart draws random values: they differ
// between two renders of the same files.
func drawn(ctx context.Context, req render.Request, once *render.Result) (map[object.Key]bool, error) {
	if once.Layout != spec.Helm {
		return nil, nil
	}
	req.Memo = nil
	again, err := render.Environment(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("render %s again: %w", req.Dir, err)
	}
	out := map[object.Key]bool{}
	for _, d := range object.Diff(once.Baseline, again.Baseline) {
		out[d.Key] = true
	}
	return out, nil
}

func isTest(d object.Difference) bool {
	return (d.Before == nil || object.IsHelmTest(d.Before)) && (d.After == nil || object.IsHelmTest(d.After))
}

// keys names the first of many objects.
func keys(differences []object.Difference) string {
	var names []string
	for _, d := range differences {
		names = append(names, d.Key.String())
	}
	return excerpt.List(names) + " differ"
}

// Laws are those of the design that the edit was proven to keep.
func (e *Edit) Laws() []int {
	switch e.Outcome {
	case decision.Reject:
		return []int{3, 4}
	case decision.Revert:
		return []int{4}
	}
	return []int{2, 4, 5}
}
