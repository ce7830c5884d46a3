package promote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// ErrReverted is returned where no file holds any more what a promotion did.
var ErrReverted = errors.New("the promotion is undone already")

// Promotion is one that a commit made.
type Promotion struct {
	Commit        string
	ID, Candidate string // of what was promoted
	Digest        digest.Digest
	Before, After *envfs.FS // the repository before the commit, and as it left it
	Changed       []string  // the files that it changed, in all of the repository
}

// PrepareRevert makes and proves the edit that undoes a promotion in the files
// of its environment. Nothing is written.
//
// A file that is as the promotion left it gets its old content back. In one that
// others have edited since, the promotion's lines alone are undone. What the environment
// is not rendered from stays, which is a warning. The edited
// environment must render, field by field, to what it renders to now with the
// promotion's change taken back; if it would not, the error is a *LawError.
//
// A candidate under test is an error: its experiment compares with the baseline
// as it is now.
func PrepareRevert(ctx context.Context, req render.Request, p Promotion) (*Edit, error) {
	m, err := ownMarker(req)
	if err != nil {
		return nil, err
	}
	if len(m.Candidates) > 0 {
		return nil, fmt.Errorf("%s: candidate %s is tested against what is to be reverted: reject or promote it first", m.Path, Label(m.Candidates[0]))
	}
	r := &reversal{req: req, promotion: p}
	if err := r.revertFiles(); err != nil {
		return nil, err
	}
	if err := r.rendered(ctx); err != nil {
		return nil, err
	}
	if len(r.files) == 0 {
		return nil, ErrReverted
	}
	now, err := r.prove(ctx)
	if err != nil {
		return nil, err
	}
	r.stays()
	return &Edit{
		Outcome: decision.Revert, Environment: req.Environment, Layout: now.Layout, Plan: now.Plan, ID: p.ID, Digest: p.Digest, Reverts: p.Commit,
		Candidate: spec.Candidate{Metadata: spec.Metadata{Name: p.Candidate}}, Files: r.files, Warnings: r.warnings,
	}, nil
}

// reversal is the state of one PrepareRevert.
type reversal struct {
	req       render.Request
	promotion Promotion
	files     []git.File
	outside   []string // what the promotion's commit changed beside the environment
	warnings  []string
}

// revertFiles edits what the promotion changed in the environment, its marker
// apart.
func (r *reversal) revertFiles() error {
	dir, err := r.req.FS.Locate(r.req.Dir)
	if err != nil {
		return err
	}
	for _, name := range r.promotion.Changed {
		if dir != "." && !strings.HasPrefix(name, dir+"/") {
			r.outside = append(r.outside, name)
			continue
		}
		f, err := r.revertFile(name)
		if err != nil {
			return err
		}
		if !git.Alike(f.Before, f.After) {
			r.files = append(r.files, f)
		}
	}
	return nil
}

// rendered leaves out files that the environment is not rendered from: a promotion
// changes none, and nothing that is proven would show what else they are good for.
func (r *reversal) rendered(ctx context.Context) error {
	if len(r.files) == 0 {
		return nil
	}
	contents := map[string][]byte{}
	for _, f := range r.files {
		contents[f.Path] = f.After
	}
	rendered, err := render.Rendered(ctx, r.req, contents)
	if err != nil {
		return err
	}
	r.files = slices.DeleteFunc(r.files, func(f git.File) bool {
		if !rendered[f.Path] {
			r.warnings = append(r.warnings, fmt.Sprintf("%s, which commit %s changed too, stays: the environment is not rendered from it", f.Path, git.Short(r.promotion.Commit)))
		}
		return !rendered[f.Path]
	})
	return nil
}

func (r *reversal) revertFile(name string) (git.File, error) {
	now, err := contentOf(r.req.FS, name)
	if err != nil {
		return git.File{}, err
	}
	promoted, err := contentOf(r.promotion.After, name)
	if err != nil {
		return git.File{}, err
	}
	old, err := contentOf(r.promotion.Before, name)
	if err != nil {
		return git.File{}, err
	}
	f := git.File{Path: name, Before: now, After: now}
	if isMarker(name, promoted) || isMarker(name, old) {
		return f, nil
	}
	switch {
	case git.Alike(now, promoted):
		f.After = old
	case git.Alike(promoted, old), git.Alike(now, old):
	case now == nil || promoted == nil || old == nil:
		return f, r.refuse(name, "it has been added or removed since")
	default:
		merged, ok := mergeLines(string(promoted), string(now), string(old))
		if !ok {
			return f, r.refuse(name, "its lines have been edited since")
		}
		f.After = []byte(merged)
	}
	return f, nil
}

