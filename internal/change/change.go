// Package change turns the marker's change into an edit of the environment's
// own files: the design's Edit(T).
//
//  1. A diff is applied first, strictly, to the files as they are (diff.go).
//  2. Make resolves each image by the names that render today (name.go), and the
//     objects that each patch selects (select.go).
//  3. It looks for where each part of the change lives: in a flat file's
//     document (flat.go, flatpatch.go), the environment's kustomization and what
//     it reads (kustomize.go, kustomizepatch.go), or a Helm value file (helm.go,
//     value.go), and refuses what something else would override.
//  4. It edits those files in memory through yamledit (tree.go), by the least
//     that makes the difference (difference.go), inside the environment's
//     directory alone. A patch in a kustomization is rendered to prove it (prove.go).
//  5. The result is laid over the file system with envfs.FS.With, and
//     rendered: what that yields is the candidate. Promotion commits the same bytes.
//
// A near miss (an image or patch that matches nothing) is an error with the names that exist.
package change

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// ErrNothing is returned for a change after which every file is what it was.
var ErrNothing = errors.New("the change changes nothing")

// NothingError is the ErrNothing of a marker.
type NothingError struct {
	Marker string
	Found  string // what is there already
	Holds  bool   // it is what the change wants; else there is nothing that it could take away
}

func (e *NothingError) Error() string {
	return fmt.Sprintf("%s: %v: %s; name another version, or remove the file", e.Marker, ErrNothing, e.Found)
}

func (e *NothingError) Unwrap() error { return ErrNothing }

// Input is an environment and the change to make in it.
type Input struct {
	FS         *envfs.FS
	Dir        string // the environment's directory, relative to FS
	Marker     string // the marker's path, relative to FS: for error messages
	PlanFile   string // likewise, whether it exists or not
	Layout     spec.Layout
	Plan       *spec.Plan // defaulted, source options from Git alone
	Change     spec.Change
	Files      []string                     // flat: the manifest files; helm: the templates; relative to FS
	ValueFiles []string                     // helm: all files that values are read from, the chart's own first; the last wins
	Baseline   []*unstructured.Unstructured // what renders today

	// Render renders the environment from edited files. Kustomize's patches need
	// it: their edit is proven to render as the patched baseline.
	Render func(*envfs.FS) ([]*unstructured.Unstructured, error)

	// Values are those that a chart's templates see in edited files, with others
	// laid over them as Helm's --set does. A null needs them: its edit is proven to
	// take away what it takes away there.
	Values func(tree *envfs.FS, over map[string]any) (map[string]any, error)

	// Kept returns what create made of the same texts before, for the use that is named, where
	// something is kept; it may be nil. What it returns is not changed.
	Kept func(use string, texts [][]byte, create func() (made []byte, keep bool, err error)) ([]byte, error)

	// Schema guards the uses of kyaml's schema, which is global to the process;
	// nil where nothing else uses it.
	Schema func(use func() error) error
}

// Edit is the change as made: whole new contents by path, relative to FS.
type Edit struct {
	Files  map[string][]byte
	Idle   []Idle      // parts of the change that did nothing beside others
	Change spec.Change // with images by the names that render: one change is one, however it is written
}

// Idle is a part of a change after which every file is what it was.
type Idle struct {
	Field string // of the marker's spec
	Found string // what is there already
	Holds bool   // what is there is what the part wants; else there is nothing that it could change
}

func (i Idle) String() string { return fmt.Sprintf("spec.%s: %s", i.Field, i.Found) }

// Make makes the change. What it returns lies inside the environment's
// directory and differs from what is there; otherwise it is an error, and
// ErrNothing if every value is already what the change wants.
func Make(in Input) (Edit, error) {
	m := &maker{Input: in, tree: newTree(in.FS, in.Dir)}
	if err := m.supported(); err != nil {
		return Edit{}, err
	}
	for _, part := range []func() error{m.diff, m.images, m.values, m.patches} {
		if err := part(); err != nil {
			return Edit{}, err
		}
	}
	if len(m.tree.edited) == 0 {
		absent := slices.ContainsFunc(m.idle, func(i Idle) bool { return !i.Holds })
		return Edit{}, &NothingError{in.Marker, m.already(), !absent}
	}
	return Edit{m.tree.edited, m.idle, m.Change}, nil
}

