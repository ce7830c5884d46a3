package change

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/yamledit"
)

// flat sets the image wherever the environment's manifests have it.
func (t imageTask) flat() (string, error) {
	name, err := t.resolve(rendered(t.Baseline))
	if err != nil {
		return "", err
	}
	if t.image.TagSuffix != "" {
		if _, err := t.tags(name); err != nil {
			return "", err
		}
	}
	made := t.flatFiles(name)
	found := false
	for i, file := range t.Files {
		m, err := made[i], made[i].fault
		if err == nil && m.edits {
			err = t.tree.editable(file)
		}
		if err == nil {
			err = m.refused
		}
		if err == nil && m.data != nil {
			err = t.tree.write(file, m.data)
		}
		if err != nil {
			return "", err
		}
		t.notes = append(t.notes, m.notes...)
		found = found || m.edits || len(m.notes) > 0
	}
	if !found {
		return "", t.fault("name", "%s renders, and is written in no manifest of %s: it cannot be edited there", name, t.Dir)
	}
	return name, nil
}

// flatEdit is what setting the image makes of one file.
type flatEdit struct {
	edits   bool     // there are some to make
	data    []byte   // with them made; nil without
	notes   []string // where it is there already
	fault   error    // the file cannot be read
	refused error    // it cannot be edited so
}

// flatFiles edits the files on all cores.
func (t imageTask) flatFiles(name string) []flatEdit {
	out := make([]flatEdit, len(t.Files))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, file := range t.Files {
		data, err := t.tree.read(file)
		// Most files of a large environment do not have the image: do not parse them.
		// What is not rendered is not tested either.
		if err != nil || !bytes.Contains(data, []byte(name[strings.LastIndex(name, "/")+1:])) || manifest.Skipped(data) {
			out[i].fault = err
			continue
		}
		group.Go(func() error {
			fault := manifest.Guard(file, func() error {
				out[i] = t.flatFile(file, name, data)
				return nil
			})
			if fault != nil {
				out[i] = flatEdit{fault: fault}
			}
			return nil
		})
	}
	_ = group.Wait()
	return out
}

// flatFile edits one file, or finds it edited before.
func (t imageTask) flatFile(file, name string, data []byte) flatEdit {
	var made flatEdit
	create := func() ([]byte, bool, error) {
		made = t.flatFileNow(file, name, data)
		return made.data, made.refused == nil && len(made.notes) == 0, made.fault
	}
	image := t.image
	image.Name = name
	edited, _ := t.kept("image", create, fmt.Appendf(nil, "%q", image), data) // the error is made.fault
	if made.data == nil && edited != nil {
		return flatEdit{edits: true, data: edited}
	}
	return made
}

func (t imageTask) flatFileNow(file, name string, data []byte) (out flatEdit) {
	f, err := yamledit.Parse(file, data)
	if err != nil {
		out.fault = err
		return out
	}
	var edits []yamledit.Edit
	for document := range f.Documents() {
		for _, image := range imagesIn(f.Value(document)) {
			if n, _, _ := object.SplitImage(image.Ref); n != name {
				continue
			}
			path := steps(image.Path)
			ref := updated(image.Ref, t.image)
			if ref == image.Ref {
				out.notes = append(out.notes, fmt.Sprintf("%s is there in %s%s", ref, file, lineOf(f, document, path)))
				continue
			}
			edits = append(edits, yamledit.Edit{Document: document, Op: yamledit.Set, Path: path, Value: ref})
		}
	}
	if out.edits = len(edits) > 0; out.edits {
		out.data, out.refused = applied(f, edits)
	}
	return out
}

// imagesIn are the images of a document; of a list, those of its items. What has
// no kind is not an object, and does not render.
func imagesIn(document any) []object.Image {
	root, ok := document.(map[string]any)
	if kind, _ := root["kind"].(string); !ok || kind == "" {
		return nil
	}
	items, ok := root["items"].([]any)
	if !ok {
		return object.Images(&unstructured.Unstructured{Object: root})
	}
	var out []object.Image
	for i, item := range items {
		for _, image := range imagesIn(item) {
			image.Path = append([]any{"items", i}, image.Path...)
			out = append(out, image)
		}
	}
	return out
}

// steps turns the path of an image into one of the file.
func steps(path []any) yamledit.Path {
	out := make(yamledit.Path, len(path))
	for i, step := range path {
		switch step := step.(type) {
		case string:
			out[i] = yamledit.Key(step)
		case int:
			out[i] = yamledit.Index(step)
		}
	}
	return out
}
