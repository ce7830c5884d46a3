package change

import (
	"bytes"
	"strings"

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
	count := 0
	for _, file := range t.Files {
		n, err := t.flatFile(file, name)
		if err != nil {
			return "", err
		}
		count += n
	}
	if count == 0 {
		return "", t.fault("name", "%s renders, and is written in no manifest of %s: it cannot be edited there", name, t.Dir)
	}
	return name, nil
}

// flatFile edits one file and returns in how many places the image is.
func (t imageTask) flatFile(file, name string) (int, error) {
	data, err := t.tree.read(file)
	if err != nil {
		return 0, err
	}
	// Most files of a large environment do not have the image: do not parse them.
	// What is not rendered is not tested either.
	if !bytes.Contains(data, []byte(name[strings.LastIndex(name, "/")+1:])) || manifest.Skipped(data) {
		return 0, nil
	}
	f, err := t.tree.file(file)
	if err != nil {
		return 0, err
	}
	var edits []yamledit.Edit
	count := 0
	for document := range f.Documents() {
		for _, image := range imagesIn(f.Value(document)) {
			if n, _, _ := object.SplitImage(image.Ref); n != name {
				continue
			}
			count++
			path := steps(image.Path)
			ref := updated(image.Ref, t.image)
			if ref == image.Ref {
				t.note("%s is there in %s%s", ref, file, lineOf(f, document, path))
				continue
			}
			edits = append(edits, yamledit.Edit{Document: document, Op: yamledit.Set, Path: path, Value: ref})
		}
	}
	return count, t.tree.apply(file, edits...)
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
