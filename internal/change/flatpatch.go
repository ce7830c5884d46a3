package change

import (
	"bytes"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/yamledit"
)

// flat patches the objects in the documents that hold them.
func (t patchTask) flat() error {
	for _, d := range t.docs {
		objs, err := t.matched(d, t.Baseline, ownName)
		if err != nil {
			return err
		}
		for _, o := range objs {
			p, err := t.locate(o)
			if err != nil {
				return err
			}
			if err := t.patchAt(d, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func ownName(o *unstructured.Unstructured) []string { return []string{o.GetName()} }

// location is where an object is written.
type location struct {
	file     string
	document int
	path     yamledit.Path // within the document: that of an item of a list
	object   map[string]any
}

// locate finds the one document or item that holds a rendered object.
func (t patchTask) locate(o *unstructured.Unstructured) (location, error) {
	var found []location
	for _, file := range t.Files {
		data, err := t.tree.read(file)
		if err != nil {
			return location{}, err
		}
		// Most files of a large environment do not have the object: do not parse them.
		if !bytes.Contains(data, []byte(o.GetName())) {
			continue
		}
		all, err := t.locations(file)
		if err != nil {
			return location{}, err
		}
		for _, p := range all {
			if ident(&unstructured.Unstructured{Object: p.object}) == ident(o) {
				found = append(found, p)
			}
		}
	}
	key := object.KeyOf(o)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return location{}, t.fault("", "%s renders, and is written in no manifest of %s: it cannot be edited there", key, t.Dir)
	}
	return location{}, t.fault("", "%s is in %s and in %s: remove one of them", key, t.where(found[0]), t.where(found[1]))
}

// locations are the objects that a file holds, those of lists as well.
func (m *maker) locations(file string) ([]location, error) {
	f, err := m.tree.file(file)
	if err != nil {
		return nil, err
	}
	var out []location
	for document := range f.Documents() {
		out = append(out, locationsIn(location{file: file, document: document}, f.Value(document))...)
	}
	return out, nil
}

func locationsIn(at location, v any) []location {
	o, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	items, ok := o["items"].([]any)
	if !ok {
		at.object = o
		return []location{at}
	}
	var out []location
	for i, item := range items {
		below := at
		below.path = step(step(at.path, yamledit.Key("items")), yamledit.Index(i))
		out = append(out, locationsIn(below, item)...)
	}
	return out
}

func (m *maker) where(p location) string {
	f, err := m.tree.file(p.file)
	if err != nil {
		return p.file
	}
	return p.file + lineOf(f, p.document, p.path)
}

// patchAt applies a document of the patch to the object at a location.
func (t patchTask) patchAt(d patchDocument, p location) error {
	name := t.where(p)
	after, err := t.apply(d, p.object, name, kept)
	if err != nil {
		return err
	}
	edits := difference(p.path, p.object, after)
	if len(edits) == 0 {
		t.note("%s is as the patch wants it", name)
		return nil
	}
	for i := range edits {
		edits[i].Document = p.document
	}
	if err := t.tree.apply(p.file, edits...); err != nil {
		return err
	}
	return t.proved(p, after)
}

// proved holds that the file now has the object as patched.
func (t patchTask) proved(p location, want map[string]any) error {
	f, err := t.tree.file(p.file)
	if err != nil {
		return err
	}
	v := f.Value(p.document)
	for _, s := range p.path {
		switch at := v.(type) {
		case map[string]any:
			v = at[s.Key]
		case []any:
			v = at[s.Index]
		}
	}
	if !object.Equal(v, want) {
		return t.fault("", "%s: the patch cannot be made in place: make it by hand", t.where(p))
	}
	return nil
}