func (r *reversal) refuse(name, why string) error {
	return fmt.Errorf("%s: %s, so that the promotion of candidate %s in commit %s cannot be taken back there: revert what came later first, or edit the file by hand",
		name, why, Label(spec.Candidate{Metadata: spec.Metadata{Name: r.promotion.Candidate}}), git.Short(r.promotion.Commit))
}

// contentOf is a file's content; nil where there is none. A link is refused.
func contentOf(fsys *envfs.FS, name string) ([]byte, error) {
	at, err := fsys.Locate(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if at != name {
		return nil, fmt.Errorf("%s: it is reached through a link, which is not reverted: do it by hand", name)
	}
	if info, err := fsys.Stat(name); err != nil || info.IsDir() {
		return nil, err
	}
	data, err := fsys.ReadFile(name)
	if data == nil && err == nil {
		data = []byte{}
	}
	return data, err
}

func isMarker(name string, data []byte) bool {
	return data != nil && spec.KindByName(name) == spec.KindCandidate && spec.IsOwn(name, data)
}

// mergeLines makes in ours the change from base to theirs, line by line.
func mergeLines(base, ours, theirs string) (string, bool) {
	edits, ok := udiff.Merge(udiff.Lines(base, ours), udiff.Lines(base, theirs))
	if !ok {
		return "", false
	}
	out, err := udiff.Apply(base, edits)
	return out, err == nil
}

// prove renders the environment before and after the promotion, as it is, and as
// edited. It returns the environment as it is.
func (r *reversal) prove(ctx context.Context) (*render.Result, error) {
	now, err := baseline(ctx, r.req, r.req.FS)
	if err != nil {
		return nil, err
	}
	old, err := baseline(ctx, r.req, r.promotion.Before)
	if err != nil {
		return nil, fmt.Errorf("render what was before commit %s: %w", git.Short(r.promotion.Commit), err)
	}
	promoted, err := baseline(ctx, r.req, r.promotion.After)
	if err != nil {
		return nil, fmt.Errorf("render what commit %s left: %w", git.Short(r.promotion.Commit), err)
	}
	want, conflicts := object.Merge(promoted.Baseline, now.Baseline, old.Baseline)
	if err := r.checkLater(ctx, now, conflicts); err != nil {
		return nil, err
	}
	edits := map[string][]byte{}
	for _, f := range r.files {
		edits[f.Path] = f.After
	}
	req := r.req
	req.FS = req.FS.With(edits)
	differences, err := compare(ctx, req, want)
	if err != nil || len(differences) == 0 {
		return now, err
	}
	also := ""
	if len(r.outside) > 0 {
		also = fmt.Sprintf("; commit %s changed files outside the environment too, such as %s, which stay", git.Short(r.promotion.Commit), r.outside[0])
	}
	return nil, &LawError{Law: 2, Differences: differences, message: fmt.Sprintf(
		"%s: the edited environment renders not what it rendered before the promotion of commit %s: %s%s; nothing is written; make the change by hand",
		r.req.Dir, git.Short(r.promotion.Commit), keys(differences), also)}
}

// checkLater warns of objects that other files have set since the promotion: what its
// own files say of them no longer counts.
func (r *reversal) checkLater(ctx context.Context, now *render.Result, conflicts []object.Key) error {
	if len(conflicts) == 0 {
		return nil
	}
	random, err := drawn(ctx, r.req, now)
	for _, key := range conflicts {
		if !random[key] {
			r.warnings = append(r.warnings, key.String()+" has been changed otherwise since the promotion, and stays as it is")
		}
	}
	return err
}

// stays tells of candidates that the promotion put under test elsewhere.
func (r *reversal) stays() {
	for _, name := range r.outside {
		promoted, err := contentOf(r.promotion.After, name)
		if err != nil || !isMarker(name, promoted) {
			continue
		}
		if now, err := contentOf(r.req.FS, name); err == nil && git.Alike(now, promoted) {
			r.warnings = append(r.warnings, name+", which the promotion wrote, stays: withdraw it with assay candidate clear")
		}
	}
}

// baseline renders an environment without its candidate, as a tree has it.
func baseline(ctx context.Context, req render.Request, fsys *envfs.FS) (*render.Result, error) {
	req.FS = fsys
	m, err := ownMarker(req)
	if m.Data == nil {
		if err != nil {
			return nil, err
		}
		return render.Environment(ctx, req)
	}
	return renderWith(ctx, req, m.Path, nil)
}

// ownMarker reads an environment's marker; a manifest that is called like it is
// none.
func ownMarker(req render.Request) (marker.File, error) {
	m, err := marker.Read(req.FS, req.Dir, req.Name)
	if errors.Is(err, marker.ErrForeign) {
		return marker.File{Path: m.Path}, nil
	}
	return m, err
}
