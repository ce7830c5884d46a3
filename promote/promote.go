// Package promote turns a decision about a candidate into an edit of the
// repository that is proven before a byte of it is written.
//
//  1. Prepare renders the environment with its marker (render.Environment).
//  2. It derives the edited tree. A promotion holds the change in the
//     environment's own files; a rejection does not. In both the marker is
//     gone, or the candidates that wait have moved up.
//  3. A promotion also sets the change under test in the next environments of
//     the same tree (next.go).
//  4. The edited tree is rendered and compared, object by object: law 2, tested
//     is promoted; law 3, losers leave no trace; law 4, the same files (prove.go).
//     PrepareRevert edits and proves the way back from a promotion (revert.go).
//
// Package worktree writes the edit in a directory, package branch brings it to a
// branch of a server.
package promote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/change"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// ErrNoCandidate is returned for an environment without a marker.
var ErrNoCandidate = errors.New("no candidate")

// Options say what to prepare.
type Options struct {
	Outcome  decision.Outcome
	Rendered *render.Result // of the same request, where it is at hand

	// Branch tells which branch is checked out; empty where that is not known.
	// It is asked only if the plan names branches.
	Branch func(context.Context) (string, error)
}

// Edit is a proven edit of the repository.
type Edit struct {
	Outcome decision.Outcome
	spec.Environment
	Layout    spec.Layout
	Plan      *spec.Plan // defaulted
	Candidate spec.Candidate
	Forms     []Form        // as next environments may take it, the likeliest first
	ID        string        // empty where the change renders no experiment: see Warnings
	Digest    digest.Digest // as ID
	Files     []git.File    // in the order of writing
	Marker    string        // that of Files which is the environment's marker, and the last; empty for a revert
	Untested  []string      // what ships untested, for people
	Next      []Next        // a promotion's next environments
	Waiting   int           // candidates that moved up
	Reverts   string        // the commit whose promotion a revert undoes
	Warnings  []string
	Beside    []history.Beside // what the edit does to candidates of next environments
}

// Prepare makes and proves the edit. Nothing is written. Errors that tell a
// law which does not hold are of type *LawError.
//
// A promotion of a change that every file already holds takes the marker away
// and nothing else. A rejection needs no candidate that renders.
func Prepare(ctx context.Context, req render.Request, opt Options) (*Edit, error) {
	p := &preparation{req: req, opt: opt}
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	if opt.Outcome == decision.Promote {
		if err := p.change(); err != nil {
			return nil, err
		}
		if err := p.next(ctx); err != nil {
			return nil, err
		}
	}
	if err := p.shift(); err != nil {
		return nil, err
	}
	if err := p.prove(ctx); err != nil {
		return nil, err
	}
	return p.edit, p.moveUp(ctx)
}

// Prove holds that the candidate of an environment, which is rendered at hand,
// could be promoted and rejected now. The branch is as in Options.
func Prove(ctx context.Context, req render.Request, res *render.Result, branch func(context.Context) (string, error)) error {
	for _, outcome := range []decision.Outcome{decision.Promote, decision.Reject} {
		if _, err := Prepare(ctx, req, Options{Outcome: outcome, Branch: branch, Rendered: res}); err != nil {
			return fmt.Errorf("the candidate could not be %s: %w", outcome.Done(), err)
		}
	}
	return nil
}

// preparation is the state of one Prepare.
type preparation struct {
	req    render.Request
	opt    Options
	marker marker.File
	edit   *Edit
	edited map[string][]byte            // the change in the environment's files, as render made it
	want   []*unstructured.Unstructured // what the edited tree must render to
}

