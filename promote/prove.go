package promote

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

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
		f, err := before(p.req.FS, name)
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
		if i := slices.IndexFunc(p.edit.Files, func(g File) bool { return g.Path == f.Path }); i >= 0 {
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
	after, err := render.Environment(ctx, req)
	if err != nil {
		return fmt.Errorf("render the edited environment: %w", err)
	}
	differences := object.Diff(p.want, after.Baseline)
	differences = slices.DeleteFunc(differences, func(d object.Difference) bool { return isTest(d) })
	if len(differences) > 0 && after.Layout == spec.Helm {
		// A chart may render random values: what differs between two renders
		// of the same files says nothing.
		again, err := render.Environment(ctx, req)
		if err != nil {
			return fmt.Errorf("render the edited environment: %w", err)
		}
		unstable := object.Diff(after.Baseline, again.Baseline)
		differences = slices.DeleteFunc(differences, func(d object.Difference) bool {
			return slices.ContainsFunc(unstable, func(u object.Difference) bool { return u.Key == d.Key })
		})
	}
	if len(differences) == 0 {
		return nil
	}
	law, what := 2, "not what was tested"
	if p.opt.Outcome == Reject {
		law, what = 3, "not what it was before"
	}
	return &LawError{Law: law, Differences: differences, message: fmt.Sprintf(
		"%s: the edited environment %s renders %s: %s; nothing is written; make the change by hand, or report this",
		p.marker.Path, p.req.Dir, what, keys(differences))}
}

func isTest(d object.Difference) bool {
	return (d.Before == nil || object.IsHelmTest(d.Before)) && (d.After == nil || object.IsHelmTest(d.After))
}

// keys names the first of many objects.
func keys(differences []object.Difference) string {
	const most = 5
	var names []string
	for _, d := range differences[:min(most, len(differences))] {
		names = append(names, d.Key.String())
	}
	text := strings.Join(names, ", ")
	if more := len(differences) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + " differ"
}
