package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"

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
// users take the one that works; none where a chart has no value for it.
type candidate struct {
	kind   string
	object object.Key
	ways   []spec.Change
	// holds is the effect that the change must have, and no other. It does not
	// go through the files.
	holds func(before, after []*unstructured.Unstructured) error
	lines int // that have to change; 0 where that depends on the file
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
		out = append(out, e.patches(o)...)
		out = append(out, e.config(o)...)
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
		c := candidate{kind: kind, object: object.KeyOf(o), ways: []spec.Change{{Images: []types.Image{image}}}, lines: e.imageLines(name)}
		c.holds = func(before, after []*unstructured.Unstructured) error {
			return sameButImage(before, after, ref, want, e.layout)
		}
		return c
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
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if text, ok := e.files[path.Join(e.dir, name)]; ok {
			return text
		}
	}
	return ""
}

// exposesDigest says whether the chart has a value for an image's digest.
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

// container is the first of a workload, as JSON patch operations reach it.
type container struct {
	object *unstructured.Unstructured
	at     []string // the pod template's path
	fields map[string]any
}

func first(o *unstructured.Unstructured) (container, bool) {
	at, ok := object.PodTemplate(o)
	if !ok {
		return container{}, false
	}
	list, _, _ := unstructured.NestedSlice(o.Object, append(slices.Clone(at), "spec", "containers")...)
	if len(list) == 0 {
		return container{}, false
	}
	fields, ok := list[0].(map[string]any)
	return container{o, at, fields}, ok
}

// patches are the changes of one workload, each as a strategic merge patch
// where the kind has a schema, and as JSON patch operations.
func (e *environment) patches(o *unstructured.Unstructured) []candidate {
	c, ok := first(o)
	if !ok {
		return nil
	}
	var out []candidate
	for _, change := range c.changes() {
		ops, merge := change.ops, change.merge
		ways := []spec.Change{{Patches: []types.Patch{{Patch: text(ops), Target: target(o)}}}}
		if group := o.GroupVersionKind().Group; group == "apps" && merge != nil {
			ways = slices.Insert(ways, 0, spec.Change{Patches: []types.Patch{{Patch: text(c.whole(merge)), Target: target(o)}}})
		}
		out = append(out, candidate{kind: change.kind, object: object.KeyOf(o), ways: ways, lines: change.lines, holds: func(before, after []*unstructured.Unstructured) error {
			return onlyThis(before, after, object.KeyOf(o), change.holds)
		}})
	}
	return out
}

func target(o *unstructured.Unstructured) *types.Selector {
	return &types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Kind: o.GetKind()}, Name: o.GetName()}}
}

func text(v any) string {
	data, err := yaml.Marshal(v)
	if err != nil {
		panic(err) // maps and strings
	}
	return string(data)
}

// onlyThis holds that one workload alone has changed, and how.
func onlyThis(before, after []*unstructured.Unstructured, key object.Key, holds func(container) bool) error {
	found := false
	for _, d := range object.Diff(before, after) {
		if d.Key != key || d.After == nil {
			return fmt.Errorf("%s has changed too", d.Key)
		}
		c, ok := first(d.After)
		found = ok && holds(c)
	}
	if !found {
		return fmt.Errorf("%s has not changed as it should", key)
	}
	return nil
}

// config changes a value of a ConfigMap that the workload mounts.
func (e *environment) config(o *unstructured.Unstructured) []candidate {
	for _, ref := range object.References(o) {
		if ref.Kind != "ConfigMap" {
			continue
		}
		for _, cm := range object.Find(e.base, ref) {
			data, _, _ := unstructured.NestedStringMap(cm.Object, "data")
			for name, value := range data {
				if value == "" || strings.Contains(value, "\n") {
					continue
				}
				patch := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": cm.GetName()}, "data": map[string]any{name: newValue}}
				ways := []spec.Change{{Patches: []types.Patch{{Patch: text(patch)}}}}
				if diff := e.replaced(name, value); diff != "" {
					ways = append(ways, spec.Change{Diff: diff})
				}
				return []candidate{{kind: "config value", object: object.KeyOf(o), ways: ways, lines: 1, holds: func(_, after []*unstructured.Unstructured) error {
					for _, o := range after {
						now, _, _ := unstructured.NestedStringMap(o.Object, "data")
						if o.GetKind() == "ConfigMap" && now[name] == newValue {
							return nil
						}
					}
					return fmt.Errorf("no ConfigMap holds the new value")
				}}}
			}
		}
	}
	return nil
}

// replaced is a diff of the one file of the environment that gives the key
// this value, as a literal of a generator does.
func (e *environment) replaced(key, value string) string {
	var found string
	for name, was := range e.files {
		if path.Dir(name) != e.dir {
			continue
		}
		now := strings.Replace(was, key+"="+value, key+"="+newValue, 1)
		if now == was {
			continue
		}
		if found != "" {
			return ""
		}
		found = udiff.Unified("a/"+path.Base(name), "b/"+path.Base(name), was, now)
	}
	return found
}
