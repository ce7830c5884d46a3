package candidate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assaydev/assay/internal/change"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// Bump is what a commit changes in an environment, as a bot proposes it.
type Bump struct {
	Ref     string // what it is called
	Commit  string // its whole ID
	Tree    *envfs.FS
	Merged  bool      // the branch here has the commit
	Base    *envfs.FS // of the last commit that it has in common with the branch here; nil where that is not known
	Changed []string  // the files and links that differ since, anywhere in the repository
}

// NewBump reads which files a commit changes since a base. The common commit of both sides
// is that base; empty where none is known.
func NewBump(view promote.View, ref, commit string, base, tree *git.Tree, common string) (Bump, error) {
	b := Bump{Ref: ref, Commit: commit, Tree: view.In(tree).FS, Merged: common == commit}
	if common != "" {
		b.Base = view.In(base).FS
	}
	var err error
	b.Changed, err = git.Diff(base, tree)
	return b, err
}

// Derive is the candidate that makes the bump's own edit: the same bytes in the
// files that the environment is rendered from. It is held to render as the commit
// does.
func (b Bump) Derive(ctx context.Context, m *Marker) (Derived, error) {
	if b.Merged {
		return Derived{Live: b.Ref + " is merged into the branch already"}, nil
	}
	without := map[string][]byte{m.Path: nil}
	o := &bumped{Marker: m, Bump: b, files: m.FS.With(without), other: b.Tree.With(without)}
	here, err := o.render(ctx, o.files)
	if err != nil {
		return Derived{}, err
	}
	there, err := o.render(ctx, o.other)
	if err != nil {
		return Derived{}, fmt.Errorf("%s: %w", b.Ref, err)
	}
	if len(object.Diff(object.Applied(here.Baseline), object.Applied(there.Baseline))) == 0 {
		return o.same()
	}
	edits, err := o.edits(ctx)
	if err != nil {
		return Derived{}, err
	}
	d := Derived{LeftOut: o.leftOut, Check: func(res *render.Result, err error) error { return o.check(there, res, err) }}
	if len(edits) == 0 {
		return d, o.refuse(errors.New("it changes none of the files that the environment has and is rendered from"))
	}
	if d.Spec.Diff, err = change.Unified(o.files, m.Dir, here.Layout, edits); err != nil {
		return d, o.refuse(err)
	}
	d.Metadata.Name = nameAfter(spec.Change{Images: promote.ImagesChanged(here.Baseline, there.Baseline)})
	if d.Metadata.Name == "" {
		d.Metadata.Name = b.Ref
	}
	d.Metadata.Annotations = map[string]string{"commit": b.Commit}
	return d, nil
}

// same is for a bump that changes nothing of what renders here: it may have been merged
// by a squash or promoted, or it is not about the environment.
func (b *bumped) same() (Derived, error) {
	dir, err := b.files.Locate(b.Dir)
	if err != nil {
		return Derived{}, err
	}
	for _, name := range b.Changed {
		if b.Base == nil || !envfs.Within(name, dir) {
			continue
		}
		here, err := readIfExists(b.files, name)
		if err != nil {
			return Derived{}, err
		}
		there, err := readIfExists(b.other, name)
		if err == nil && bytes.Equal(here, there) {
			return Derived{Live: fmt.Sprintf("%s is as %s has it already", b.Environment, b.Ref)}, nil
		}
	}
	return Derived{}, fmt.Errorf("%s renders %s as it is here: there is no change to test; name the branch of a bump of this environment", b.Ref, b.Environment)
}

// bumped is an environment here and at another revision, both without a marker.
type bumped struct {
	*Marker
	Bump
	files, other *envfs.FS
	leftOut      []string
}

func (b *bumped) render(ctx context.Context, fsys *envfs.FS) (*render.Result, error) {
	req := b.Request
	req.FS = fsys
	return render.Environment(ctx, req)
}

// edits are the new contents of the files that the bump changes and the
// environment is rendered from. Files that it changes beside them are left out.
func (b *bumped) edits(ctx context.Context) (map[string][]byte, error) {
	before, after, err := b.contents()
	if err != nil {
		return nil, err
	}
	req := b.Request
	req.FS = b.files
	rendered, err := render.Rendered(ctx, req, after)
	if err != nil {
		return nil, err
	}
	edits := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if !rendered[name] {
			b.leftOut = append(b.leftOut, name)
			continue
		}
		if err := b.editable(name, before, after); err != nil {
			return nil, b.refuse(err)
		}
		edits[name] = after[name]
	}
	slices.Sort(b.leftOut)
	return edits, nil
}

