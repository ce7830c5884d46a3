package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// The kinds of candidates, in the order of the table.
var kinds = []string{
	"image tag", "image digest", "image registry",
	"env changed", "env added", "env removed", "resources", "probe", "argument", "pod label", "config value",
}

func isImage(kind string) bool { return strings.HasPrefix(kind, "image ") }

// candidate is one change to try. There may be several ways to write it, and
// users take the one that works; none where the workload or its chart has no
// place for the kind.
type candidate struct {
	kind   string
	object object.Key
	ways   []way
}

// way is one way to write a change.
type way struct {
	spec.Change
	// holds is the effect that the change must have, and no other. It does not
	// go through the files.
	holds func(before, after []*unstructured.Unstructured) error
	lines int // that have to change, unless a kustomization gets a new entry
}

const (
	newTag    = "9.9.9-assay"
	newDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	newValue  = "assay-changed"
	newMemory = "123Mi"
)

// cases are all candidates of the environment.
func (e *environment) cases(ctx context.Context) ([]candidate, error) {
	var out []candidate
	seen := map[string]bool{}
	for _, o := range e.base {
		if !object.IsWorkload(o) {
			continue
		}
		for _, image := range object.Images(o) {
			name, _, _ := object.SplitImage(image.Ref)
			if !seen[name] {
				seen[name] = true
				out = append(out, e.images(o, image.Ref)...)
			}
		}
		if e.layout == spec.Helm {
			more, err := e.values(ctx, o)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
			continue
		}
		out = append(append(out, e.patches(o)...), e.config(o))
	}
	return out, nil
}

func (e *environment) images(o *unstructured.Unstructured, ref string) []candidate {
	name, tag, digest := object.SplitImage(ref)
	moved := "registry.example.org/mirror/" + path.Base(name)
	after := func(name, tag, digest string) string {
		if tag != "" {
			name += ":" + tag
		}
		if digest != "" {
			name += "@" + digest
		}
		return name
	}
	of := func(kind string, image types.Image, want string) candidate {
		w := way{Change: spec.Change{Images: []types.Image{image}}, lines: e.imageLines(name)}
		w.holds = func(before, after []*unstructured.Unstructured) error {
			return sameButImage(before, after, ref, want, e.layout)
		}
		return candidate{kind, object.KeyOf(o), []way{w}}
	}
	list := []candidate{
		of("image tag", types.Image{Name: name, NewTag: newTag}, after(name, newTag, "")),
		of("image digest", types.Image{Name: name, Digest: newDigest}, after(name, "", newDigest)),
		of("image registry", types.Image{Name: name, NewName: moved}, after(moved, tag, digest)),
	}
	if e.layout == spec.Helm && !e.exposesDigest(name) {
		list[1].ways = nil
	}
	return list
}

// imageLines are those that an image change needs: each that names it, the
// entry of the kustomization, or a new entry there.
func (e *environment) imageLines(name string) int {
	lines := 0
	switch e.layout {
	case spec.Helm:
		return 1
	case spec.Flat:
		for file, text := range e.files {
			if path.Dir(file) != e.dir || spec.KindByName(file) != "" {
				continue
			}
			for line := range strings.Lines(text) {
				_, ref, found := strings.Cut(line, "image:")
				if n, _, _ := object.SplitImage(strings.Trim(strings.TrimSpace(strings.Split(ref, " #")[0]), `"'`)); found && n == name {
					lines++
				}
			}
		}
		return lines
	}
	text := e.kustomization()
	switch {
	case strings.Contains(text, "name: "+name+"\n"), strings.Contains(text, "newName: "+name+"\n"):
		return 1
	case strings.Contains(text, "images:"):
		return 2
	default:
		return 3
	}
}

func (e *environment) kustomization() string {
	for name, text := range e.files {
		if e.isKustomization(name) {
			return text
		}
	}
	return ""
}

func (e *environment) isKustomization(name string) bool {
	return path.Dir(name) == e.dir && slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, path.Base(name))
}

// exposesDigest reports whether the chart has a value for an image's digest.
func (e *environment) exposesDigest(name string) bool {
	if e.plan.Spec.Helm == nil {
		return false
	}
	keys := e.plan.Spec.Helm.ImageValues[name]
	return keys.Digest != "" || keys.Image != ""
}

// sameButImage replaces the references in the objects as they were, and
// compares. A chart may print an image's parts elsewhere too.
func sameButImage(before, after []*unstructured.Unstructured, from, to string, layout spec.Layout) error {
	name, _, _ := object.SplitImage(from)
	replaced := 0
	for _, o := range after {
		for _, image := range object.Images(o) {
			n, tag, digest := object.SplitImage(image.Ref)
			wantName, wantTag, wantDigest := object.SplitImage(to)
			switch {
			case n == name && image.Ref == from:
				return fmt.Errorf("%s still runs %s", object.KeyOf(o), from)
			case n == wantName && (wantTag == "" || tag == wantTag) && (digest == wantDigest):
				replaced++
			}
		}
	}
	if replaced == 0 {
		return fmt.Errorf("nothing runs %s", to)
	}
	if layout == spec.Helm {
		return nil
	}
	want := make([]*unstructured.Unstructured, len(before))
	for i, o := range before {
		data, err := json.Marshal(o.Object)
		if err != nil {
			return err
		}
		for _, image := range object.Images(o) {
			n, tag, digest := object.SplitImage(image.Ref)
			if n != name {
				continue
			}
			is := to
			if wantName, wantTag, wantDigest := object.SplitImage(to); wantTag == "" && wantDigest == "" || wantName != name {
				if is = wantName; tag != "" {
					is += ":" + tag
				}
				if digest != "" {
					is += "@" + digest
				}
			}
			data = []byte(strings.ReplaceAll(string(data), strconv.Quote(image.Ref), strconv.Quote(is)))
		}
		want[i] = &unstructured.Unstructured{}
		if err := json.Unmarshal(data, &want[i].Object); err != nil {
			return err
		}
	}
	for _, d := range object.Diff(want, after) {
		return fmt.Errorf("%s is not what the images alone make of it", d.Key)
	}
	return nil
}
