package change

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/yamledit"
)

// mostEdits bounds how many edits are tried for one object, each with a render.
const mostEdits = 12

var errElsewhere = errors.New("it is not said here")

// candidateEdits are the edits of what the environment has of an object already, the
// likely ones first: its resource, its patches, its generator.
func (t patchTask) candidateEdits(k *overlay, g task) []edit {
	var edits []edit
	for _, p := range t.resources(k, g.before) {
		edits = append(edits, func(t patchTask) error { return t.patchAt(g.doc, p) })
	}
	for _, l := range k.kustomizations {
		edits = append(edits, t.counts(l, k, g)...)
		edits = append(edits, t.ownPatches(l, k, g)...)
		edits = append(edits, t.generators(l, k, g)...)
	}
	return edits[:min(len(edits), mostEdits)]
}

// resources are the documents of resource files that may hold an object, the
// one with most of its name first.
func (t patchTask) resources(k *overlay, o *unstructured.Unstructured) []location {
	var out []location
	for _, l := range k.kustomizations {
		for _, file := range l.files(t.maker) {
			all, err := t.locations(file)
			if err != nil {
				continue // refused by name when nothing else works: the entry needs no such file
			}
			for _, p := range all {
				doc := &unstructured.Unstructured{Object: p.object}
				if doc.GroupVersionKind() == o.GroupVersionKind() && doc.GetName() != "" && strings.Contains(o.GetName(), doc.GetName()) {
					out = append(out, p)
				}
			}
		}
	}
	length := func(p location) int { return len((&unstructured.Unstructured{Object: p.object}).GetName()) }
	slices.SortStableFunc(out, func(a, b location) int { return cmp.Compare(length(b), length(a)) })
	return out
}

// counts are the kustomization's replicas that say how many pods an object has.
func (t patchTask) counts(l kustomizationFile, k *overlay, g task) []edit {
	edits := difference(nil, g.before.Object, g.after)
	if len(edits) != 1 || edits[0].Op != yamledit.Set || edits[0].Path.String() != "spec.replicas" {
		return nil
	}
	var out []edit
	list, _ := l.root["replicas"].([]any)
	for i, e := range list {
		entry, _ := e.(map[string]any)
		name, _ := entry["name"].(string)
		if _, ok := entry["count"]; !ok || !slices.Contains(k.names(g.before), name) {
			continue
		}
		out = append(out, func(t patchTask) error {
			return t.tree.apply(l.file, yamledit.Edit{Op: yamledit.Set, Path: step(step(keys("replicas"), yamledit.Index(i)), yamledit.Key("count")), Value: edits[0].Value})
		})
	}
	return out
}

// generators are the kustomization's generators that make an object.
func (t patchTask) generators(l kustomizationFile, k *overlay, g task) []edit {
	field := map[string]string{"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}[g.before.GetKind()]
	list, _ := l.root[field].([]any)
	var out []edit
	for i, e := range list {
		entry, _ := e.(map[string]any)
		if name, _ := entry["name"].(string); name == "" || !slices.Contains(k.names(g.before), name) {
			continue
		}
		at := step(keys(field), yamledit.Index(i))
		out = append(out, func(t patchTask) error { return t.generate(l, at, entry, g) })
	}
	return out
}

// generate changes what a generator takes its values from.
func (t patchTask) generate(l kustomizationFile, at yamledit.Path, entry map[string]any, g task) error {
	for _, e := range difference(nil, g.before.Object, g.after) {
		if len(e.Path) != 2 || e.Path[0].Key != "data" {
			return errElsewhere
		}
		value, isText := e.Value.(string)
		if e.Op != yamledit.Delete && !isText {
			return errElsewhere
		}
		if g.before.GetKind() == "Secret" {
			data, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return errElsewhere
			}
			value = string(data)
		}
		if err := t.generateKey(l, at, entry, e.Op, e.Path[1].Key, value); err != nil {
			return err
		}
	}
	return nil
}

// generateKey changes one value of a generator: a literal, or a file of its own.
func (t patchTask) generateKey(l kustomizationFile, at yamledit.Path, entry map[string]any, op yamledit.Op, key, value string) error {
	literals := texts(entry["literals"])
	literal := fmt.Sprintf("%s=%s", key, value)
	list := step(at, yamledit.Key("literals"))
	for i, s := range literals {
		if name, _, _ := strings.Cut(s, "="); name == key {
			return t.tree.apply(l.file, yamledit.Edit{Op: op, Path: step(list, yamledit.Index(i)), Value: literal})
		}
	}
	for _, s := range texts(entry["files"]) {
		name, file, named := strings.Cut(s, "=")
		if !named {
			file, name = s, s[strings.LastIndex(s, "/")+1:]
		}
		if name == key && op == yamledit.Set {
			full, err := envfs.Resolve(l.dir, file)
			if err != nil {
				return err
			}
			return t.tree.write(full, []byte(value))
		}
	}
	if op == yamledit.Insert && len(literals) > 0 {
		return t.tree.apply(l.file, yamledit.Edit{Op: op, Path: step(list, yamledit.Index(len(literals))), Value: literal})
	}
	return errElsewhere
}