// maker is the state of one Make.
type maker struct {
	Input
	tree    *tree
	notes   []string    // what is there already
	claimed []valuePath // the Helm values that the change has decided about
	idle    []Idle
	absent  bool // the part that is made takes away what is not there
}

// part makes one part of the change, and notes it where it does nothing.
func (m *maker) part(field string, apply func() error) error {
	before, notes := maps.Clone(m.tree.edited), len(m.notes)
	m.absent = false
	if err := apply(); err != nil {
		return err
	}
	if maps.EqualFunc(before, m.tree.edited, bytes.Equal) && len(m.notes) > notes {
		m.idle = append(m.idle, Idle{field, strings.Join(m.notes[notes:], "; "), !m.absent})
	}
	return nil
}

// fieldError is an error at a field of the marker.
type fieldError struct {
	marker, field string
	err           error
}

func (e *fieldError) Error() string { return fmt.Sprintf("%s: spec.%s: %v", e.marker, e.field, e.err) }
func (e *fieldError) Unwrap() error { return e.err }

// fault is an error at a field of the marker.
func (m *maker) fault(field, format string, args ...any) error {
	return &fieldError{m.Marker, field, fmt.Errorf(format, args...)}
}

// at puts an error at a field, unless it is at one already.
func (m *maker) at(field string, err error) error {
	var at *fieldError
	if err == nil || errors.As(err, &at) {
		return err
	}
	return &fieldError{m.Marker, field, err}
}

func (m *maker) withSchema(use func() error) error {
	if m.Schema == nil {
		return use()
	}
	return m.Schema(use)
}

func (m *maker) kept(use string, create func() (made []byte, keep bool, err error), texts ...[]byte) ([]byte, error) {
	if m.Kept == nil {
		made, _, err := create()
		return made, err
	}
	return m.Kept(use, texts, create)
}

func (m *maker) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

// already says what the change found in place, briefly.
func (m *maker) already() string {
	const most = 3
	if len(m.notes) > most {
		return fmt.Sprintf("%s, and %d more", strings.Join(m.notes[:most], "; "), len(m.notes)-most)
	}
	return strings.Join(m.notes, "; ")
}

func (m *maker) supported() error {
	c := m.Change
	switch {
	case len(c.Images) == 0 && len(c.Values) == 0 && len(c.Patches) == 0 && strings.TrimSpace(c.Diff) == "":
		return m.fault("images", "there is no change: set images, patches, a diff, or values for a Helm chart")
	case len(c.Values) > 0 && m.Layout != spec.Helm:
		return m.fault("values", "only a Helm chart has values, and %s is %s: use images", m.Dir, m.Layout)
	}
	return nil
}

func (m *maker) images() error {
	named := map[string]int{}
	whole := slices.Clone(m.Change.Images)
	for i, im := range m.Change.Images {
		t := imageTask{maker: m, field: fmt.Sprintf("images[%d]", i), image: im}
		if err := t.valid(); err != nil {
			return err
		}
		edit := t.flat
		switch m.Layout {
		case spec.Kustomize:
			edit = t.kustomize
		case spec.Helm:
			edit = t.helm
		case spec.Flat:
		}
		var name string
		err := m.part(t.field, func() (err error) {
			name, err = edit()
			return err
		})
		if err != nil {
			return m.at(t.field+".name", err)
		}
		if first, ok := named[name]; ok {
			return m.fault(t.field+".name", "%s is already changed by images[%d]: make it one entry", name, first)
		}
		named[name] = i
		whole[i].Name = name
	}
	m.Change.Images = whole
	return nil
}