// contents are those of the files of the environment that differ, here and there;
// nil where there is none. What cannot be of a change is left out already.
func (b *bumped) contents() (before, after map[string][]byte, err error) {
	dir, err := b.files.Locate(b.Dir)
	if err != nil {
		return nil, nil, err
	}
	before, after = map[string][]byte{}, map[string][]byte{}
	for _, changed := range b.Changed {
		if !envfs.Within(changed, dir) {
			b.leftOut = append(b.leftOut, changed)
			continue
		}
		name := path.Join(b.Dir, strings.TrimPrefix(strings.TrimPrefix(changed, dir), "/"))
		if name == b.Path {
			continue
		}
		if isLink(b.files, name) || isLink(b.other, name) {
			b.leftOut = append(b.leftOut, name)
			continue
		}
		here, err := readIfExists(b.files, name)
		if err != nil {
			return nil, nil, err
		}
		there, err := readIfExists(b.other, name)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case (here == nil) == (there == nil) && bytes.Equal(here, there):
		case spec.KindByName(name) != "" && (spec.IsOwn(name, here) || spec.IsOwn(name, there)):
			b.leftOut = append(b.leftOut, name)
		default:
			before[name], after[name] = here, there
		}
	}
	return before, after, nil
}

func isLink(fsys *envfs.FS, name string) bool {
	info, err := fsys.Lstat(name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// editable refuses what no candidate can do to a file that is rendered from, and
// what would take newer work on it back.
func (b *bumped) editable(name string, before, after map[string][]byte) error {
	const first = "bring that onto both sides by an ordinary commit first"
	here, there := before[name], after[name]
	switch {
	case here == nil:
		if from := renamed(there, before, after); from != "" {
			return fmt.Errorf("it renames %s to %s, and a candidate keeps every file where it is: %s", from, name, first)
		}
		return fmt.Errorf("it adds %s, and a candidate changes files that are there: %s", name, first)
	case there == nil:
		if to := renamed(here, after, before); to != "" {
			return fmt.Errorf("it renames %s to %s, and a candidate keeps every file where it is: %s", name, to, first)
		}
		return fmt.Errorf("it removes %s, and a candidate keeps every file: %s", name, first)
	case !isText(here) || !isText(there):
		return fmt.Errorf("it changes %s, which is binary, and a candidate changes text: %s", name, first)
	}
	if b.Base == nil {
		return nil
	}
	was, err := readIfExists(b.Base, name)
	if err == nil && !bytes.Equal(was, here) {
		return fmt.Errorf("it lacks newer changes of %s, and would take them back: bring it up to date, as with git rebase", name)
	}
	return err
}

// renamed is a file of the same content that is on the other side alone.
func renamed(data []byte, has, lacks map[string][]byte) string {
	for _, name := range slices.Sorted(maps.Keys(has)) {
		if has[name] != nil && lacks[name] == nil && bytes.Equal(has[name], data) {
			return name
		}
	}
	return ""
}

// isText reports whether a marker can hold a part of the file.
func isText(data []byte) bool { return utf8.Valid(data) && bytes.IndexByte(data, 0) < 0 }

func readIfExists(fsys *envfs.FS, name string) ([]byte, error) {
	data, err := fsys.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if data == nil && err == nil {
		data = []byte{}
	}
	return data, err
}

// check holds that Candidate(T) = Baseline(REF).
func (b *bumped) check(there, res *render.Result, err error) error {
	if err != nil {
		return b.refuse(err)
	}
	for _, d := range object.Diff(object.Applied(res.Candidate), object.Applied(there.Baseline)) {
		if slices.Contains(res.Random, d.Key) {
			continue // a chart draws it
		}
		return b.refuse(fmt.Errorf("the candidate would differ from %s in %s", b.Ref, d.Key))
	}
	return nil
}

func (b *bumped) refuse(err error) error {
	besides := ""
	if len(b.leftOut) > 0 {
		besides = fmt.Sprintf("; it also changes %s", excerpt.List(b.leftOut))
	}
	return fmt.Errorf("what %s changes cannot be a candidate of %s: %w%s; a candidate changes the environment's own files alone, so bring the rest, and newer commits, onto both sides first",
		b.Ref, b.Environment, err, besides)
}
