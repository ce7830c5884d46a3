package change

import (
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/yamledit"
)

// overlay is the environment's kustomization, with those below it in the
// environment.
type overlay struct {
	kustomizations []kustomizationFile // its own first
	affix          affix
}

// kustomizationFile is one kustomization file.
type kustomizationFile struct {
	dir, file string
	root      map[string]any
}

// overlay reads the environment's kustomizations.
func (t patchTask) overlay() (*overlay, error) {
	k := &overlay{}
	if err := k.read(t.maker, t.Dir); err != nil {
		return nil, err
	}
	own := k.kustomizations[0].root
	k.affix.prefix, _ = own["namePrefix"].(string)
	k.affix.suffix, _ = own["nameSuffix"].(string)
	if t.Plan != nil && t.Plan.Spec.Kustomize != nil {
		// As `kustomize edit set nameprefix` does, the plan's option takes the place.
		if p := t.Plan.Spec.Kustomize.NamePrefix; p != "" {
			k.affix.prefix = p
		}
		if s := t.Plan.Spec.Kustomize.NameSuffix; s != "" {
			k.affix.suffix = s
		}
	}
	return k, nil
}

func (k *overlay) read(m *maker, dir string) error {
	if slices.ContainsFunc(k.kustomizations, func(l kustomizationFile) bool { return l.dir == dir }) {
		return nil
	}
	file, err := m.kustomization(dir)
	if err != nil {
		return err
	}
	f, err := m.tree.file(file)
	if err != nil {
		return err
	}
	root, err := mapping(f, file)
	if err != nil {
		return err
	}
	k.kustomizations = append(k.kustomizations, kustomizationFile{dir, file, root})
	for _, field := range []string{"resources", "bases", "components"} {
		for _, name := range texts(root[field]) {
			below, err := m.resolveDir(dir, name)
			if err != nil || !within(m.Dir, below) {
				continue
			}
			// What cannot be read is refused by the render.
			_ = k.read(m, below)
		}
	}
	return nil
}

// texts are the strings in a list.
func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// files are the resource files of a kustomization that lie in the environment.
func (l kustomizationFile) files(m *maker) []string {
	var out []string
	for _, name := range texts(l.root["resources"]) {
		file, err := envfs.Resolve(l.dir, name)
		if err != nil || !within(m.Dir, file) {
			continue
		}
		if info, err := m.FS.Stat(file); err == nil && info.Mode().IsRegular() {
			out = append(out, file)
		}
	}
	return out
}

// names are those that a patch may call an object by: as it renders, and as it
// is called before the kustomization's own prefix, suffix and hash.
func (k *overlay) names(o *unstructured.Unstructured) []string {
	return append([]string{o.GetName()}, k.stageNames(o)...)
}

// stageNames are the names that the object may have where the kustomization's
// patches apply, the likely one first.
func (k *overlay) stageNames(o *unstructured.Unstructured) []string {
	var out []string
	add := func(name string) {
		if stripped, ok := k.affix.strip(name); ok && !slices.Contains(out, stripped) {
			out = append(out, stripped)
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if m := hashed.FindStringSubmatch(o.GetName()); m != nil && generated(o) {
		add(m[1])
	}
	add(o.GetName())
	return out
}

// add puts an entry at the end of the kustomization's patches.
func (k *overlay) add(t patchTask, p types.Patch) error {
	own := k.kustomizations[0]
	f, err := t.tree.file(own.file)
	if err != nil {
		return err
	}
	root, err := mapping(f, own.file)
	if err != nil {
		return err
	}
	return t.tree.apply(own.file, appended(root, "patches", entryOf(p)))
}

// appended is the edit that puts a value at the end of a list of the document.
func appended(root map[string]any, field string, value any) yamledit.Edit {
	current, exists := root[field]
	list, _ := current.([]any)
	switch {
	case !exists:
		return yamledit.Edit{Op: yamledit.Insert, Path: keys(field), Value: []any{value}}
	case len(list) == 0:
		return yamledit.Edit{Op: yamledit.Set, Path: keys(field), Value: []any{value}}
	default:
		return yamledit.Edit{Op: yamledit.Insert, Path: step(keys(field), yamledit.Index(len(list))), Value: value}
	}
}

// entryOf is a patch as an entry of the kustomization.
func entryOf(p types.Patch) map[string]any {
	entry := map[string]any{"patch": p.Patch}
	if p.Target == nil {
		return entry
	}
	target := map[string]any{}
	for field, value := range map[string]string{
		"group": p.Target.Group, "version": p.Target.Version, "kind": p.Target.Kind, "name": p.Target.Name, "namespace": p.Target.Namespace,
		"labelSelector": p.Target.LabelSelector, "annotationSelector": p.Target.AnnotationSelector,
	} {
		if value != "" {
			target[field] = value
		}
	}
	entry["target"] = target
	return entry
}

// entries are the forms of a document as a patch of one object, the shortest
// first, by the name that the object has where the patch applies.
func (d patchDocument) entries(o *unstructured.Unstructured, name string) []types.Patch {
	gvk := o.GroupVersionKind()
	short := types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Kind: gvk.Kind}, Name: regexp.QuoteMeta(name)}}
	long := short
	long.Group, long.Version, long.Namespace = gvk.Group, gvk.Version, o.GetNamespace()
	out := []types.Patch{{Patch: d.text, Target: &short}, {Patch: d.text, Target: &long}}
	if text, err := d.named(name); err == nil && d.by.one {
		out = slices.Insert(out, 0, types.Patch{Patch: text})
	}
	return out
}

// named is the text of a strategic merge patch under another name.
func (d patchDocument) named(name string) (string, error) {
	f, err := yamledit.Parse("patch", []byte(d.text))
	if err != nil {
		return "", err
	}
	text, err := f.Apply(yamledit.Edit{Op: yamledit.Set, Path: keys("metadata", "name"), Value: name})
	return string(text), err
}