// open renders the environment as it is.
func (p *preparation) open(ctx context.Context) error {
	res, err := p.opt.Rendered, error(nil)
	if res == nil {
		res, err = render.Environment(ctx, p.req)
	}
	if err != nil {
		return p.openBroken(ctx, err)
	}
	if res.Marker == nil {
		return ErrNoCandidate
	}
	if p.marker, err = marker.Read(p.req.FS, p.req.Dir, p.req.Name); err != nil {
		return err
	}
	p.edit = &Edit{
		Outcome: p.opt.Outcome, Environment: p.req.Environment, Layout: res.Layout, Plan: res.Plan,
		Candidate: *res.Marker, ID: res.ID, Digest: res.Digest, Waiting: res.Waiting,
	}
	if p.want = res.Baseline; p.opt.Outcome != decision.Promote {
		return nil
	}
	p.want, p.edited, p.edit.Untested = res.Candidate, res.Edited, res.Untested
	if len(res.Plan.Spec.Promotion.To) > 0 {
		p.edit.Forms, err = Forms(ctx, p.req, res)
	}
	return err
}

// openBroken goes on where the environment renders without its candidate
// alone: for a rejection, and where the files already hold the change.
func (p *preparation) openBroken(ctx context.Context, cause error) error {
	done := errors.Is(cause, change.ErrNothing)
	if p.opt.Outcome == decision.Promote && !done {
		return cause
	}
	var err error
	if p.marker, err = marker.Read(p.req.FS, p.req.Dir, p.req.Name); err != nil {
		return err
	}
	if len(p.marker.Candidates) == 0 {
		return cause
	}
	res, err := renderWith(ctx, p.req, p.marker.Path, nil)
	if err != nil {
		return err
	}
	p.edit = &Edit{
		Outcome: p.opt.Outcome, Environment: p.req.Environment, Layout: res.Layout, Plan: res.Plan,
		Candidate: p.marker.Candidates[0], Forms: []Form{{Candidate: p.marker.Candidates[0]}}, Waiting: len(p.marker.Candidates) - 1,
	}
	p.want = res.Baseline
	warning := "the candidate does not render: " + cause.Error()
	if done {
		warning = "the files already hold the change: " + cause.Error()
	}
	p.edit.Warnings = append(p.edit.Warnings, warning)
	return nil
}

// shift takes the candidate out of the marker.
func (p *preparation) shift() error {
	rest, err := marker.Shift(p.marker)
	if err != nil {
		return err
	}
	// An edit of a link goes to the file; a removal takes the link.
	name, err := p.req.FS.Place(p.marker.Path, rest == nil)
	if err != nil {
		return err
	}
	p.edit.Marker = name
	p.edit.Files = append(p.edit.Files, git.File{Path: name, Before: p.marker.Data, After: rest})
	return nil
}

// Before is a file as it is, by the path where an edit of it goes: that of the
// file that a link leads to. One that does not exist has no content; a link to
// one is an error.
func Before(fsys *envfs.FS, name string) (git.File, error) {
	at, err := fsys.Locate(name)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := fsys.Lstat(name); err == nil {
			return git.File{}, fmt.Errorf("%s is a link to a file that does not exist: make that file, or remove the link", name)
		}
		at, err = fsys.Place(name, false)
		return git.File{Path: at}, err
	}
	if err != nil {
		return git.File{}, err
	}
	data, err := fsys.ReadFile(at)
	return git.File{Path: at, Before: data}, err
}

// contents lays the edit over the repository, less the environment's marker.
func (p *preparation) contents() map[string][]byte {
	edits := map[string][]byte{}
	for _, f := range p.edit.Files {
		edits[f.Path] = f.After
	}
	edits[p.marker.Path] = nil
	return edits
}

// moveUp looks at the candidate that is under test from now on. It is not to
// blame for what the decided one was, so that its trouble is only told.
func (p *preparation) moveUp(ctx context.Context) error {
	if p.edit.Waiting == 0 {
		return nil
	}
	edits := p.contents()
	delete(edits, p.marker.Path)
	edits[p.edit.Marker] = p.edit.Files[len(p.edit.Files)-1].After
	req := p.req
	req.FS = req.FS.With(edits)
	if _, err := render.Environment(ctx, req); err != nil {
		if ctx.Err() != nil {
			return err
		}
		p.edit.Warnings = append(p.edit.Warnings, fmt.Sprintf("the candidate that moves up does not render: %v", err))
	}
	return nil
}
